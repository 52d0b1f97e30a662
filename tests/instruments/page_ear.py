"""The earphone of a page: what its playback worklet gave out in the last seconds, read from inside Chromium."""

from __future__ import annotations

import array
import base64

from playwright.sync_api import Page
from tones import RATE, Heard, hear_pcm

#: to be run before the page's own scripts: hangs an analyser on the worklet that only gives (its last 2^14 samples are
#: 1.02 s at 16 kHz) and changes nothing of the graph
LISTEN_IN = """
(() => {
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (...to) {
    if (this instanceof AudioWorkletNode && this.numberOfInputs === 0 && !this.listenedTo) {
      this.listenedTo = true;
      const ear = new AnalyserNode(this.context, { fftSize: 16384 });
      connect.call(this, ear);
      window.earphone = ear;
    }
    return connect.apply(this, to);
  };
})()
"""
_READ = """
() => {
  const ear = window.earphone;
  if (!ear) return null;
  const samples = new Float32Array(ear.fftSize);
  ear.getFloatTimeDomainData(samples);
  const bytes = new Uint8Array(Int16Array.from(samples, (one) => Math.max(-1, Math.min(1, one)) * 32767).buffer);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { rate: ear.context.sampleRate, data: btoa(text) };
}
"""


def hear_page(page: Page) -> Heard:
    """The last second. Raises AssertionError where no headset runs, or not at a multiple of 8 kHz."""
    read = page.evaluate(_READ)
    assert read, "this page has no earphone"
    step, rest = divmod(int(read["rate"]), RATE)
    assert rest == 0, f"the earphone runs at {read['rate']} Hz"
    samples = array.array("h", base64.b64decode(read["data"]))
    # the telephone's 8 kHz was raised to this rate: every so many samples are it again
    return hear_pcm(samples[::step].tobytes(), edge=0)
