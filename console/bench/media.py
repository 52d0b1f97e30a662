"""What a bridged, recorded call costs, beside a minimal relay in C that does the same work under the same load.

Two processes a run: the phone (``media_phone``) or the relay (``media_relay.c``), alone on one processor, and the load
(``media_load.c``) on the others. No SIP dialogs: the calls are long, setting them up is measured elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.bench.compiled import compiled
from console.bench.figures import Figure
from console.bench.media_phone import SECRET
from console.bench.processes import allow_descriptors, cpu_seconds, raise_priority, waited_for_others
from telephony.media.token import sign

#: seconds that the load sends before anything is counted
WARM_UP = 2.0
#: CPU seconds a call-minute
_AIMS = {50: "≤ 0.20", 100: "≤ 0.14", 200: "≤ 0.10", 400: "≤ 0.10"}
#: added delay at p99 with which a number of calls counts as carried (ms)
MOST_DELAY = 5.0
#: what a run may bear before its delays are void: the load's own lateness at p99 (ms), and the share of the time in
#: which other processes had the phone's processor when it was ready: packets wait as long, and one in a hundred is p99
MOST_LOAD_LATE = 1.0
MOST_WAITED = 0.01


@dataclass(slots=True)
class Run:
    """One run's result. Delays are added milliseconds by direction: ``{"n", "p50", "p95", "p99", "max"}``."""

    calls: int
    seconds: float
    cpu: float
    sent: int
    delays: dict[str, dict[str, float]]
    #: how late the load itself was with its packets, p99 (ms)
    load_late: float
    #: share of the time in which the phone was ready and another process had its processor
    waited: float
    #: what the phone said at its end: ``left_out``, ``ports_left``, ``troubles``, ``packet_path``; empty for the relay
    ended: dict[str, Any] = field(default_factory=dict)

    @property
    def cpu_per_call_minute(self) -> float:
        return self.cpu / (self.calls * self.seconds / 60)

    @property
    def void(self) -> str:
        """Why the delays are the machine's and not the phone's; empty where they are the phone's."""
        if self.load_late > MOST_LOAD_LATE:
            return f"the load itself was late by {self.load_late:.1f} ms at p99: the machine is busy"
        if self.waited > MOST_WAITED:
            return f"others had the phone's processor for {100 * self.waited:.1f} % of the time"
        return ""

    @property
    def lost(self) -> int:
        return self.sent - int(sum(one["n"] for one in self.delays.values()))

    @property
    def worst_p99(self) -> float:
        return max(one["p99"] for one in self.delays.values())

    @property
    def carried(self) -> bool:
        return self.lost == 0 and self.worst_p99 <= MOST_DELAY


@contextlib.asynccontextmanager
async def _process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(process: asyncio.subprocess.Process, seconds: float = 60) -> str:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), seconds)
    if not line:
        raise RuntimeError("a process of the media benchmark ended early")
    return line.decode().strip()


def _say(process: asyncio.subprocess.Process, *lines: str) -> None:
    assert process.stdin is not None
    process.stdin.write("".join(f"{line}\n" for line in lines).encode())


async def measure(subject: str, calls: int, seconds: float, pin: int | None, warm_up: float | None = None) -> Run:
    """One run of ``subject`` (``phone`` or ``relay``) with ``calls`` for ``seconds``. Raises NoCompiler."""
    folder = Path(tempfile.mkdtemp(prefix="media-bench-"))
    allow_descriptors(4 * calls + 200)
    try:
        load_command = [
            str(compiled("media_load", folder)),
            str(calls),
            str(WARM_UP if warm_up is None else warm_up),
            str(seconds),
        ]
        async with _process(*load_command) as load:
            ports = (await _line(load)).split()[1:]
            if subject == "relay":
                command = [str(compiled("media_relay", folder)), str(folder)]
                if pin is not None and (taskset := shutil.which("taskset")):
                    command = [taskset, "-c", str(pin), *command]
                paths = [f"/headset?n={number}" for number in range(calls)]
            else:
                pinned = [] if pin is None else ["--pin", str(pin)]
                command = [sys.executable, "-m", "console.bench.media_phone", *pinned, str(folder)]
                paths = [f"/headset?token={sign(SECRET, str(number), 'bench')}" for number in range(calls)]
            async with _process(*command, *ports) as process:
                _say(load, await _line(process), *paths)
                for expected in ("ready", "counting"):
                    assert await _line(load) == expected
                before, waited = cpu_seconds(process.pid), waited_for_others(process.pid)
                assert await _line(load, seconds + 60) == "counted"
                cpu, waited = cpu_seconds(process.pid) - before, max(0.0, waited_for_others(process.pid) - waited)
                found = json.loads(await _line(load))
                assert process.stdin is not None
                process.stdin.close()
                ended = json.loads(await _line(process)) if subject == "phone" else {}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    delays = {
        direction: {key: value if key == "n" else value / 1000 for key, value in found[direction].items()}
        for direction in ("to_headset", "to_line")
    }
    sent = found["line"] + found["headset"]
    return Run(calls, seconds, cpu, sent, delays, found["late_p99_us"] / 1000, waited / seconds, ended)


