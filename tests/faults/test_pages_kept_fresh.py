"""Pages are told of what changed; they do not ask again and again. In a real Chromium."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from fair_figures import Fair
from stubborn_caller import StubbornCaller

from console.bench.sip_source import SipSource

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]

#: seconds from the caller's giving up to the row in the list
SHOWN = 3.0


async def test_who_gives_up_in_the_queue_is_listed_at_once_at_agents_it_never_rang_at(
    house: Any, open_desk: Any, fair: Fair
) -> None:
    source = await SipSource.open(("127.0.0.1", house.product.sip))
    try:
        async with house.watching(), open_desk() as desk:
            await desk.ready(house.product.url, "agent1")
            await desk.page.get_by_test_id("ready-toggle").click()
            await desk.page.locator('[data-testid=agent-state][data-status="not_ready"]').wait_for()
            call = source.invite("13912340007")
            queued = await house.event("call.queued")
            source.cancel(call)
            await house.event("call.ended", call=queued["call"])
            begun = time.monotonic()
            await desk.page.locator(f'[data-testid=missed-row][data-call="{queued["call"]}"]').wait_for()
            took = time.monotonic() - begun
    finally:
        source.close()
    assert not [one for one in house.events if one["type"] == "call.offered"]
    fair(took < SHOWN, f"who gave up in the queue is listed {took:.2f} s later")


async def test_an_open_call_shows_its_recording_when_it_is_finished_and_asks_for_it_once(
    house: Any, open_desk: Any, fair: Fair
) -> None:
    caller = await StubbornCaller.open(("127.0.0.1", house.product.sip))
    try:
        async with house.watching(), open_desk() as desk, house.agent(auto_answer=True) as agent:
            page = desk.page
            await desk.sign_in(house.product.url, "supervisor1")
            await page.wait_for_url("**/floor")
            call = await caller.call("13912340001")
            id_ = (await agent.wait_for("answered"))["call"]
            await page.goto(f"{house.product.url}/calls/{id_}")
            await page.get_by_test_id("recording-state").wait_for()
            asked: list[float] = []
            own = f"/api/calls/{id_}"
            page.on("request", lambda one: asked.append(time.monotonic()) if one.url.endswith(own) else None)
            # nothing happens: nothing is asked
            await asyncio.sleep(2.5)
            idle = len(asked)
            await caller.hang_up(call)
            await house.event("call.ended", call=id_)
            ended = time.monotonic()
            await page.get_by_test_id("player").wait_for()
            took = time.monotonic() - ended
    finally:
        caller.close()
    fair(
        idle <= 1 and len(asked) <= 6,
        f"the player is there {took:.2f} s after the end; asked {idle} times in 2.5 s of talk, {len(asked)} in all",
    )
