/** Audio thread of the test bench: makes bursts of sound, and notices them, both with the wall clock's time. */

import type { Burst } from './bench_burst'

const BURST_SECONDS = 0.03
const FREQUENCY = 1000
const LOUD = 0.1
const QUIET_SECONDS = 0.1

/** Bursts with pauses of 0.25 to 0.35 s, so that they meet packets at any phase. */
class BurstSource extends AudioWorkletProcessor implements AudioWorkletProcessorImpl {
  private pause = sampleRate / 2
  private sounding = 0

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const output = outputs[0]?.[0] ?? new Float32Array(0)
    for (let i = 0; i < output.length; i++) {
      this.pause -= 1
      if (this.pause <= 0) {
        this.port.postMessage({ at: Date.now() + (i / sampleRate) * 1000 } satisfies Burst)
        this.sounding = sampleRate * BURST_SECONDS
        this.pause = sampleRate * (0.25 + Math.random() / 10)
      }
      if (this.sounding > 0)
        output[i] = 0.5 * Math.cos((2 * Math.PI * FREQUENCY * this.sounding) / sampleRate)
      this.sounding -= 1
    }
    return true
  }
}

/** Tells when it gets loud after silence. */
class OnsetProbe extends AudioWorkletProcessor implements AudioWorkletProcessorImpl {
  private quiet = 0

  process(inputs: Float32Array[][]): boolean {
    const input = inputs[0]?.[0] ?? new Float32Array(0)
    input.forEach((value, i) => {
      const loud = Math.abs(value) > LOUD
      if (loud && this.quiet > QUIET_SECONDS * sampleRate) {
        this.port.postMessage({ at: Date.now() + (i / sampleRate) * 1000 } satisfies Burst)
      }
      this.quiet = loud ? 0 : this.quiet + 1
    })
    return true
  }
}

registerProcessor('bench-burst-source', BurstSource)
registerProcessor('bench-onset-probe', OnsetProbe)
