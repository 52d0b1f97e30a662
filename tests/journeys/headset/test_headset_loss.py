"""Sound of a bad network in the earphone of a real Chromium: 3 % lost, 50 ms jitter.

What the earphone's own thread gave out is taken down by a probe hung on it.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from fair_figures import Fair
from lossy_network import Weather

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]

BAD = Weather(loss=0.03, delay=0.01, jitter=0.05)
SECONDS = 6
#: the buffer learns the network meanwhile
LEARNING = 1.0
#: its period is no whole number of samples, as no voice's is
HERTZ, PEAK = 437.0, 0.4
RATE = 16000

#: a window of 10 ms whose level is so much (dB) below the tone's is a hole
HOLE = -12.0
#: share of such windows. 3 % is lost in 20 ms pieces: played as silence it would be more than 3 %
MOST_HOLES = 0.005
#: the tone's own largest step from sample to sample, times this: anything above is heard as a click
MOST_STEP = 2.0
#: ms of delay against the fastest packet: the jitter, a packet, and a little
MOST_DELAY = 110.0

RECORDER = """
registerProcessor('ear-recorder', class extends AudioWorkletProcessor {
  process(inputs) {
    const input = inputs[0]?.[0]
    if (input) this.port.postMessage(input.slice())
    return true
  }
})
"""
RECORD = """async (source) => {
  const node = window.bench.headset.earphone
  await node.context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
  const probe = new AudioWorkletNode(node.context, 'ear-recorder', { numberOfOutputs: 0 })
  window.earBlocks = []
  probe.port.onmessage = ({ data }) => window.earBlocks.push(data)
  node.connect(probe)
}"""
READ = """() => {
  const blocks = window.earBlocks
  const all = new Float32Array(blocks.reduce((sum, one) => sum + one.length, 0))
  let at = 0
  for (const one of blocks) { all.set(one, at); at += one.length }
  let text = ''
  for (const byte of new Uint8Array(all.buffer)) text += String.fromCharCode(byte)
  return btoa(text)
}"""


def longest(flags: np.ndarray) -> int:
    most = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        most = max(most, run)
    return most


def test_a_tone_through_a_bad_network_has_no_clicks_and_hardly_a_hole(bench: Any, tone: Any, fair: Fair) -> None:
    bench.connected(rate=RATE)
    bench.page.evaluate(RECORD, RECORDER)
    bench.phone.start_call()
    bench.until(lambda: bench.events("callStarted"))
    sent, lost = bench.phone.play_through(BAD, 5, tone(HERTZ, SECONDS))
    bench.page.wait_for_timeout(100)
    heard = np.frombuffer(base64.b64decode(bench.page.evaluate(READ)), np.float32)
    sounding = np.flatnonzero(np.abs(heard) > 0.05)
    assert len(sounding), "nothing was heard"
    heard = heard[sounding[0] + int(LEARNING * RATE) : sounding[-1] - int(0.1 * RATE)]
    windows = heard[: len(heard) // 160 * 160].reshape(-1, 160)
    level = 20 * np.log10(np.sqrt((windows**2).mean(axis=1)) / (PEAK / np.sqrt(2)) + 1e-9)
    holes = level < HOLE
    step = float(np.abs(np.diff(heard)).max() / (2 * np.pi * HERTZ / RATE * PEAK))
    stats = bench.events("stats")
    delays = [one["addedDelayMs"] for one in stats[len(stats) // 3 :]]
    last = stats[-1]
    fair(
        holes.mean() <= MOST_HOLES and step <= MOST_STEP and max(delays) <= MOST_DELAY,
        f"3 % lost ({lost} of {sent}), 50 ms jitter, in Chromium: {100 * holes.mean():.2f} % of 10 ms windows"
        f" below {HOLE:.0f} dB, longest hole {10 * longest(holes)} ms, largest step {step:.2f} of the tone's own,"
        f" added delay at most {max(delays):.0f} ms, {last['concealedMs']:.0f} ms invented",
    )
    assert lost > 0.015 * sent
    # as holes these would be four times what is allowed
    assert last["concealedMs"] > 4 * MOST_HOLES * 1000 * SECONDS
    assert len(windows) > 100 * (SECONDS - LEARNING - 1)
