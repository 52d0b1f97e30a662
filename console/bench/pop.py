"""INVITE on the wire to the pop event at the agent's socket: real sockets, real database, bounded load."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from console.bench.desk_agent import DeskAgent
from console.bench.figures import Figure, percentile
from console.bench.product import Product
from console.bench.sip_source import SipSource, SourceCall

#: lateness of the load itself at p95 (ms), from which its delays say nothing; a timer of asyncio alone takes 1 to 2
MOST_LATE = 3.0


async def measure(
    product: Product,
    agents: list[str],
    numbers: list[str],
    rate: float,
    calls: int,
    ring_seconds: float = 0.4,
) -> list[Figure]:
    """Send ``calls`` INVITEs at ``rate`` a second from ``numbers`` in turn; each is cancelled after ``ring_seconds``.

    The delay runs from just before the INVITE's sendto to the arrival of its ``call.offered`` with the pop. Each
    INVITE dials a number of its own, by which its event is recognised.
    """
    popped: dict[str, tuple[int, str]] = {}
    calls_of: dict[str, str] = {}

    def hear(event: dict[str, Any], now: int) -> None:
        if event.get("type") == "call.offered":
            popped.setdefault(event["dialled"], (now, (event.get("pop") or {}).get("match", "")))
            calls_of.setdefault(event["dialled"], event["call"])

    source = await SipSource.open(("127.0.0.1", product.sip))
    desks = [DeskAgent(product.url, user, hear) for user in agents]
    placed: dict[str, SourceCall] = {}
    #: how late this load itself was (ms)
    late: list[float] = []
    try:
        for desk in desks:
            await desk.start()
        before = product.cpu_seconds()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for turn, number in zip(range(calls), itertools.cycle(numbers), strict=False):
            await asyncio.sleep(max(0.0, begun + turn / rate - loop.time()))
            late.append(1000 * (loop.time() - begun - turn / rate))
            dialled = f"95{turn:06d}"
            placed[dialled] = source.invite(number, dialled)
            loop.call_later(ring_seconds, source.cancel, placed[dialled], dialled)
        await asyncio.wait([asyncio.ensure_future(call.done.wait()) for call in placed.values()], timeout=10)
        await asyncio.sleep(0.5)
        after = product.cpu_seconds()
    finally:
        for desk in desks:
            await desk.stop()
        source.close()
    delays = [(popped[key][0] - call.invited) / 1e6 for key, call in placed.items() if key in popped]
    rung = {call: at for desk in desks for call, at in desk.rings.items()}
    rings = [(rung[calls_of[key]] - call.invited) / 1e6 for key, call in placed.items() if calls_of.get(key) in rung]
    ringing = [(call.ringing - call.invited) / 1e6 for call in placed.values() if call.ringing]
    known = sum(1 for _, match in popped.values() if match in ("one", "several"))
    cpu = {role: round(1000 * (after[role] - before.get(role, 0.0)) / len(placed), 2) for role in after}
    own = percentile(late, 0.95)
    void = f"the load itself was late by {own:.1f} ms at p95: the machine is busy" if own > MOST_LATE else ""
    cpu["late p95 of the load"] = round(own, 2)
    return [
        Figure.of_delays(
            f"INVITE to the ring at the agent's headset, {rate:g} calls/s", rings, aim="p95 ≤ 4 ms", void=void
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
