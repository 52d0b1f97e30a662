/** What became of a call, in one word that has a colour and a sign of its own. */

export type Outcome =
  | 'live'
  | 'answered'
  | 'abandoned'
  | 'busy'
  | 'rejected'
  | 'not_found'
  | 'no_answer'
  | 'cancelled'
  | 'unavailable'
  | 'failed'
  | 'voicemail'
  | 'callback'
  | 'forwarded'
  | 'closed'

const BUSY = [486, 600]
const NOT_FOUND = [404, 410, 484, 485, 604]
const REJECTED = [401, 402, 403, 407, 433, 603, 607, 608]
const NO_ANSWER = [408, 487]
const UNAVAILABLE = 480

export interface OutcomeFacts {
  direction: string
  answered: boolean
  ended: boolean
  sipStatus: number | null
  hungUpBy: string | null
}

/** The same reading as the call log's (storage/call_projection.py `outcome_of`; RFC 3261 §21). */
export function outcomeOf(facts: OutcomeFacts): Outcome {
  if (!facts.ended) return 'live'
  if (facts.answered) return 'answered'
  if (facts.direction === 'inbound') {
    if (facts.hungUpBy === 'caller') return 'abandoned'
  } else if (facts.hungUpBy === 'agent') return 'cancelled'
  const status = facts.sipStatus ?? 0
  if (BUSY.includes(status)) return 'busy'
  if (NOT_FOUND.includes(status)) return 'not_found'
  if (REJECTED.includes(status)) return 'rejected'
  if (NO_ANSWER.includes(status)) {
    return facts.hungUpBy === 'network' && facts.direction === 'inbound' ? 'failed' : 'no_answer'
  }
  return status === UNAVAILABLE ? 'unavailable' : 'failed'
}

/** The `.chip` colour of an outcome. */
export function outcomeTone(outcome: Outcome): string {
  switch (outcome) {
    case 'live':
      return 'talking'
    case 'answered':
      return 'ready'
    case 'abandoned':
    case 'failed':
      return 'alarm'
    case 'unavailable':
      return 'away'
    case 'busy':
      return 'ringing'
    case 'rejected':
    case 'not_found':
      return 'held'
    case 'no_answer':
      return 'wrap'
    case 'voicemail':
    case 'callback':
      return 'ringing'
    case 'forwarded':
      return 'talking'
    case 'cancelled':
    case 'closed':
      return ''
  }
}

/** A sign besides the colour. */
export function outcomeSign(outcome: Outcome): string {
  const signs: Record<Outcome, string> = {
    live: '●',
    answered: '✓',
    abandoned: '↩',
    busy: '◐',
    rejected: '✕',
    not_found: '?',
    no_answer: '…',
    cancelled: '–',
    unavailable: '⊘',
    failed: '!',
    voicemail: '✉',
    callback: '↺',
    forwarded: '→',
    closed: '☾',
  }
  return signs[outcome]
}
