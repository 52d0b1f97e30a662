"""``python -m console.demo.callers``: the process of the simulated patients."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import random
import signal
import sys

from aiortp.port_allocator import PortAllocator

from console.demo.callers.callee import Callees
from console.demo.callers.caller import Patience
from console.demo.callers.schedule import Callers, Pace
from console.demo.callers.trunk import Trunk

log = logging.getLogger("sansheng.patients")


def address(text: str) -> tuple[str, int]:
    """``host:port``. Raises ``argparse.ArgumentTypeError`` for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"wanted host:port, got {text!r}")
    return host, int(port)


def numbers(text: str) -> list[str]:
    """Numbers parted by commas; ``anonymous`` withholds it (empty string in the list)."""
    listed = ["" if part == "anonymous" else part for part in text.split(",")]
    for number in listed:
        if number and not number.lstrip("+").isdigit():
            raise argparse.ArgumentTypeError(f"not a number: {number!r}")
    return listed


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m console.demo.callers", description=__doc__)
    made.add_argument("--trunk", type=address, required=True, metavar="HOST:PORT", help="where the product's SIP is")
    made.add_argument("--listen", type=address, required=True, metavar="HOST:PORT", help="where to be called")
    made.add_argument("--numbers", type=numbers, required=True, metavar="N,N,…", help="numbers to call from")
    made.add_argument("--callers", type=int, default=3, help="telephone lines that call; 0: none calls")
    made.add_argument("--call-every", type=float, default=60.0, metavar="S", help="mean rest of a line, seconds")
    made.add_argument("--first-after", type=float, default=5.0, metavar="S", help="when the first one calls")
    made.add_argument("--calls", type=int, default=0, help="stop after so many calls; 0: never")
    made.add_argument("--opening", type=int, default=0, help="so many calls come first, one right after the other")
    made.add_argument("--patience", type=float, default=55.0, metavar="S", help="ring so long, then give up")
    made.add_argument("--turn", type=float, default=7.0, metavar="S", help="wait so long for the desk to speak")
    made.add_argument("--rtp-ports", type=int, nargs=2, default=(40000, 40999), metavar=("FIRST", "LAST"))
    made.add_argument("--until-input-ends", action="store_true", help="stop when standard input closes")
    made.add_argument("--seed", type=int, default=None, help="the same seed makes the same choices")
    return made


async def live(chosen: argparse.Namespace) -> None:
    """Raises ``OSError`` when the port is taken."""
    chance = random.Random(chosen.seed)
    ports = PortAllocator(tuple(chosen.rtp_ports))
    patience = Patience(chosen.patience, chosen.turn)
    host, port = chosen.listen
    trunk = Trunk(host, port, chosen.trunk)
    await trunk.start()
    callees = Callees(trunk, ports, patience, chance)
    log.info("simulated patients on %s:%d, %d of them call", trunk.host, trunk.port, chosen.callers)
    pace = Pace(chosen.callers, chosen.call_every, chosen.first_after, chosen.calls, chosen.opening)
    callers = Callers(trunk, ports, chosen.numbers, pace, patience, chance)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if chosen.until_input_ends:
        loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 4096) else stop.set())
    calling = asyncio.create_task(callers.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        # with nobody calling (or no limit on calls) the process lives on to be called, until it is told to stop
        await asyncio.wait({stopping, calling}, return_when=asyncio.FIRST_COMPLETED)
        if calling.done():
            calling.result()
            if not chosen.calls:
                await stopping
    finally:
        if chosen.until_input_ends:
            loop.remove_reader(sys.stdin.fileno())
        for task in (calling, stopping):
            task.cancel()
        await asyncio.gather(calling, stopping, return_exceptions=True)
        await callees.stop()
        await trunk.stop()


def main() -> int:
    chosen = parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s patients: %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("aiosipua").setLevel(logging.WARNING)
    logging.getLogger("aiortp").setLevel(logging.WARNING)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(live(chosen))
    except OSError as problem:
        print(f"patients: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
