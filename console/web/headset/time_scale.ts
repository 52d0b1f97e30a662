/**
 * Makes speech shorter or longer by a pitch period without changing its pitch: overlap-add at the lag where the signal
 * is most like itself.
 */
import { bestLag } from './correlation'

const SHORTEST = 20
const LONGEST = 160
const OVERLAP = 80
/** Below this level (about -52 dBFS) nobody hears a cut. */
const QUIET_RMS = 0.0025

function quiet(samples: Float32Array): boolean {
  let sum = 0
  for (const value of samples) sum += value * value
  return sum < samples.length * QUIET_RMS ** 2
}

function lagFor(samples: Float32Array, limit: number, likeness: number): number | null {
  const longest = Math.min(LONGEST, limit, samples.length - OVERLAP)
  if (longest < SHORTEST) return null
  if (quiet(samples)) return longest
  const match = bestLag(samples, 0, OVERLAP, SHORTEST, longest, 1)
  return match.likeness >= likeness ? match.lag : null
}

function blend(from: Float32Array, to: Float32Array): Float32Array {
  return from.map((value, i) => {
    const weight = (i + 0.5) / from.length
    return value * (1 - weight) + (to[i] ?? 0) * weight
  })
}

export function joined(first: Float32Array, second: Float32Array): Float32Array {
  const both = new Float32Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

/** `samples` shorter by at most `limit`; null where no lag reaches `likeness` (-1 to 1). */
export function shorten(samples: Float32Array, limit: number, likeness: number): Float32Array | null {
  const lag = lagFor(samples, limit, likeness)
  if (lag === null) return null
  const output = new Float32Array(samples.length - lag)
  output.set(blend(samples.subarray(0, OVERLAP), samples.subarray(lag, lag + OVERLAP)))
  output.set(samples.subarray(lag + OVERLAP), OVERLAP)
  return output
}

/** `samples` longer by at most `limit`; null where no lag reaches `likeness` (-1 to 1). */
export function lengthen(samples: Float32Array, limit: number, likeness: number): Float32Array | null {
  const lag = lagFor(samples, limit, likeness)
  if (lag === null) return null
  const output = new Float32Array(samples.length + lag)
  output.set(samples.subarray(0, lag))
  output.set(blend(samples.subarray(lag, lag + OVERLAP), samples.subarray(0, OVERLAP)), lag)
  output.set(samples.subarray(OVERLAP), lag + OVERLAP)
  return output
}
