const CONSOLE_ID = 'sansheng.console'

/** One random id per tab, kept over reloads, so that a reload is not taken for a second console. */
export function consoleId(): string {
  const kept = sessionStorage.getItem(CONSOLE_ID)
  if (kept) return kept
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  const fresh = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  sessionStorage.setItem(CONSOLE_ID, fresh)
  return fresh
}
