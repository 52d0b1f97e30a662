/**
 * Streaming resampler between any two whole rates: a polyphase windowed-sinc low-pass (Kaiser window).
 *
 * Built for the 8 kHz of a telephone line: flat up to 3.4 kHz, at least 60 dB down from 4.6 kHz on (the bands of
 * ITU-T G.712), 2 ms of delay. Rates need not divide each other: 44.1 kHz runs at its exact ratio.
 */

const PASS_HZ = 3400
const STOP_HZ = 4600
const STOP_DB = 66

/** Modified Bessel function of the first kind, order 0. */
function bessel(x: number): number {
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

/** `phases` filters of `taps` coefficients for input samples at `rate`; filter p looks p/phases of a sample ahead. */
function polyphase(rate: number, phases: number): { taps: number; filters: Float32Array } {
  const width = (2 * Math.PI * (STOP_HZ - PASS_HZ)) / rate
  const half = Math.ceil((STOP_DB - 8) / (2.285 * width) / 2)
  const taps = 2 * half
  const beta = 0.1102 * (STOP_DB - 8.7)
  const cut = (PASS_HZ + STOP_HZ) / rate
  const filters = new Float32Array(phases * taps)
  for (let phase = 0; phase < phases; phase++) {
    let sum = 0
    for (let tap = 0; tap < taps; tap++) {
      const at = half - 1 - tap + phase / phases
      const inside = Math.max(0, 1 - (at / half) ** 2)
      const sinc = at === 0 ? cut : Math.sin(Math.PI * cut * at) / (Math.PI * at)
      const value = (sinc * bessel(beta * Math.sqrt(inside))) / bessel(beta)
      filters[phase * taps + tap] = value
      sum += value
    }
    for (let tap = 0; tap < taps; tap++) {
      const index = phase * taps + tap
      filters[index] = (filters[index] ?? 0) / sum
    }
  }
  return { taps, filters }
}

export class Resampler {
  private readonly up: number
  private readonly down: number
  private readonly taps: number
  private readonly filters: Float32Array
  /** Input not yet used up, oldest first; the first `taps` of it make the next output sample. */
  private waiting: Float32Array
  private held: number
  private phase = 0

  /** Rates in Hz, whole; at least one of them 8000 (else raises RangeError: the filter is made for that band). */
  constructor(
    readonly from: number,
    readonly to: number,
  ) {
    if (!Number.isInteger(from) || !Number.isInteger(to) || Math.min(from, to) !== 8000) {
      throw new RangeError(`cannot resample ${from} Hz to ${to} Hz`)
    }
    const common = divisor(from, to)
    this.up = to / common
    this.down = from / common
    const { taps, filters } = polyphase(from, this.up)
    this.taps = taps
    this.filters = filters
    this.waiting = new Float32Array(taps * 2)
    // As if silence had come before the first sample.
    this.held = taps - 1
  }

  /** Delay of the signal, seconds. */
  get delay(): number {
    return this.taps / 2 / this.from
  }

  /** Input samples that are still needed for `count` more output samples. */
  inputFor(count: number): number {
    if (count <= 0) return 0
    const last = this.phase + (count - 1) * this.down
    return Math.max(0, Math.floor(last / this.up) + this.taps - this.held)
  }

  /** Takes `input` and gives all the output that it completes. */
  process(input: Float32Array): Float32Array<ArrayBuffer> {
    if (this.up === 1 && this.down === 1) return Float32Array.from(input)
    this.append(input)
    const steps = (this.held - this.taps + 1) * this.up - this.phase
    const output = new Float32Array(Math.max(0, Math.ceil(steps / this.down)))
    let start = 0
    for (let i = 0; i < output.length; i++) {
      const base = this.phase * this.taps
      let sum = 0
      for (let tap = 0; tap < this.taps; tap++) {
        sum += (this.filters[base + tap] ?? 0) * (this.waiting[start + tap] ?? 0)
      }
      output[i] = sum
      this.phase += this.down
      start += Math.floor(this.phase / this.up)
      this.phase %= this.up
    }
    this.waiting.copyWithin(0, start, this.held)
    this.held -= start
    return output
  }

  private append(input: Float32Array): void {
    if (this.held + input.length > this.waiting.length) {
      const larger = new Float32Array((this.held + input.length) * 2)
      larger.set(this.waiting.subarray(0, this.held))
      this.waiting = larger
    }
    this.waiting.set(input, this.held)
    this.held += input.length
  }
}
