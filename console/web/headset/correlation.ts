/** Normalised cross-correlation: where a signal looks most like itself a while later. */

export interface Match {
  /** Samples between the two places. */
  lag: number
  /** -1 to 1; 0 for silence. */
  likeness: number
}

/** Two lags whose likeness differs by less than this are as good as each other. */
const AS_GOOD = 0.95

/**
 * The lag, `shortest` to `longest`, at which `length` samples from `at` on are most like those at `at + lag` (with
 * `direction` 1) or at `at - lag` (-1); the longest of those that are as good. The caller sees to it that all of them
 * are inside `signal`.
 */
export function bestLag(
  signal: Float32Array,
  at: number,
  length: number,
  shortest: number,
  longest: number,
  direction: 1 | -1,
): Match {
  let own = 0
  for (let i = 0; i < length; i++) own += (signal[at + i] ?? 0) ** 2
  const matches: Match[] = []
  for (let lag = shortest; lag <= longest; lag++) {
    let product = 0
    let other = 0
    for (let i = 0; i < length; i++) {
      const value = signal[at + i + direction * lag] ?? 0
      product += value * (signal[at + i] ?? 0)
      other += value * value
    }
    const power = Math.sqrt(own * other)
    matches.push({ lag, likeness: power > 1e-9 ? product / power : 0 })
  }
  const most = Math.max(...matches.map(({ likeness }) => likeness))
  const match = matches.findLast(({ likeness }) => likeness >= Math.min(most, most * AS_GOOD))
  return match ?? { lag: shortest, likeness: 0 }
}
