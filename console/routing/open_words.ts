import type { HoursStatus } from '@/api/routing'
import { i18n } from '@/i18n'

const two = (n: number) => String(n).padStart(2, '0')

/** `17:30`, `tomorrow 08:00`, `11-24 08:00`, as seen from `now`. */
export function soon(at: number, tomorrow: string, now: Date = new Date()): string {
  const date = new Date(at * 1000)
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`
  const next = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1)
  if (date.toDateString() === now.toDateString()) return time
  if (date.toDateString() === next.toDateString()) return `${tomorrow} ${time}`
  return `${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`
}

export function openWords(status: Pick<HoursStatus, 'open' | 'changes_at'>): string {
  const { t } = i18n.global
  const now = t(status.open ? 'routing.nowOpen' : 'routing.nowClosed')
  if (status.changes_at === null) return now
  const at = soon(status.changes_at, t('routing.tomorrow'))
  return `${now} · ${t(status.open ? 'routing.closesAt' : 'routing.opensAt', { at })}`
}
