"""What a bridged, recorded call costs the phone process, what gets lost and how much delay is added.

Two processes: the phone (``media_phone``) and the load (this one). No SIP dialogs: the calls are long, setting them
up is measured elsewhere.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop
from picows import ws_connect

from console.bench.figures import Figure
from console.bench.media_load import Load, LoadCall, generate
from console.bench.media_phone import SECRET, raise_priority
from telephony.media.token import sign

#: seconds that the load sends before anything is counted
WARM_UP = 2.0
_AIMS = {50: "≤ 0.20 CPU s", 100: "≤ 0.16 CPU s"}


async def measure(count: int, seconds: float, record: bool, pin: bool) -> dict[str, Any]:
    """One run of ``count`` calls for ``seconds``, the phone alone on its processor where ``pin``.

    ``cpu_per_call_minute`` is CPU seconds of the phone process; ``sent`` and ``lost`` are packets of both directions,
    of the lost ``left_out_by_pacer`` were left out toward the line to shed delay after a stall of the machine;
    ``delays_ms`` holds the added delay of each packet by direction.
    """
    data = Path(tempfile.mkdtemp(prefix="media-bench-"))
    arguments = [sys.executable, "-m", "console.bench.media_phone", "--data", str(data)]
    process = await asyncio.create_subprocess_exec(
        *arguments,
        *([] if record else ["--no-record"]),
        *(["--pin", "0"] if pin else []),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    commands, answers = process.stdin, process.stdout
    assert commands is not None
    assert answers is not None
    troubles: list[Any] = []

    async def ask(command: dict[str, Any]) -> dict[str, Any]:
        commands.write(json.dumps(command).encode() + b"\n")
        while True:
            answer = json.loads(await asyncio.wait_for(answers.readline(), 30))
            if "trouble" not in answer:
                return dict(answer)
            troubles.append(answer["trouble"])

    try:
        load = Load()
        calls = [LoadCall(load, number) for number in range(count)]
        answer = await ask({"begin": [(call.agent, call.port) for call in calls]})
        for call, port in zip(calls, answer["ports"], strict=True):
            call.connect(port)
            token = sign(SECRET, call.agent, "bench")
            url = f"ws://127.0.0.1:{answer['headset_port']}/headset?token={token}"
            await ws_connect(lambda call=call: call.headset, url)
            await asyncio.wait_for(call.headset.started.wait(), 10)
        loop = asyncio.get_running_loop()
        gc.collect()
        gc.freeze()
        sending = loop.create_task(generate(calls, loop.time() + WARM_UP + seconds + 0.5))
        await asyncio.sleep(WARM_UP)
        await ask({"measure": True})
        load.from_ns = time.monotonic_ns()
        load.until_ns = load.from_ns + int(seconds * 1e9)
        await asyncio.sleep(seconds)
        cpu = await ask({"measured": True})
        await sending
        await asyncio.sleep(0.5)
        ended = await ask({"end": True})
        await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        shutil.rmtree(data, ignore_errors=True)
    minutes = count * seconds / 60
    result: dict[str, Any] = {
        "calls": count,
        "seconds": seconds,
        "recorded": record,
        "cpu_per_call_minute": round((cpu["user"] + cpu["system"]) / minutes, 4),
        "system_share": round(cpu["system"] / (cpu["user"] + cpu["system"]), 2),
        "sent": sum(load.sent.values()),
        "lost": sum(load.sent.values()) - sum(len(delays) for delays in load.delays.values()),
        "left_out_by_pacer": ended["left_out"],
        "ports_left": ended["ports_in_use"],
        "troubles": troubles,
    }
    result["delays_ms"] = {direction: [delay / 1e6 for delay in delays] for direction, delays in load.delays.items()}
    return result


def figures(calls: list[int], seconds: float) -> Iterator[Figure]:
    """Measure each number of calls in turn; the phone on one processor, the load on the others where there are any."""
    processors = os.sched_getaffinity(0)
    pin = len(processors) > 1
    note = "" if raise_priority() else "no right to raise the priority: others on this machine disturb the figures"
    if pin:
        os.sched_setaffinity(0, set(sorted(processors)[1:]))
    try:
        for count in calls:
            result = uvloop.run(measure(count, seconds, record=True, pin=pin))
            values = {
                "CPU s": result["cpu_per_call_minute"],
                "packets sent": result["sent"],
                "lost": result["lost"],
                "of these left out by the pacer": result["left_out_by_pacer"],
            }
            yield Figure(
                f"one recorded call-minute at {count} calls",
                "phone process",
                values,
                f"{_AIMS.get(count, '')}, 0 lost",
                note,
            )
            for direction, delays in result["delays_ms"].items():
                yield Figure.of_delays(
                    f"added delay {direction.replace('_', ' ')}, {count} calls", delays, aim="p99 ≤ 5 ms"
                )
    finally:
        os.sched_setaffinity(0, processors)
