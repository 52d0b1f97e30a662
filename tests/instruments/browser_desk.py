"""An agent's browser: a real Chromium, whose microphone hears a tone of 1 kHz."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright
from playwright.async_api import TimeoutError as NotInTime
from tones import write_tone

from console.bench.painted import CHROMIUM_FLAGS, chromium
from console.bench.product import PASSWORD

PATIENCE_MS = 40_000
#: run before the page's own scripts: ``unplug()`` does to the page what a headset does that is pulled out (its tracks
#: end, no other microphone is there, the list of devices changes), ``plugIn()`` what it does when it is back
PLUG = """
(() => {
  const devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices), tracks = []
  let there = true
  devices.getUserMedia = async (wanted) => {
    if (!there) throw new DOMException('Requested device not found', 'NotFoundError')
    const stream = await open(wanted)
    tracks.push(...stream.getTracks())
    return stream
  }
  const changed = () => devices.dispatchEvent(new Event('devicechange'))
  window.unplug = () => {
    there = false
    for (const track of tracks.splice(0)) {
      track.stop()
      track.dispatchEvent(new Event('ended'))
    }
    changed()
  }
  window.plugIn = () => {
    there = true
    changed()
  }
})()
"""
#: as well: the microphone is not processed, which takes a third of a page's time and changes tones
PLAIN = """localStorage.setItem('sansheng.headset', '{"input":"","output":"","processing":false}')"""


class Desk:
    """An agent's browser: a real Chromium, signed in."""

    def __init__(self, page: Page, token: str) -> None:
        self.page = page
        self._token = token

    async def ready(self, url: str, user: str) -> None:
        """An agent whose headset is there and who takes calls."""
        await self.sign_in(url, user)
        await self.page.locator('[data-testid=headset-badge][data-state="connected"]').wait_for()
        state = self.page.get_by_test_id("agent-state")
        ready = self.page.locator('[data-testid=agent-state][data-status="ready"]')
        for _ in range(4):
            # who was ready when another page of theirs went may be so again without a click, any moment now
            if await state.get_attribute("data-status") != "ready":
                await self.page.get_by_test_id("ready-toggle").click()
            with contextlib.suppress(NotInTime):
                return await ready.wait_for(timeout=5000)
        return await ready.wait_for()

    async def sign_in(self, url: str, user: str) -> None:
        await self.page.goto(url)
        for test_id, text in (("login-username", user), ("login-password", PASSWORD)):
            field = self.page.get_by_test_id(test_id)
            await field.locator("input").or_(self.page.locator(f"input[data-testid={test_id}]")).first.fill(text)
        await self.page.get_by_test_id("login-submit").click()

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
            context = await browser.new_context(
                permissions=["microphone"], viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
            )
            context.set_default_timeout(PATIENCE_MS)
            await context.add_init_script(PLUG)
            await context.add_init_script(PLAIN)
            desk = Desk(await context.new_page(), token)
            try:
                yield desk
            finally:
                for pid in desk.renderers():
                    os.kill(pid, signal.SIGCONT)
                await browser.close()

    return opened
