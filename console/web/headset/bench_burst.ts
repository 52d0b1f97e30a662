/** A burst of sound on the test bench: wall-clock milliseconds of its first sample. */
export interface Burst {
  at: number
}

const LOUD = 0.1
const QUIET_SECONDS = 0.1

/** Finds where a signal gets loud after silence. */
export class Onsets {
  private quiet = 0

  /** The first samples of bursts in the next piece of the signal, at `rate` Hz. */
  find(samples: Float32Array, rate: number): number[] {
    const found: number[] = []
    samples.forEach((value, i) => {
      const loud = Math.abs(value) > LOUD
      if (loud && this.quiet > QUIET_SECONDS * rate) found.push(i)
      this.quiet = loud ? 0 : this.quiet + 1
    })
    return found
  }
}
