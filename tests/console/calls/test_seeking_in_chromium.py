"""A browser that seeks in a recording hears what was said at that second, each party on their own channel."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.async_api import async_playwright

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]

RATE = 48_000

#: plays the address it is given, from the second it is given, and hands over what came out on both sides
PAGE = """<!doctype html><audio id="player" preload="auto"></audio><script>
const player = document.getElementById('player')
let heard = []
async function load(address) {
  const context = new AudioContext({ sampleRate: 48000 })
  const source = `registerProcessor('ear', class extends AudioWorkletProcessor {
    process([input]) { if (input.length) this.port.postMessage(input.map((side) => side.slice())); return true } })`
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
  const ear = new AudioWorkletNode(context, 'ear', { channelInterpretation: 'discrete' })
  ear.port.onmessage = ({ data }) => heard.push(data)
  context.createMediaElementSource(player).connect(ear)
  ear.connect(context.destination)
  await context.resume()
  const ready = new Promise((resolve, reject) => {
    player.oncanplay = resolve
    player.onerror = () => reject(new Error(player.error.message))
  })
  player.src = address
  await ready
  return player.duration
}
async function from(second) {
  await new Promise((resolve) => { player.onseeked = resolve; player.currentTime = second })
  heard = []
  await player.play()
  while (player.currentTime < second + 0.6) await new Promise((resolve) => setTimeout(resolve, 20))
  player.pause()
  const channels = Math.max(2, ...heard.map((block) => block.length))
  return Array.from({ length: channels }, (_, side) =>
    heard.flatMap((block) => Array.from(block[Math.min(side, block.length - 1)])))
}
</script>"""


def pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4 * RATE))
    return float(np.argmax(spectrum)) / 4


def landed(sides: list[list[float]]) -> float:
    """The second of the recording that the sound began with, read off the pitch of the first two channels."""
    caller, agent = (np.array(side) for side in sides[:2])
    begin = int(np.argmax(np.abs(caller) + np.abs(agent) > 0.01))
    at = begin + round(0.15 * RATE)
    second = round((pitch(agent[at : at + 3840]) - 300) / 60)
    # the sweep's pitch in the middle of the window says how far into the second it is
    within = (pitch(caller[at : at + 1920]) - 300) / 3000 - 0.02
    return second + within - 0.15


@pytest.mark.parametrize(
    ("more", "seconds"), [(0, (12.3, 3.25, 17.45)), (1, (12.3, 3.25)), (6, (17.45,)), (14, (12.3,))]
)
def test_seeking_lands_within_50_ms_with_two_to_sixteen_parties(
    house: Any,
    log_of: Callable[..., Any],
    sweeps: tuple[bytes, bytes],
    pitched: Callable[[float, float], bytes],
    more: int,
    seconds: tuple[float, ...],
) -> None:
    """The first two tell the time; each further one keeps to a pitch of their own."""
    pitches = [400.0 + 180 * n for n in range(more)]

    browser_path = shutil.which("chromium")
    assert browser_path, "Chromium is needed for this test (Debian package: chromium)"

    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("call-1", 1_772_352_000.0, talk=20.0)
        id_ = log.recorded("call-1", 1_772_352_000.0, *sweeps, *(pitched(hertz, 20.0) for hertz in pitches))
        async with house.signed_in("agent1") as client, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=browser_path,
                args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
            )
            try:
                context = await browser.new_context()
                await context.add_cookies(
                    [{"name": name, "value": value, "url": house.url} for name, value in client.cookies.items()]
                )
                page = await context.new_page()
                await page.route("**/seek.html", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
                await page.goto(f"{house.url}/seek.html")
                duration = await page.evaluate(f"load('/api/recordings/{id_}/audio')")
                assert duration == pytest.approx(20.0, abs=0.05)
                for second in seconds:
                    sides = await page.evaluate(f"from({second})")
                    assert len(sides) == 2 + more
                    assert landed(sides) == pytest.approx(second, abs=0.05)
                    heard = [pitch(np.array(side[4800:14400])) for side in sides[2:]]
                    assert heard == pytest.approx(pitches, abs=5)
            finally:
                await browser.close()

    house(body, phone=False)
