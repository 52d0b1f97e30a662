"""Many calls, and everything that can run out is back where it was. ``make soak`` makes them five thousand."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from holdings import held, resident
from stubborn_caller import StubbornCaller

pytestmark = pytest.mark.peer

CALLS = int(os.environ.get("SOAK_CALLS", "100"))
#: calls before the first look: what is made once is made, the caches are warm
FIRST = 50
AT_ONCE = 3
#: a call that is over is still in the SIP stack's memory for so long (seconds; RFC 3261 §17, timers B, F, H and J), and
#: takes so much (megabytes); what Python has taken once it does not give back
IN_MEMORY, EACH = 32.0, 0.05
#: megabytes beside that: allocator, caches
SLACK = 10.0
#: seconds that everything may take
BOUND = 120 + 0.3 * CALLS


async def test_after_many_calls_ports_sockets_threads_memory_and_journal_are_as_they_were(
    house: Any, say: Callable[[str], None]
) -> None:
    pid = house.product.processes()["phone"]
    journal = house.product.data / "journal"
    caller = await StubbornCaller.open(("127.0.0.1", house.product.sip))
    places = asyncio.Semaphore(AT_ONCE)

    async def place(n: int) -> None:
        async with places:
            call = await caller.call(f"139{n:08d}")
            assert call.status == 200
            await caller.hang_up(call)

    async def many(calls: range) -> None:
        await asyncio.gather(*(place(n) for n in calls))

        async def over() -> bool:
            return sum(event["type"] == "recording.closed" for event in house.events) >= calls.stop

        await house.until(over, BOUND)

    async with house.watching():
        await house.set_rule("wrap_up_limit", 0)
        try:
            async with house.agent("agent1", auto_answer=True), house.agent("agent2", auto_answer=True):
                await many(range(FIRST))
                before, memory, segments = held(pid), resident(pid), len(list(journal.iterdir()))
                begun = time.monotonic()
                await many(range(FIRST, FIRST + CALLS // 2))
                half = resident(pid)
                await many(range(FIRST + CALLS // 2, FIRST + CALLS))
                took = time.monotonic() - begun

                async def as_before() -> bool:
                    now = held(pid)
                    return all(now[name] <= before[name] for name in before)

                await house.until(as_before, 60)
                after, end, now = held(pid), resident(pid), len(list(journal.iterdir()))
        finally:
            await house.set_rule("wrap_up_limit", 60)
            caller.close()
    ends = [event for event in house.events if event["type"] == "call.ended"]
    allowed = SLACK + EACH * min(CALLS, CALLS / took * IN_MEMORY)
    say(
        f"{CALLS} calls in {took:.0f} s: descriptors {before['descriptors']} then {after['descriptors']}, sockets "
        f"{before['sockets']} then {after['sockets']}, threads {before['threads']} then {after['threads']}, memory "
        f"{memory:.0f}, half-way {half:.0f}, then {end:.0f} MB (at most {memory + allowed:.0f}), "
        f"journal {segments} then {now} files"
    )
    assert len(ends) == FIRST + CALLS
    assert {(event["by"], event["sip_status"]) for event in ends} == {("caller", 200)}
    assert end - memory < allowed
    assert now <= segments + 2


test_after_many_calls_ports_sockets_threads_memory_and_journal_are_as_they_were.seconds = BOUND  # type: ignore[attr-defined]
