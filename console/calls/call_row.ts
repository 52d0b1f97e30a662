/** Readings of one row of the call log. */
import type { CallRow } from '@/api/calls'
import type { Disposition } from '@/api/phone'
import { i18n } from '@/i18n'
import { maskedNumber } from '@/words/caller'
import { labelOf } from '@/words/labels'
import { outcomeOf, outcomeTone, type Outcome } from '@/words/outcome'
import { unix } from '@/words/time'

const KNOWN = new Set<string>([
  'answered',
  'abandoned',
  'busy',
  'rejected',
  'not_found',
  'no_answer',
  'unavailable',
  'failed',
  'cancelled',
  'voicemail',
  'callback',
  'forwarded',
  'closed',
])

export function rowOutcome(row: CallRow): Outcome {
  if (row.ended_at === null) return 'live'
  if (row.outcome && KNOWN.has(row.outcome)) return row.outcome as Outcome
  return outcomeOf({
    direction: row.direction,
    answered: row.answered_at !== null,
    ended: true,
    sipStatus: row.sip_status,
    hungUpBy: row.hung_up_by,
  })
}

/** The chip's colour: a call that only rings has another one than a call that talks. */
export function rowTone(row: CallRow): string {
  if (row.ended_at === null && row.answered_at === null) return 'ringing'
  return outcomeTone(rowOutcome(row))
}

/** Seconds of talk; null when it was never answered. `now`: for a call that goes on. */
export function rowTalk(row: CallRow, now?: number): number | null {
  const from = unix(row.answered_at)
  if (from === null) return null
  if (row.talk_seconds) return row.talk_seconds
  const to = unix(row.ended_at) ?? now
  return to === undefined ? null : Math.max(0, to - from)
}

/** Seconds from the first ring to the answer, or to the end of a call that was not answered. */
export function rowWait(row: CallRow, now?: number): number | null {
  if (typeof row.wait_seconds === 'number') return row.wait_seconds
  const from = unix(row.started_at)
  const to = unix(row.answered_at) ?? unix(row.ended_at) ?? now
  return from === null || to === undefined ? null : Math.max(0, to - from)
}

export function rowNumber(row: Pick<CallRow, 'number'>): string {
  return row.number ? maskedNumber(row.number) : i18n.global.t('bar.anonymous')
}

function dispositionOf(row: CallRow): { code: string; note: string } {
  const { disposition } = row
  if (!disposition) return { code: '', note: row.note ?? '' }
  if (typeof disposition === 'string') return { code: disposition, note: row.note ?? '' }
  return { code: disposition.code, note: disposition.note ?? row.note ?? '' }
}

export function dispositionLabel(row: CallRow, known: readonly Disposition[]): string {
  const { code } = dispositionOf(row)
  const found = known.find((one) => one.code === code)
  return found ? labelOf(found) : code
}

export const dispositionCode = (row: CallRow) => dispositionOf(row).code

export const rowNote = (row: CallRow) => dispositionOf(row).note
