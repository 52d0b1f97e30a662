"""A headset that is pulled out while a call rings, or in mid-call, and is plugged in again; in a real Chromium."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from caller_ear import heard, loud
from fair_figures import Fair
from rtp_voice import RtpVoice
from stubborn_caller import StubbornCaller

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]

#: seconds from the plug to the offer at somebody else
ELSEWHERE = 1.5
#: seconds from the plug until the caller hears the agent again
BACK = 2.0


async def badge(desk: Any, state: str) -> None:
    await desk.page.locator(f'[data-testid=headset-badge][data-state="{state}"]').wait_for()


async def test_a_headset_that_is_pulled_out_while_a_call_rings_sends_it_elsewhere_at_once(
    house: Any, open_desk: Any, fair: Fair
) -> None:
    caller = await StubbornCaller.open(("127.0.0.1", house.product.sip))
    try:
        async with house.watching(), open_desk() as desk:
            await desk.ready(house.product.url, "agent1")
            async with house.agent("agent2", auto_answer=True):
                calling = asyncio.create_task(caller.call("13912340001"))
                offered = await house.event("call.offered", agent="agent1")
                pulled = time.monotonic()
                await desk.page.evaluate("unplug()")
                ended = await house.event("call.offer_ended", agent="agent1", call=offered["call"])
                await house.event("call.offered", agent="agent2", call=offered["call"])
                took = time.monotonic() - pulled
                told = await house.event("agent.headset", agent="agent1", connected=False)
                call = await calling
                await badge(desk, "no_device")
                house.events.clear()
                await desk.page.evaluate("plugIn()")
                await badge(desk, "connected")
                await house.event("agent.headset", agent="agent1", connected=True)
                await caller.hang_up(call)
                await house.event("call.ended", call=offered["call"])
    finally:
        caller.close()
    assert ended["outcome"] == "headset_lost"
    assert told["sequence"] <= ended["sequence"] + 2
    fair(took < ELSEWHERE, f"pulled out while it rings: offered elsewhere after {1000 * took:.0f} ms")


async def test_a_headset_that_is_pulled_out_in_mid_call_keeps_the_call_and_is_heard_when_it_is_back(
    house: Any, open_desk: Any, fair: Fair
) -> None:
    voice = await RtpVoice.open()
    caller = await StubbornCaller.open(("127.0.0.1", house.product.sip))
    try:
        async with house.watching(), open_desk() as desk, open_desk() as supervisor:
            await supervisor.sign_in(house.product.url, "supervisor1")
            tile = supervisor.page.locator('[data-testid=agent-tile][data-agent="agent1"] [data-testid=tile-away]')
            await desk.ready(house.product.url, "agent1")
            calling = asyncio.create_task(caller.call("13912340001", voice.port))
            offered = await house.event("call.offered", agent="agent1")
            await desk.page.locator('[data-testid=call-status][data-stage="offered"]').wait_for()
            await desk.page.keyboard.press("F2")
            call = await calling
            await heard(voice, time.monotonic())
            await desk.page.evaluate("unplug()")
            await badge(desk, "no_device")
            away = await house.event("party.away", call=offered["call"], away=True)
            await tile.wait_for()
            without = time.monotonic()
            await asyncio.sleep(1.0)
            plugged = time.monotonic()
            silence = [data for at, data in voice.received if without + 0.3 <= at < plugged]
            await desk.page.evaluate("plugIn()")
            back = await heard(voice, plugged)
            await house.event("party.away", call=offered["call"], away=False)
            await tile.wait_for(state="detached")
            await badge(desk, "connected")
            await caller.hang_up(call)
            ended = await house.event("call.ended", call=offered["call"])
    finally:
        caller.close()
        voice.close()
    assert ended["by"] == "caller"
    # told to everybody who looks at the floor, not only to the agent
    assert (away["agent"], away["party"], away["reason"]) == ("agent1", 1, "unplugged")
    # the line does not fall silent on the network: the caller's telephone would take the call for dead
    fair(len(silence) >= 30, f"pulled out in mid-call: {len(silence)} packets to the caller within 0.7 s or more")
    assert not any(loud(data) for data in silence)
    fair(back - plugged < BACK, f"pulled out in mid-call: heard again {back - plugged:.2f} s after it is plugged in")
