"""The replay page of a call of four in Chromium: its lanes, its marks, who heard whom, and each voice alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]

ARTEFACTS = Path(__file__).parents[3] / "test-artefacts" / "replay"
BEGAN = 1_772_352_000.0
PITCHES = (440.0, 700.0, 1000.0, 1400.0)

#: an ear on whatever the page plays
EAR = """
const connect = AudioNode.prototype.connect
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) {
    window.ear ??= Object.assign(new AnalyserNode(target.context, { fftSize: 8192, smoothingTimeConstant: 0 }))
    connect.call(this, window.ear)
  }
  return connect.call(this, target, ...rest)
}
window.heard = (pitches) => {
  const found = new Float32Array(window.ear.frequencyBinCount)
  window.ear.getFloatFrequencyData(found)
  const at = (hertz) => {
    const bin = Math.round((hertz * 8192) / window.ear.context.sampleRate)
    return Math.max(...found.slice(bin - 4, bin + 5))
  }
  return pitches.filter((hertz) => at(hertz) > -50)
}
"""


def tell(log: Any, call: str) -> None:
    """Answered, held, a colleague asked, a conference; a supervisor whispers, another listens; the agent leaves."""

    def event(kind: str, at: float, /, **more: Any) -> None:
        log.event(kind, call, BEGAN + 3 + at, **more)

    event("party.joined", 0, party=0, role="caller")
    event("party.joined", 0, party=1, role="agent", agent="agent1", name="林静")
    event("call.audio", 0, hears={"0": [1], "1": [0]})
    event("call.digit", 2, digit="5", by="caller")
    event("call.held", 4, by="agent")
    event("party.invited", 4, party=2, role="consulted", by="agent1", target={"kind": "agent", "agent": "agent2"})
    event("call.audio", 4, hears={"0": [], "1": []})
    event("party.joined", 6, party=2, role="consulted", agent="agent2", name="陈医生")
    event("call.audio", 6, hears={"0": [], "1": [2], "2": [1]})
    event("party.joined", 8, party=3, role="whisperer", agent="supervisor1", name="班长 何")
    event("call.audio", 8, hears={"0": [], "1": [2, 3], "2": [1], "3": [1, 2]})
    event("call.resumed", 11, by="agent")
    event("party.role", 11, party=2, role="member")
    event("party.joined", 12, party=4, role="listener", agent="reviewer1", name="质检 周敏")
    event("call.audio", 12, hears={"0": [1, 2], "1": [0, 2, 3], "2": [0, 1], "3": [0, 1, 2], "4": [0, 1, 2, 3]})
    event("call.transferred", 16, kind="consult", by="agent1", target={"kind": "agent", "agent": "agent2"}, party=2)
    for party in (1, 3, 4):
        event("party.left", 16, party=party, by="agent")
    event("call.audio", 16, hears={"0": [2], "2": [0]})


async def at(page: Page, second: float) -> None:
    await page.locator("audio").evaluate(
        "(one, second) => new Promise((done) => { one.onseeked = done; one.currentTime = second })", second
    )


async def pairs(page: Page) -> list[str]:
    return await page.eval_on_selector_all(
        "[data-testid=player-hears] [data-pair], [data-testid=player-hears] [data-deaf]",
        "all => all.map((one) => one.dataset.pair ?? `${one.dataset.deaf}-`)",
    )


def test_a_call_of_four_is_replayed_with_a_lane_each_and_the_proof_of_who_heard_whom(
    house: Any, log_of: Callable[..., Any], pitched: Callable[[float, float], bytes]
) -> None:
    browser_path = shutil.which("chromium")
    assert browser_path, "Chromium is needed for this test (Debian package: chromium)"
    ARTEFACTS.mkdir(parents=True, exist_ok=True)

    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("call-1", BEGAN, talk=20.0)
        tell(log, "call-1")
        log.recorded("call-1", BEGAN, *(pitched(hertz, 20.0) for hertz in PITCHES))
        async with house.signed_in("supervisor1") as client, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=browser_path,
                args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
            )
            try:
                context = await browser.new_context(viewport={"width": 1500, "height": 1250}, locale="zh-CN")
                await context.add_cookies(
                    [{"name": name, "value": value, "url": house.url} for name, value in client.cookies.items()]
                )
                page = await context.new_page()
                problems: list[str] = []
                page.on("pageerror", lambda error: problems.append(str(error)))
                await page.add_init_script(EAR)
                await page.goto(f"{house.url}/calls/call-1")
                await page.locator("[data-testid=player][data-ready=true]").wait_for(timeout=15_000)
                await lanes_and_marks(page)
                await who_heard_whom(page)
                await each_alone(page)
                await at(page, 9)
                await page.screenshot(path=ARTEFACTS / "zh.png")
                assert (await client.patch("/api/me", json={"locale": "en"})).status_code == 200
                await page.reload()
                await page.locator("[data-testid=player][data-ready=true]").wait_for(timeout=15_000)
                await at(page, 14)
                assert "Whispering" in await page.get_by_test_id("player-mute-3").inner_text()
                await page.screenshot(path=ARTEFACTS / "en.png")
                assert problems == []
            finally:
                await browser.close()

    house(body, phone=False)


async def lanes_and_marks(page: Page) -> None:
    for party in range(4):
        await page.get_by_test_id(f"player-mute-{party}").wait_for()
    assert await page.get_by_test_id("player-silent-4").inner_text() == "质检 周敏\n监听"
    assert await page.eval_on_selector_all(
        "[data-testid=player-marks] button", "all => all.map((one) => one.dataset.kind)"
    ) == ["digit", "hold", "consult", "whisper", "resume", "conference", "listen", "transfer"]
    assert await page.locator(".warn").count() == 0, "what nobody was to hear is no gap"


async def who_heard_whom(page: Page) -> None:
    seen = {}
    for second in (1, 5, 9, 14, 18):
        await at(page, second)
        seen[second] = await pairs(page)
    assert seen == {
        1: ["1=0"],
        5: ["0-", "1-"],
        9: ["2=1", "3=1", "2>3", "0-"],
        14: ["1=0", "2=0", "2=1", "3=1", "0>3", "2>3", "0>4", "1>4", "2>4", "3>4"],
        18: ["2=0"],
    }


async def each_alone(page: Page) -> None:
    await at(page, 1)
    await page.keyboard.press(" ")
    await page.locator("[data-testid=player][data-playing=true]").wait_for()
    heard = []
    for press in (None, "mute-1", "alone-2", "alone-3", "alone-2", "mute-3"):
        if press:
            await page.get_by_test_id(f"player-{press}").click()
        await page.wait_for_timeout(600)
        heard.append(await page.evaluate("(pitches) => heard(pitches)", list(PITCHES)))
    a, b, c, d = PITCHES
    assert heard == [[a, b, c, d], [a, c, d], [c], [c, d], [d], [a, c]]
    await page.keyboard.press(" ")
