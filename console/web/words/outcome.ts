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

/**
 * Reads an outbound call's final SIP status (RFC 3261 §21).
 * 486/600 busy; 403/603 rejected; 404/410/484/485/604 no such number; 408/480/487 nobody picked up.
 */
export function outboundOutcome(sipStatus: number | null, endedByAgent = false): Outcome {
  if (sipStatus === null) return 'failed'
  if (sipStatus >= 200 && sipStatus < 300) return 'answered'
  if (sipStatus === 486 || sipStatus === 600) return 'busy'
  if (sipStatus === 403 || sipStatus === 603 || sipStatus === 607 || sipStatus === 608) return 'rejected'
  if ([404, 410, 484, 485, 604].includes(sipStatus)) return 'not_found'
  if (sipStatus === 487) return endedByAgent ? 'cancelled' : 'no_answer'
  if (sipStatus === 408 || sipStatus === 480) return 'no_answer'
  if (sipStatus === 503) return 'unavailable'
  return 'failed'
}

export interface OutcomeFacts {
  direction: string
  answered: boolean
  ended: boolean
  sipStatus: number | null
  hungUpBy: string | null
}

export function outcomeOf(facts: OutcomeFacts): Outcome {
  if (facts.answered) return facts.ended ? 'answered' : 'live'
  if (!facts.ended) return 'live'
  if (facts.direction === 'outbound') return outboundOutcome(facts.sipStatus, facts.hungUpBy === 'agent')
  if (facts.hungUpBy === 'caller') return 'abandoned'
  if (facts.hungUpBy === 'agent') return 'rejected'
  return outboundOutcome(facts.sipStatus)
}

/** The `.chip` colour of an outcome. */
export function outcomeTone(outcome: Outcome): string {
  switch (outcome) {
    case 'live':
    case 'answered':
      return outcome === 'live' ? 'talking' : 'ready'
    case 'abandoned':
    case 'failed':
    case 'unavailable':
      return 'alarm'
    case 'busy':
      return 'ringing'
    case 'rejected':
    case 'not_found':
      return 'held'
    case 'no_answer':
      return 'wrap'
    case 'cancelled':
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
    unavailable: '!',
    failed: '!',
  }
  return signs[outcome]
}
