"""Consoles that freeze, reload or fight for one user: calls go elsewhere, sound comes back, and the newest wins."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from browser_desk import Desk
from caller_ear import heard
from fair_figures import Fair
from rtp_voice import RtpVoice
from stubborn_caller import StubbornCaller

from console.bench.product import PASSWORD
from console.headless_agent import HeadlessAgent

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]

#: seconds within which a console that does not live leaves the rotation
OUT = 5.0
#: seconds after a reload until the caller hears the agent again
BACK = 2.0


async def hung(desk: Desk) -> Callable[[], Awaitable[None]]:
    """The page's own thread is stuck; its worker and its sockets live on."""
    script = "setTimeout(() => { const until = Date.now() + 12000; while (Date.now() < until) ; }, 0)"
    await desk.page.evaluate(script)

    async def over() -> None:
        await asyncio.sleep(0)

    return over


async def stopped(desk: Desk) -> Callable[[], Awaitable[None]]:
    """The whole renderer is stopped, as by an operating system that freezes a tab."""
    pids = desk.renderers()
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)

    async def over() -> None:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    return over


@pytest.mark.parametrize(("how", "freeze"), [("its page hangs", hung), ("its renderer is stopped", stopped)])
async def test_a_frozen_console_leaves_the_rotation_and_its_ringing_call_rings_elsewhere(
    house: Any, open_desk: Any, fair: Fair, how: str, freeze: Any
) -> None:
    caller = await StubbornCaller.open(("127.0.0.1", house.product.sip))
    try:
        async with house.watching(), open_desk() as desk:
            await desk.ready(house.product.url, "agent1")
            async with house.agent("agent2", auto_answer=True):
                calling = asyncio.create_task(caller.call("13912340001"))
                offered = await house.event("call.offered", agent="agent1")
                begun = time.monotonic()
                thaw = await freeze(desk)
                ended = await house.event("call.offer_ended", agent="agent1", call=offered["call"])
                elsewhere = await house.event("call.offered", agent="agent2", call=offered["call"])
                took = time.monotonic() - begun
                call = await calling
                await house.event("call.answered", agent="agent2", call=offered["call"])
                await thaw()
                await caller.hang_up(call)
                await house.event("call.ended", call=offered["call"])
    finally:
        caller.close()
    assert ended["outcome"] == "headset_lost"
    fair(took < OUT, f"{how}: its ringing call is offered elsewhere after {took:.2f} s")
    gap = elsewhere["at"] - ended["at"]
    fair(gap < 0.1, f"{how}: {1000 * gap:.1f} ms between the two offers")


async def test_a_reload_in_mid_call_brings_the_sound_back_within_two_seconds(
    house: Any, open_desk: Any, fair: Fair
) -> None:
    voice = await RtpVoice.open()
    caller = await StubbornCaller.open(("127.0.0.1", house.product.sip))
    try:
        async with house.watching(), open_desk() as desk:
            await desk.ready(house.product.url, "agent1")
            calling = asyncio.create_task(caller.call("13912340001", voice.port))
            offered = await house.event("call.offered", agent="agent1")
            await desk.page.locator('[data-testid=call-status][data-stage="offered"]').wait_for()
            await desk.page.keyboard.press("F2")
            call = await calling
            await heard(voice, time.monotonic())
            begun = time.monotonic()
            await desk.page.reload(wait_until="commit")
            gone = time.monotonic()
            back = await heard(voice, gone)
            await caller.hang_up(call)
            await house.event("call.ended", call=offered["call"])
    finally:
        caller.close()
        voice.close()
    fair(
        back - begun < BACK,
        f"reload: the caller hears the agent again {back - begun:.2f} s after the key, "
        f"{back - gone:.2f} s after the page went",
    )


async def test_of_two_consoles_of_one_user_the_newest_wins_and_the_older_stays_away(
    house: Any, say: Callable[[str], None]
) -> None:
    async with house.watching(), house.agent("agent1") as older:
        house.events.clear()
        async with HeadlessAgent(house.product.url, "agent1", PASSWORD) as newer:
            await older.wait_for("replaced")
            await house.event("agent.headset", agent="agent1", connected=True)
            settled = len(house.events)
            await asyncio.sleep(4.0)
            again = [event for event in house.events[settled:] if event["type"] == "agent.headset"]
            assert not newer.replaced
            assert older.replaced
            await newer.be_ready()
    links = [event["connected"] for event in house.events if event["type"] == "agent.headset"]
    say(f"two consoles: the older is told and stays away; headset links {links}, none in the 4 s after")
    assert again == []
