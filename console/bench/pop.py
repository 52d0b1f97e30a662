"""INVITE on the wire to the ring at the agent's headset, and to the pop event at the agent's socket: real sockets, real
database, bounded load."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import sys
from collections.abc import AsyncIterator
from typing import Any

from console.bench.desk_agent import DeskAgent
from console.bench.figures import Figure, percentile
from console.bench.others import load_late
from console.bench.processes import waited_for_others
from console.bench.product import Product

#: ms a call that the phone may have been ready while another process had its processor
MOST_TAKEN = 0.2
#: seconds that a call rings before it is cancelled: between these, so that calls end at moments of their own. With one
#: time for all, 0.4 s at 10 and 30 calls a second, each INVITE was sent right behind the CANCEL of another call
RING_SECONDS = (0.3, 0.5)


@contextlib.asynccontextmanager
async def _source(
    product: Product, cookies: list[str], headsets: list[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process that places the calls and hears them (``ring_source``), its consoles and headsets connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console.bench.ring_source",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        begin = {"sip": ["127.0.0.1", product.sip], "origin": product.url}
        console = product.url.replace("http", "ws") + "/ws/events"
        process.stdin.write(_line({**begin, "console": console, "cookies": cookies, "headsets": headsets}))
        await _said(process, 30)
        yield process
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _line(command: dict[str, Any]) -> bytes:
    return json.dumps(command).encode() + b"\n"


async def _said(process: asyncio.subprocess.Process, seconds: float) -> str:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), seconds)
    if not line:
        raise RuntimeError("the process that places calls ended early")
    return line.decode()


async def measure(
    product: Product,
    agents: list[str],
    numbers: list[str],
    rate: float,
    calls: int,
) -> list[Figure]:
    """Send ``calls`` INVITEs at ``rate`` a second from ``numbers`` in turn; each is cancelled while it rings.

    The delays run from just before the INVITE's sendto: to the 180, to the ring on the headset's socket, and to the
    arrival of ``call.offered`` with the pop on the console's socket, all as a process of its own sees them. Each INVITE
    dials a number of its own, by which its event is recognised.
    """
    desks = [DeskAgent(product.url, user) for user in agents]
    chance = random.Random(calls)
    wanted = [
        (number, f"95{turn:06d}", chance.uniform(*RING_SECONDS))
        for turn, number in zip(range(calls), itertools.cycle(numbers), strict=False)
    ]
    phone = product.processes()["phone"]
    try:
        headsets = [await desk.log_in() for desk in desks]
        async with _source(product, [desk.cookie for desk in desks], headsets) as source:
            for desk in desks:
                await desk.ready()
            before, waited = product.cpu_seconds(), waited_for_others(phone)
            assert source.stdin is not None
            source.stdin.write(_line({"calls": wanted, "rate": rate}))
            seen = json.loads(await _said(source, calls / rate + 30))
            await asyncio.sleep(0.5)
            after, waited = product.cpu_seconds(), waited_for_others(phone) - waited
    finally:
        for desk in desks:
            await desk.stop()
    placed, rung = seen["calls"], seen["rings"]
    popped: dict[str, tuple[int, str, str]] = seen["offered"]
    delays = [(popped[key][0] - call["invited"]) / 1e6 for key, call in placed.items() if key in popped]
    rings = [
        (rung[popped[key][1]] - call["invited"]) / 1e6
        for key, call in placed.items()
        if key in popped and popped[key][1] in rung
    ]
    ringing = [(call["ringing"] - call["invited"]) / 1e6 for call in placed.values() if call["ringing"]]
    known = sum(1 for _, _, match in popped.values() if match in ("one", "several"))
    cpu = {role: round(1000 * (after[role] - before.get(role, 0.0)) / len(placed), 2) for role in after}
    late, taken = percentile(seen["late_ms"], 0.95), max(0.0, 1000 * waited / len(placed))
    void = load_late(seen["late_ms"])
    if not void and taken > MOST_TAKEN:
        void = f"others had the phone's processor for {taken:.1f} ms a call"
    cpu |= {"late p95 of the load": round(late, 2), "processor taken by others": round(taken, 2)}
    return [
        Figure.of_delays(
            f"INVITE to the ring at the agent's headset, {rate:g} calls/s",
            rings,
            aim="p95 ≤ 4 ms",
            note=f"{len(placed)} INVITEs, {len(rings)} rang",
            void=void,
        ),
        Figure.of_delays(
            f"INVITE to pop event at the agent's socket, {rate:g} calls/s",
            delays,
            aim="p95 ≤ 10 ms",
            note=f"{len(placed)} INVITEs, {len(popped)} popped, {known} of them with the caller's record",
            void=void,
        ),
        Figure.of_delays(f"INVITE to 180, {rate:g} calls/s", ringing, void=void),
        Figure(f"CPU of the product for each ringing call, {rate:g} calls/s", "ms", cpu),
    ]
