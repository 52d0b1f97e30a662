"""INVITE on the wire to the patient's card painted in Chromium. Playwright and Chromium are test tools."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from typing import Any

from console.bench.figures import Figure
from console.bench.others import Watch
from console.bench.product import PASSWORD, Product
from console.bench.sip_source import SipSource

#: in the page: the wall time of the first frame after the card with this record number is in the document
_WATCH = """
() => {
  window.painted = {};
  const seen = new WeakSet();
  const look = () => {
    const card = document.querySelector('[data-testid=pop-card], [data-testid=pop-candidates]');
    if (!card || seen.has(card) || !card.isConnected) return;
    seen.add(card);
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => { window.painted.at = performance.timeOrigin + performance.now(); };
      channel.port2.postMessage(0);
    });
  };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
}
"""

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


def chromium() -> str | None:
    """The path of an installed Chromium, or None."""
    return os.environ.get("SANSHENG_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


class CannotMeasure(Exception):
    """A tool is missing; the text says which."""


async def measure(product: Product, user: str, numbers: list[str], calls: int) -> list[Figure]:
    """Log in as ``user``, be ready, let ``calls`` INVITEs pop one after another. Raises CannotMeasure."""
    executable = chromium()
    if executable is None:
        raise CannotMeasure("no Chromium is installed")
    try:
        from playwright.async_api import async_playwright
    except ImportError as error:
        raise CannotMeasure("the playwright package is not installed") from error
    source = await SipSource.open(("127.0.0.1", product.sip))
    delays: list[float] = []
    missed = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        try:
            context = await browser.new_context(permissions=["microphone"], viewport={"width": 1440, "height": 900})
            page = await context.new_page()
            await page.goto(product.url)
            await (
                page.get_by_test_id("login-username")
                .locator("input")
                .or_(page.locator("input[data-testid=login-username]"))
                .first.fill(user)
            )
            await (
                page.get_by_test_id("login-password")
                .locator("input")
                .or_(page.locator("input[data-testid=login-password]"))
                .first.fill(PASSWORD)
            )
            await page.get_by_test_id("login-submit").click()
            await page.get_by_test_id("ready-toggle").wait_for()
            await asyncio.sleep(2)
            await page.get_by_test_id("ready-toggle").click()
            await asyncio.sleep(1)
            await page.evaluate(_WATCH)
            watch = Watch()
            for turn in range(calls):
                await page.evaluate("window.painted = {}")
                sent = time.time() * 1000
                call = source.invite(numbers[turn % len(numbers)], f"96{turn:06d}")
                painted = await _painted_at(page)
                if painted:
                    delays.append(painted - sent)
                else:
                    missed += 1
                source.cancel(call, f"96{turn:06d}")
                await asyncio.wait_for(call.done.wait(), 5)
                shown = page.locator("[data-testid=pop-card], [data-testid=pop-candidates]")
                await shown.wait_for(state="detached", timeout=5000)
                await asyncio.sleep(0.3)
            void = watch.void()
        finally:
            await browser.close()
            source.close()
    note = f"{calls} INVITEs, {missed} not painted within 3 s"
    return [
        Figure.of_delays("INVITE to the card painted in Chromium", delays, aim="p95 ≤ 100 ms", note=note, void=void)
    ]


async def _painted_at(page: Any, seconds: float = 3.0) -> float:
    """The wall time (ms) of the painted card; 0.0 when it does not come. Asked over and over, because the console's
    content security policy forbids what playwright's ``wait_for_function`` does in the page."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if at := float(await page.evaluate("window.painted.at || 0")):
            return at
        await asyncio.sleep(0.05)
    return 0.0