@contextlib.contextmanager
def apart() -> Iterator[tuple[int | None, str]]:
    """The load on all processors but one; gives that one (None: there is no other) and what to say about it."""
    processors = os.sched_getaffinity(0)
    note = "" if raise_priority() else "no right to raise the priority: others on this machine disturb the figures"
    pin = None
    if len(processors) > 1:
        pin = min(processors)
        os.sched_setaffinity(0, processors - {pin})
    try:
        yield pin, note
    finally:
        os.sched_setaffinity(0, processors)


def costs(counts: list[int], seconds: float) -> Iterator[Figure]:
    """CPU a call-minute at each number of calls, the phone and right after it the relay. Raises NoCompiler."""
    with apart() as (pin, note):
        for count in counts:
            run = asyncio.run(measure("phone", count, seconds, pin))
            floor = asyncio.run(measure("relay", count, seconds, pin))
            ratio = run.cpu_per_call_minute / floor.cpu_per_call_minute if floor.cpu else float("nan")
            values = {
                "phone": round(run.cpu_per_call_minute, 4),
                "C relay": round(floor.cpu_per_call_minute, 4),
                "ratio": round(ratio, 2),
                "packets": run.sent,
                "lost": run.lost,
                "left out by the pacer": run.ended["left_out"],
                "load late p99 ms": run.load_late,
                "core taken by others %": round(100 * run.waited, 1),
            }
            yield Figure(
                f"one recorded call-minute at {count} calls on one core",
                "CPU s",
                values,
                f"{_AIMS.get(count, 'C + 0.05')}, 0 lost",
                _with_path(note, run),
            )
            for direction in run.delays:
                yield Figure(
                    f"added delay {direction.replace('_', ' ')}, {count} calls",
                    "ms",
                    {**run.delays[direction], "p99 of the C relay": floor.delays[direction]["p99"]},
                    "p99 ≤ 5 ms",
                    void=run.void,
                )


def _with_path(note: str, run: Run) -> str:
    """Which of the two packet paths it was (``telephony.media.packet_path``), and ``note``."""
    return "; ".join(part for part in (f"packets take the path in {run.ended['packet_path']}", note) if part)


async def _disturbed(calls: int, seconds: float, pin: int | None) -> tuple[Run, dict[str, int]]:
    where = [] if pin is None else [str(pin)]
    async with _process(sys.executable, "-m", "console.bench.disturbance", *where) as web:
        assert await _line(web) == "busy"
        run = await measure("phone", calls, seconds, pin)
        assert web.stdin is not None
        web.stdin.close()
        return run, json.loads(await _line(web))


def disturbance(calls: int, seconds: float) -> Figure:
    """The added delay's p99 beside a process that encodes 5 MB of JSON and runs a query of 300 ms in turn, on the
    phone's own processor and at the web process's priority, against a run right before it. Raises NoCompiler."""
    with apart() as (pin, note):
        alone = asyncio.run(measure("phone", calls, seconds, pin))
        beside, done = asyncio.run(_disturbed(calls, seconds, pin))
    return Figure(
        f"p99 of the added delay while another process encodes 5 MB of JSON and runs 300 ms queries, {calls} calls",
        "ms",
        {
            "added by it": round(beside.worst_p99 - alone.worst_p99, 3),
            "p99 undisturbed": alone.worst_p99,
            "p99 disturbed": beside.worst_p99,
            "lost": beside.lost,
            "JSON texts": done["encoded"],
            "queries": done["queried"],
        },
        "≤ 2 ms added",
        note,
        # what waits for the core here is what is measured
        alone.void,
    )


def most_calls(steps: list[int], seconds: float) -> Figure:
    """The most calls with no packet lost and p99 ≤ 5 ms, going up ``steps`` until one is not carried.

    A step that fails is tried once more, so that a stall of the machine is not taken for the phone's limit.
    """
    most = 0
    values: dict[str, float] = {}
    void = ""
    with apart() as (pin, note):
        for count in steps:
            for _ in range(2):
                run = asyncio.run(measure("phone", count, seconds, pin))
                if run.carried and not run.void:
                    break
            values[f"p99 at {count}"] = round(run.worst_p99, 2)
            values[f"lost at {count}"] = run.lost
            values[f"core at {count}"] = round(run.cpu / run.seconds, 2)
            values[f"load late p99 at {count}"] = round(run.load_late, 2)
            values[f"core taken by others % at {count}"] = round(100 * run.waited, 1)
            if not run.carried:
                # a void run that was carried all the same is one; one that was not says nothing
                void = run.void
                # what the same core and kernel leave for any phone at all
                floor = asyncio.run(measure("relay", count, seconds, pin))
                values[f"core of the C relay at {count}"] = round(floor.cpu / floor.seconds, 2)
                values[f"lost by the C relay at {count}"] = floor.lost
                break
            most = count
    return Figure(
        "recorded calls on one core without loss, p99 of the added delay ≤ 5 ms",
        "calls",
        {"most": most, **values},
        "≥ 500",
        f"what was not carried is void: {void}" if void and most else _with_path(note, run),
        "" if most else void,
    )
