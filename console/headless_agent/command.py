"""``sansheng agent``: the headless agent on the command line. What happens is printed as JSON, one line each."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from console.headless_agent.agent import HeadlessAgent
from console.headless_agent.call_deeds import target_of
from console.headless_agent.console_api import ConsoleRefused
from console.headless_agent.sound import UnreadableSound

PASSWORD = "SANSHENG_PASSWORD"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``sansheng agent``."""
    parser.add_argument("--user", required=True, help="whom to sign in; the password is read from " + PASSWORD)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the console's address (%(default)s)")
    parser.add_argument("--auto-answer", action="store_true", help="answer each call that rings (implies --ready)")
    parser.add_argument("--ready", action="store_true", help="take calls")
    parser.add_argument("--play", type=Path, metavar="FILE.wav", help="what to say, over and over; without: silence")
    parser.add_argument("--record", type=Path, metavar="OUT.wav", help="where to put what is heard")
    parser.add_argument("--calls", type=int, metavar="N", help="leave after so many calls")
    parser.add_argument("--dial", metavar="NUMBER", help="call this number")
    parser.add_argument("--hang-up-after", type=float, metavar="SECONDS", help="hang up so long after the answer")
    parser.add_argument(
        "--transfer-to", metavar="TARGET", help="send each call on: agent:NAME, queue:NAME, entry:ID or a number"
    )
    parser.add_argument(
        "--disposition", metavar="CODE", nargs="?", const="", help="close each wrap-up with it (no CODE: the first)"
    )


def run(args: argparse.Namespace) -> int:
    """0: all done; 1: refused or unreachable; 2: wrong options."""
    password = os.environ.get(PASSWORD, "")
    if not password:
        print(f"sansheng agent: set {PASSWORD} to the password of {args.user}", file=sys.stderr)
        return 2
    try:
        agent = HeadlessAgent(
            args.url,
            args.user,
            password,
            play=args.play,
            record=args.record,
            auto_answer=args.auto_answer,
            ready=args.ready or args.auto_answer,
            hang_up_after=args.hang_up_after,
            disposition=args.disposition,
            transfer_to=None if args.transfer_to is None else target_of(args.transfer_to),
            on_event=_print,
        )
    except (UnreadableSound, ValueError, OSError) as error:
        print(f"sansheng agent: {error}", file=sys.stderr)
        return 2
    try:
        return asyncio.run(_work(agent, args))
    except (ConsoleRefused, OSError, TimeoutError) as error:
        print(f"sansheng agent: {error or 'the console does not answer'}", file=sys.stderr)
        return 1


async def _work(agent: HeadlessAgent, args: argparse.Namespace) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    calls = args.calls or (1 if args.dial else None)
    async with agent:
        if args.dial:
            await agent.dial(args.dial)
        while not stopped.is_set() and not (agent.replaced or agent.signed_out):
            if calls is not None and agent.ended >= calls and _settled(agent, args):
                break
            try:
                await asyncio.wait_for(stopped.wait(), 0.1)
            except TimeoutError:
                continue
    return 1 if agent.replaced or agent.signed_out else 0


def _settled(agent: HeadlessAgent, args: argparse.Namespace) -> bool:
    """Whether the last wrap-up was closed, where that was asked for (or was refused, which is told as well)."""
    if args.disposition is None:
        return True
    for record in reversed(agent.told):
        if record["event"] in ("disposed", "refused"):
            return True
        if record["event"] == "ended":
            return False
    return True


def _print(record: dict[str, Any]) -> None:
    print(json.dumps(record, ensure_ascii=False), flush=True)
