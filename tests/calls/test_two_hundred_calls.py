"""Many calls one after the other leave nothing behind in the phone process."""

from __future__ import annotations

from typing import Any

import pytest
from holdings import held

pytestmark = pytest.mark.peer

CALLS = 200


async def test_two_hundred_calls_leave_sockets_threads_and_descriptors_as_they_were(house: Any) -> None:
    scenario = house.scenario("caller_hangs_up", {'milliseconds="100"': 'milliseconds="20"'})
    pid = house.product.processes()["phone"]
    async with house.watching():
        await house.set_rule("wrap_up_limit", 0)
        try:
            async with house.agent(auto_answer=True, disposition="") as agent:
                # what is made once (threads of the recorder) is made by the first calls
                await house.sipp.run(scenario, "-l", "1", calls=3)
                before = held(pid)
                await house.sipp.run(scenario, "-l", "1", "-r", "50", calls=CALLS)

                async def all_over() -> bool:
                    return agent.ended == CALLS + 3

                await house.until(all_over)

                async def as_before() -> bool:
                    now = held(pid)
                    return all(now[name] <= before[name] for name in before)

                await house.until(as_before)
        finally:
            await house.set_rule("wrap_up_limit", 60)
        ended = [event for event in house.events if event["type"] == "call.ended"]
        assert len(ended) == CALLS + 3
        assert {(event["by"], event["sip_status"]) for event in ended} == {("caller", 200)}
        closed = [event for event in house.events if event["type"] == "recording.closed"]
        assert len(closed) == CALLS + 3
