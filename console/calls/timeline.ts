/** The picture of a call: what it was doing when, from its events. Seconds count from the call's first event. */
import type { DeskEvent } from '@/events/types'

export type Phase = 'queued' | 'ringing' | 'talking' | 'held'

export interface Stretch {
  phase: Phase
  from: number
  to: number
  agent: string
}

export interface Mark {
  at: number
  kind: 'caller_ring' | 'agent_ring' | 'answered' | 'ended' | 'missed'
  label: string
}

export interface Timeline {
  seconds: number
  stretches: Stretch[]
  marks: Mark[]
  hungUpBy: string
}

/** `until`: where a call that still goes on has come to, Unix seconds. */
export function timelineOf(events: readonly DeskEvent[], until?: number): Timeline {
  const ordered = [...events].sort((a, b) => a.at - b.at || a.sequence - b.sequence)
  const start = ordered[0]?.at ?? 0
  const stretches: Stretch[] = []
  const marks: Mark[] = []
  let hungUpBy = ''
  let phase: Phase = 'queued'
  let since = 0
  let agent = ''
  let outbound = false
  let over = false
  let answered = false
  /** At whom it rings because an agent asks them: the caller hears music meanwhile, no ringing. */
  const asked = new Set<string>()

  const turn = (next: Phase, at: number, who = agent) => {
    if (at > since) stretches.push({ phase, from: since, to: at, agent })
    phase = next
    since = at
    agent = who
  }

  const goesOn = () => phase === 'talking' || phase === 'held'

  for (const event of ordered) {
    const at = event.at - start
    switch (event.type) {
      case 'call.started':
        outbound = event.direction === 'outbound'
        agent = event.agent ?? ''
        break
      case 'call.progress':
        if (outbound && event.sip_status >= 180) turn('ringing', at)
        break
      case 'call.caller_ring':
        marks.push({ at, kind: 'caller_ring', label: String(event.ring) })
        break
      case 'call.agent_ring':
        marks.push({ at, kind: 'agent_ring', label: String(event.ring) })
        break
      case 'party.invited':
        if (event.role === 'consulted' && event.target.agent) asked.add(event.target.agent)
        break
      case 'call.offered':
        if (!asked.has(event.agent)) turn('ringing', at, event.agent)
        break
      case 'call.offer_ended': {
        const consultation = asked.delete(event.agent)
        if (event.outcome === 'answered') {
          // of a call that was sent on: "call.answered" is told of the first answer only
          if (answered && !consultation) turn('talking', at, event.agent)
          break
        }
        marks.push({ at, kind: 'missed', label: event.outcome })
        if (!consultation) turn('queued', at, '')
        break
      }
      case 'call.answered':
        marks.push({ at, kind: 'answered', label: '' })
        turn('talking', at, event.agent)
        answered = true
        break
      case 'call.transferred':
        if (event.target.agent && goesOn()) turn(phase, at, event.target.agent)
        break
      case 'call.held':
        turn('held', at)
        break
      case 'call.resumed':
        turn('talking', at)
        break
      case 'call.ended':
        turn(phase, at)
        marks.push({ at, kind: 'ended', label: event.by })
        hungUpBy = event.by
        over = true
        break
      default:
        break
    }
  }
  if (!over && until !== undefined) turn(phase, Math.max(since, until - start))
  const seconds = Math.max(1, ...stretches.map((one) => one.to), ...marks.map((one) => one.at))
  return { seconds, stretches, marks, hungUpBy }
}

/** A round step for the axis that gives about six ticks. */
export function tickStep(seconds: number): number {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800]
  return steps.find((step) => seconds / step <= 7) ?? 3600
}
