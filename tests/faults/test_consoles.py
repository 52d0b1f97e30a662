"""Consoles that freeze, reload or fight for one user: calls go elsewhere, sound comes back, and the newest wins."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright
from rtp_voice import RtpVoice
from stubborn_caller import StubbornCaller
from tones import write_tone

from console.bench.painted import CHROMIUM_FLAGS, chromium
from console.bench.product import PASSWORD
from console.headless_agent import HeadlessAgent
from recordings.g711 import LINEAR

pytestmark = pytest.mark.journey

#: seconds within which a console that does not live leaves the rotation
OUT = 5.0
#: seconds after a reload until the caller hears the agent again
BACK = 2.0
PATIENCE_MS = 20_000


class Desk:
    """An agent's browser: a real Chromium, signed in."""

    def __init__(self, page: Page, token: str) -> None:
        self.page = page
        self._token = token

    async def ready(self, url: str, user: str) -> None:
        await self.page.goto(url)
        for test_id, text in (("login-username", user), ("login-password", PASSWORD)):
            field = self.page.get_by_test_id(test_id)
            await field.locator("input").or_(self.page.locator(f"input[data-testid={test_id}]")).first.fill(text)
        await self.page.get_by_test_id("login-submit").click()
        await self.page.locator('[data-testid=headset-badge][data-state="connected"]').wait_for()
        await self.page.get_by_test_id("ready-toggle").click()
        await self.page.locator('[data-testid=agent-state][data-status="ready"]').wait_for()

    def renderers(self) -> list[int]:
        """The processes that run pages of this browser."""
        parents: dict[int, int] = {}
        words: dict[int, str] = {}
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                pid = int(folder.name)
                parents[pid] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words[pid] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        root = next(pid for pid, text in words.items() if self._token in text and "--type=" not in text)
        return [pid for pid, text in words.items() if "--type=renderer" in text and root in ancestors(pid, parents)]


def ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid in parents:
        pid = parents[pid]
        yield pid


@pytest.fixture
def open_desk(tmp_path: Path) -> Callable[[], Any]:
    executable = chromium()
    assert executable, "Chromium is not installed: apt-get install chromium"
    microphone = tmp_path / "tone.wav"
    write_tone(microphone, 1000.0, -12.0, 30)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Desk]:
        token = f"--sansheng-desk={secrets.token_hex(6)}"
        flags = [*CHROMIUM_FLAGS, token, "--lang=zh-CN", f"--use-file-for-fake-audio-capture={microphone}"]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=executable, args=flags)
            context = await browser.new_context(permissions=["microphone"], viewport={"width": 1440, "height": 900})
            context.set_default_timeout(PATIENCE_MS)
            desk = Desk(await context.new_page(), token)
            try:
                yield desk
            finally:
                for pid in desk.renderers():
                    os.kill(pid, signal.SIGCONT)
                await browser.close()

    return opened


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
    house: Any, open_desk: Any, say: Callable[[str], None], how: str, freeze: Any
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
    say(f"{how}: its ringing call is offered elsewhere after {took:.2f} s")
    assert ended["outcome"] == "headset_lost"
    assert took < OUT
    assert elsewhere["at"] - ended["at"] < 0.1


async def test_a_reload_in_mid_call_brings_the_sound_back_within_two_seconds(
    house: Any, open_desk: Any, say: Callable[[str], None]
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
    say(
        f"reload: the caller hears the agent again {back - begun:.2f} s after the key, "
        f"{back - gone:.2f} s after the page went"
    )
    assert back - begun < BACK


async def heard(voice: RtpVoice, since: float) -> float:
    """When the caller heard the agent's microphone after ``since``: three packets in a row with its tone."""
    async with asyncio.timeout(20):
        while True:
            packets = [(at, data) for at, data in voice.received if at >= since]
            for place in range(len(packets) - 2):
                if all(loud(data) for _, data in packets[place : place + 3]):
                    return packets[place][0]
            await asyncio.sleep(0.02)


def loud(datagram: bytes) -> bool:
    table = LINEAR[datagram[1] & 0x7F]
    return max(abs(table[code]) for code in datagram[12:]) > 1000


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
