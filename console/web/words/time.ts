/** Times and spans as the screens write them: the user's zone, 24-hour clock, fixed-width figures. */

/** `m:ss`, or `h:mm:ss` from an hour on. Negative spans show as 0:00. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const h = Math.floor(whole / 3600)
  const m = Math.floor((whole % 3600) / 60)
  const s = String(whole % 60).padStart(2, '0')
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`
}

/** Unix seconds of what the API gave: a number of seconds, or an RFC 3339 string. */
export function unix(value: number | string | null | undefined): number | null {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  const parsed = Date.parse(value)
  return Number.isNaN(parsed) ? null : parsed / 1000
}

const two = (n: number) => String(n).padStart(2, '0')

/** `09:41:07` in the user's zone. */
export function clock(at: number | string | null | undefined): string {
  const seconds = unix(at)
  if (seconds === null) return ''
  const date = new Date(seconds * 1000)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** `11-21 09:41`, the year before it when it is another one. */
export function day(at: number | string | null | undefined, now: Date = new Date()): string {
  const seconds = unix(at)
  if (seconds === null) return ''
  const date = new Date(seconds * 1000)
  const year = date.getFullYear() === now.getFullYear() ? '' : `${date.getFullYear()}-`
  return `${year}${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`
}

/** Today: only the clock; other days: the day with it. */
export function when(at: number | string | null | undefined, now: Date = new Date()): string {
  const seconds = unix(at)
  if (seconds === null) return ''
  return new Date(seconds * 1000).toDateString() === now.toDateString() ? clock(seconds) : day(seconds, now)
}

/** Unix seconds of the last midnight in the user's zone. */
export function midnight(now: Date = new Date()): number {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000
}

/** Whole years from an ISO birth date to `now`; null when there is none. */
export function age(birthDate: string | null | undefined, now: Date = new Date()): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(birthDate ?? '')
  if (!match) return null
  const [year, month, date] = match.slice(1).map(Number) as [number, number, number]
  const before = now.getMonth() + 1 < month || (now.getMonth() + 1 === month && now.getDate() < date)
  return now.getFullYear() - year - (before ? 1 : 0)
}
