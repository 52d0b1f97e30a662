"""Many calls, and everything that can run out is back where it was, in every process. ``make soak`` makes them five
thousand.

The calls come in batches of the same size, with a rest after each in which the SIP stack forgets them (64*T1, RFC 3261
§17). The first two fill what is kept on purpose: pools of threads and connections, the last 5,000 events for consoles
that come back, pages and statements of the database; and what Python has taken for the calls of half a minute it does
not give back. From then on memory after the rest must not grow from batch to batch.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from holdings import held, resident
from product_house import House
from stubborn_caller import StubbornCaller

pytestmark = pytest.mark.peer

CALLS = int(os.environ.get("SOAK_CALLS", "240"))
LONG = CALLS >= 2000
#: the first one included
BATCHES = 5 if LONG else 3
EACH = CALLS // BATCHES
AT_ONCE = 3
#: people, who call again and again
CALLERS = 500
#: of SIP, seconds; few calls need not be remembered for long
T1 = 0.5 if LONG else 0.05
#: until the SIP stack has forgotten, seconds
REST = 1.0 + 64 * T1
PROCESSES = ("phone", "web", "worker", "serve")
#: what the worker may hold more while it has a recording in hand: it works on when the calls are over
IN_HAND = {"threads": 1, "descriptors": 4, "sockets": 0}
#: megabytes by which memory after a rest may grow from the second batch to the last. Where nothing is kept: holes in an
#: allocator's arenas. The web process has up to 16 connections to the database, each with 2 MB of its pages and 128
#: statements, which fill as the database grows (10,000 calls: 29, 8, 12 and 5 MB a batch of 2,000; Python keeps no more
#: than 500 ended calls and 5,000 events); the worker's table of interned names (pathlib's) doubles once; few calls do
#: not fill the last 5,000 events either
MAY_GROW = {"phone": 3.0, "web": 45.0, "worker": 12.0, "serve": 1.0}
#: seconds that everything may take
BOUND = 120 + 0.5 * CALLS + BATCHES * (REST + 60)


@dataclass
class Look:
    """What each process holds, and its megabytes."""

    when: str
    holds: dict[str, dict[str, int]]
    memory: dict[str, float]


def look(when: str, pids: dict[str, int]) -> Look:
    return Look(
        when, {role: held(pids[role]) for role in PROCESSES}, {role: resident(pids[role]) for role in PROCESSES}
    )


def table(looks: list[Look]) -> str:
    lines = ["process  " + "".join(f"{one.when:>26}" for one in looks)]
    for role in PROCESSES:
        cells = (
            f"{one.memory[role]:7.1f} MB {one.holds[role]['descriptors']:3d} fd {one.holds[role]['threads']:2d} thr"
            for one in looks
        )
        lines.append(f"{role:9}" + "".join(f"{cell:>26}" for cell in cells))
    return "\n    ".join(lines)


async def test_after_many_calls_ports_sockets_threads_memory_and_journal_are_as_they_were(
    start_house: Callable[..., House], say: Callable[[str], None]
) -> None:
    house = start_house("soak", (37000, 37399), sip_t1=T1)
    pids = house.product.processes()
    caller = await StubbornCaller.open(("127.0.0.1", house.product.sip))
    places = asyncio.Semaphore(AT_ONCE)
    rested: list[Look] = []
    placed, seconds = 0, 0.0

    async def place(n: int) -> None:
        async with places:
            call = await caller.call(f"139{n % CALLERS:08d}")
            assert call.status == 200
            await caller.hang_up(call)

    async def batch() -> None:
        nonlocal placed, seconds
        begun = time.monotonic()
        await asyncio.gather(*(place(n) for n in range(placed, placed + EACH)))
        seconds += time.monotonic() - begun
        placed += EACH

    async def closed() -> bool:
        return sum(event["type"] == "recording.closed" for event in house.events) == placed

    async def rest() -> None:
        await house.until(closed, BOUND)
        await asyncio.sleep(REST)
        # as many at once as there are threads and connections for
        await asyncio.gather(*(house.api.get("/api/calls") for _ in range(24)))

        async def as_before() -> bool:
            now, first = look("", pids).holds, rested[0].holds
            return all(
                now[role][name] <= first[role][name] + (IN_HAND[name] if role == "worker" else 0)
                for role in PROCESSES
                for name in now[role]
            )

        if rested:
            await house.until(as_before, 60)
        rested.append(look(f"{placed} calls", pids))

    async with house.watching():
        await house.set_rule("wrap_up_limit", 0)
        async with house.agent("agent1", auto_answer=True), house.agent("agent2", auto_answer=True):
            began = look("begun", pids)
            await batch()
            await rest()
            segments = len(list((house.product.data / "journal").iterdir()))
            for _ in range(1, BATCHES):
                await batch()
                await rest()
            now = len(list((house.product.data / "journal").iterdir()))
        caller.close()
    say(f"{placed} calls in {seconds:.0f} s, journal {segments} then {now} files\n    {table([began, *rested])}")
    ends = [event for event in house.events if event["type"] == "call.ended"]
    assert len(ends) == placed
    assert {(event["by"], event["sip_status"]) for event in ends} == {("caller", 200)}
    for role in PROCESSES:
        grown = max(one.memory[role] for one in rested[1:]) - rested[1].memory[role]
        assert grown < MAY_GROW[role], f"{role}: {grown:.1f} MB more than after the second batch"
    assert now <= segments + 2
    assert "Traceback" not in house.product.log.read_text(errors="replace")


test_after_many_calls_ports_sockets_threads_memory_and_journal_are_as_they_were.seconds = BOUND  # type: ignore[attr-defined]
