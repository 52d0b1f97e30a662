"""One datagram of ten is lost, some come twice or late: every call ends cleanly, and nothing is left over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from holdings import held
from lossy_network import Weather, lossy_network
from stubborn_caller import PlacedCall, StubbornCaller

pytestmark = pytest.mark.peer

CALLS = 50
AT_ONCE = 4
WEATHER = Weather(loss=0.10, duplicate=0.05, delay=0.002, jitter=0.03)


async def test_fifty_calls_over_a_network_that_loses_a_tenth_end_cleanly_on_both_sides(
    house: Any, say: Callable[[str], None]
) -> None:
    pid = house.product.processes()["phone"]

    def ends() -> list[dict[str, Any]]:
        return [event for event in house.events if event["type"] == "call.ended"]

    async with house.watching(), lossy_network(seed=11, desk=("127.0.0.1", house.product.sip)) as network:
        caller = await StubbornCaller.open(("127.0.0.1", network.port_for_peer), network.port_for_desk)
        places = asyncio.Semaphore(AT_ONCE)

        async def place(n: int) -> PlacedCall:
            async with places:
                call = await caller.call(f"1391234{n:04d}")
                # every second one leaves the hanging up to the agent
                if n % 2:
                    await asyncio.wait_for(call.over.wait(), 40)
                else:
                    await caller.hang_up(call)
                return call

        await house.set_rule("wrap_up_limit", 0)
        try:
            async with (
                house.agent("agent1", auto_answer=True, disposition="", hang_up_after=0.5),
                house.agent("agent2", auto_answer=True, disposition="", hang_up_after=0.5),
            ):
                # what is made once is made by the first call
                await place(0)
                await house.event("call.ended")
                before = held(pid)
                house.events.clear()
                network.weather = WEATHER
                calls = await asyncio.gather(*(place(n) for n in range(CALLS)))

                async def over() -> bool:
                    return len(ends()) == CALLS

                async def as_before() -> bool:
                    now = held(pid)
                    return all(now[name] <= before[name] for name in before)

                await house.until(over, 40)
                await house.until(as_before, 40)
                states = [event for event in house.events if event["type"] == "agent.state"]
                last = {event["agent"]: event["status"] for event in states}
                health = await house.health()
        finally:
            await house.set_rule("wrap_up_limit", 60)
            caller.close()
    seen, lost = network.to_desk.seen + network.to_peer.seen, network.to_desk.lost + network.to_peer.lost
    sides = Counter((call.status, call.ended_by) for call in calls)
    how = Counter((event["by"], event["sip_status"]) for event in ends())
    say(
        f"{CALLS} calls, {seen} datagrams, {100 * lost / seen:.0f} % lost, "
        f"{network.to_desk.doubled + network.to_peer.doubled} doubled, "
        f"{network.to_desk.overtaken + network.to_peer.overtaken} overtaken; "
        f"the callers sent {sum(call.retransmissions for call in calls)} again; ended {dict(sides)}, logged {dict(how)}"
    )
    assert lost > 0.05 * seen
    assert {status for status, _ in sides} == {200}
    assert set(how) <= {("caller", 200), ("agent", 200)}
    # where a lost BYE crosses the agent's, each side was first in its own eyes
    assert how["agent", 200] >= sides[200, "desk"]
    assert last == {"agent1": "ready", "agent2": "ready"}
    assert health["status"] == "ok"
