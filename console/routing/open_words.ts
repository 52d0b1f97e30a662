/** When hours open and close, in the zone that the routing document goes by: not in the browser's, which may be another. */
import type { HoursStatus } from '@/api/routing'
import { i18n, locale } from '@/i18n'

/** What clocks show at a moment; `zone` empty: the browser's. */
interface Wall {
  date: string
  time: string
}

function wall(at: Date, zone: string): Wall {
  const format = new Intl.DateTimeFormat('en-CA', {
    ...(zone ? { timeZone: zone } : {}),
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const part = Object.fromEntries(format.formatToParts(at).map((one) => [one.type, one.value]))
  return {
    date: `${part['year']}-${part['month']}-${part['day']}`,
    time: `${part['hour']}:${part['minute']}`,
  }
}

/** `zone`, or empty where this browser does not know it. */
function known(zone: string): string {
  try {
    return zone && new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
  } catch {
    return ''
  }
}

/** `17:30`, `tomorrow 08:00`, `11-24 08:00` on the clocks of `zone`, as seen from `now`. */
export function soon(at: number, tomorrow: string, zone = '', now: Date = new Date()): string {
  const there = known(zone)
  const then = wall(new Date(at * 1000), there)
  const today = wall(now, there).date
  if (then.date === today) return then.time
  const next = new Date(`${today}T12:00:00Z`)
  next.setUTCDate(next.getUTCDate() + 1)
  if (then.date === next.toISOString().slice(0, 10)) return `${tomorrow} ${then.time}`
  return `${then.date.slice(5)} ${then.time}`
}

/** What people call `zone`, where its clocks show another time than the browser's at that moment; else empty. */
export function otherZone(at: number, zone: string, language: string): string {
  const there = known(zone)
  const moment = new Date(at * 1000)
  const [here, theirs] = [wall(moment, ''), wall(moment, there)]
  if (!there || (here.date === theirs.date && here.time === theirs.time)) return ''
  const format = new Intl.DateTimeFormat(language, { timeZone: there, timeZoneName: 'longGeneric' })
  return format.formatToParts(moment).find((one) => one.type === 'timeZoneName')?.value ?? there
}

/** `timezone`: the routing document's, as `GET /api/routing/status` has it. */
export function openWords(status: Pick<HoursStatus, 'open' | 'changes_at'>, timezone: string): string {
  const { t } = i18n.global
  const now = t(status.open ? 'routing.nowOpen' : 'routing.nowClosed')
  if (status.changes_at === null) return now
  const name = otherZone(status.changes_at, timezone, locale.value)
  const at = soon(status.changes_at, t('routing.tomorrow'), timezone) + (name ? ` (${name})` : '')
  return `${now} · ${t(status.open ? 'routing.closesAt' : 'routing.opensAt', { at })}`
}
