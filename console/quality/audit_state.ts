/** An audit item's state: `waiting`, `heard`, `scored`. */
export function auditTone(state: string): string {
  return { waiting: 'ringing', heard: 'talking', scored: 'ready' }[state] ?? ''
}

export function auditSign(state: string): string {
  return { waiting: '○', heard: '◐', scored: '✓' }[state] ?? ''
}

/** A whole number from 0 to 100, or null for anything else. */
export function readScore(text: string): number | null {
  const bare = text.trim()
  if (!/^\d{1,3}$/.test(bare)) return null
  const value = Number(bare)
  return value <= 100 ? value : null
}
