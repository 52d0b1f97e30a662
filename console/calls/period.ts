import { midnight } from '@/words/time'

export const PERIODS = ['today', 'yesterday', 'week', 'month', 'all'] as const
export type Period = (typeof PERIODS)[number]

const DAYS: Record<Period, number | null> = { today: 0, yesterday: 1, week: 6, month: 29, all: null }

/** Unix seconds of the midnight that the period begins at; undefined: no beginning. */
export function periodStart(period: Period, now: Date = new Date()): number | undefined {
  const days = DAYS[period]
  if (days === null) return undefined
  return midnight(new Date(now.getFullYear(), now.getMonth(), now.getDate() - days))
}
