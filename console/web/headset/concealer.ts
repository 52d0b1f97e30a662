/**
 * Fills gaps in 8 kHz audio with what was heard last: the last pitch period repeated, faded out within 60 ms
 * (the idea of ITU-T G.711 Appendix I, without its 3.75 ms of delay).
 */
import { bestLag } from './correlation'

const HISTORY = 480
/** Pitch periods looked for: 2.5 ms (400 Hz) to 20 ms (50 Hz). */
const SHORTEST = 20
const LONGEST = 160
const COMPARED = 160
/** Sounds unchanged this long, then fades to nothing. */
const FULL = 80
const FADED = 480
/** Blend from the invented back to the real signal, samples. */
const BLEND = 40

export class Concealer {
  private readonly history = new Float32Array(HISTORY)
  private period: Float32Array | null = null
  /** Samples invented in this gap. */
  private invented = 0

  get concealing(): boolean {
    return this.period !== null
  }

  /** Real audio was played: remembers it, and blends its start (in place) with the end of a gap before it. */
  heard(samples: Float32Array): void {
    if (this.period !== null) {
      const tail = this.conceal(Math.min(BLEND, samples.length))
      for (let i = 0; i < tail.length; i++) {
        const weight = (i + 1) / (tail.length + 1)
        samples[i] = (samples[i] ?? 0) * weight + (tail[i] ?? 0) * (1 - weight)
      }
      this.period = null
      this.invented = 0
    }
    this.remember(samples)
  }

  /** `count` samples for a gap. */
  conceal(count: number): Float32Array<ArrayBuffer> {
    const period = this.period ?? this.lastPeriod()
    this.period = period
    const output = new Float32Array(count)
    for (let i = 0; i < count; i++) {
      const gain = Math.min(1, Math.max(0, (FADED - this.invented) / (FADED - FULL)))
      output[i] = (period[this.invented % period.length] ?? 0) * gain
      this.invented += 1
    }
    return output
  }

  reset(): void {
    this.history.fill(0)
    this.period = null
    this.invented = 0
  }

  private remember(samples: Float32Array): void {
    const kept = samples.subarray(Math.max(0, samples.length - HISTORY))
    this.history.copyWithin(0, kept.length)
    this.history.set(kept, HISTORY - kept.length)
  }

  /** The last period, its last quarter led over to what came before its start, so that it repeats without a step. */
  private lastPeriod(): Float32Array {
    const { lag } = bestLag(this.history, HISTORY - COMPARED, COMPARED, SHORTEST, LONGEST, -1)
    const period = this.history.slice(HISTORY - lag)
    const quarter = Math.floor(lag / 4)
    for (let i = 0; i < quarter; i++) {
      const weight = (i + 1) / (quarter + 1)
      const before = this.history[HISTORY - lag - quarter + i] ?? 0
      const at = lag - quarter + i
      period[at] = (period[at] ?? 0) * (1 - weight) + before * weight
    }
    return period
  }
}
