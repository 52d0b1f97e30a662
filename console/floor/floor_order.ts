import { i18n } from '@/i18n'
import type { FloorAgent } from '@/stores/floor'

const URGENCY: Record<string, number> = {
  ringing: 0,
  talking: 1,
  wrap_up: 2,
  ready: 3,
  not_ready: 4,
  offline: 5,
}

/** Agents as a supervisor looks at them: what happens now first, those who are away last. */
export function byUrgency(a: FloorAgent, b: FloorAgent): number {
  return (URGENCY[a.status] ?? 9) - (URGENCY[b.status] ?? 9) || a.user.localeCompare(b.user)
}

const LINES: Record<string, string> = {
  up: 'lineUp',
  down: 'lineDown',
  registering: 'lineRegistering',
  failed: 'lineFailed',
  stopped: 'lineStopped',
}

export function lineWord(status: string): string {
  const key = LINES[status]
  return key ? i18n.global.t(`floor.${key}`) : status
}
