/** Pause before the next attempt, milliseconds: 0.25 s, doubled to at most 8 s, of which a random half is waited. */
export function retryDelay(attempt: number, random: number): number {
  const whole = Math.min(8000, 250 * 2 ** Math.min(attempt, 10))
  return Math.round(whole / 2 + (whole / 2) * random)
}
