/** Audio thread of the test bench: notices bursts of sound in the earphone. */

import { type Burst, Onsets } from './bench_burst'

/** The only clock of an audio thread counts whole milliseconds. */
const HALF_A_TICK = 0.5

class OnsetProbe extends AudioWorkletProcessor implements AudioWorkletProcessorImpl {
  private readonly onsets = new Onsets()

  process(inputs: Float32Array[][]): boolean {
    const now = Date.now() + HALF_A_TICK
    for (const i of this.onsets.find(inputs[0]?.[0] ?? new Float32Array(0), sampleRate)) {
      this.port.postMessage({ at: now + (i / sampleRate) * 1000 } satisfies Burst)
    }
    return true
  }
}

registerProcessor('bench-onset-probe', OnsetProbe)
