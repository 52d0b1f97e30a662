/** A call as this console sees it while it lives: a pure reading of the event stream. */
import { callerIsHeard, partiesAfter, type CallParty, type Hears } from './party'
import type { CallFact, Direction, OfferOutcome, Party, PartyRoleName, Pop } from './types'

/**
 * Inbound: `menu` (in the hands of a menu, an announcement, a voice mail: nobody waits), `queued`, `offered` (rings at a
 * desk), `talking`, `ended`. Outbound: `dialling` (nothing heard back yet), `ringing` (180/183 came), `talking`, `ended`.
 */
export type Stage = 'menu' | 'queued' | 'offered' | 'dialling' | 'ringing' | 'talking' | 'ended'

export type RecordingStage = 'none' | 'running' | 'failed' | 'closed' | 'ready'

export interface LiveCall {
  id: string
  direction: Direction
  stage: Stage
  line: string
  queue: string
  number: string
  dialled: string
  /** The agent it rings at, or who answered or dialled. */
  agent: string
  startedAt: number
  offeredAt: number | null
  answeredAt: number | null
  endedAt: number | null
  heldAt: number | null
  heldBy: readonly Party[]
  callerRings: number
  agentRings: number
  withinThreeRings: boolean | null
  earlyMedia: boolean
  muted: boolean
  digits: string
  hungUpBy: Party | null
  sipStatus: number | null
  reason: string
  talkSeconds: number | null
  /** How the latest offer to `agent` ended, when it did not lead to an answer. */
  missed: OfferOutcome | null
  recording: RecordingStage
  lostSeconds: number
  patientId: string
  pop: Pop | null
  parties: readonly CallParty[]
  hears: Hears
  /** Since when it is a private call (D8); null: it is none. */
  privateAt: number | null
  priority: number
  /** Its place in the queue, from 1; 0: not told. */
  position: number
  /** The menu that the caller is in. */
  menu: string
  marks: readonly string[]
  /** A call-back that the caller asked for (D116). */
  callback: boolean
  /** What may be done with it, where the phone has said so. */
  can: Readonly<Record<string, boolean>>
  /** Who was in it and is not any more, by user name: when they left, and as what. */
  left: Readonly<Record<string, { at: number; role: PartyRoleName }>>
}

export function newCall(id: string, at: number): LiveCall {
  return {
    id,
    direction: 'inbound',
    stage: 'menu',
    line: '',
    queue: '',
    number: '',
    dialled: '',
    agent: '',
    startedAt: at,
    offeredAt: null,
    answeredAt: null,
    endedAt: null,
    heldAt: null,
    heldBy: [],
    callerRings: 0,
    agentRings: 0,
    withinThreeRings: null,
    earlyMedia: false,
    muted: false,
    digits: '',
    hungUpBy: null,
    sipStatus: null,
    reason: '',
    talkSeconds: null,
    missed: null,
    recording: 'none',
    lostSeconds: 0,
    patientId: '',
    pop: null,
    parties: [],
    hears: {},
    privateAt: null,
    priority: 0,
    position: 0,
    menu: '',
    marks: [],
    callback: false,
    can: {},
    left: {},
  }
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key))
}

/** The caller waits apart, with music, because somebody is being asked. */
export const apart = (call: Pick<LiveCall, 'parties'>) =>
  call.parties.some((one) => one.role === 'consulted') &&
  !call.parties.some((one) => one.role === 'agent' && one.group === 'main')

const othersTalk = (call: LiveCall, agent: string) =>
  call.stage === 'talking' &&
  call.parties.some((one) => one.role === 'agent' && one.state === 'joined' && one.agent !== agent)

/** Whoever is the agent now has the call. */
function nowAgent(call: LiveCall, party: number, role: string): Partial<LiveCall> {
  const agent = call.parties.find((one) => one.party === party)?.agent
  return role === 'agent' && agent ? { agent } : {}
}

function cameIn(call: LiveCall, agent: string, role: PartyRoleName): Partial<LiveCall> {
  if (!agent) return {}
  const left = agent in call.left ? without(call.left, agent) : call.left
  if (role !== 'agent') return { left }
  // answered once already and taken from the queue again: only the first answer is told as such
  const taken = call.answeredAt !== null && ['menu', 'queued', 'offered'].includes(call.stage)
  return taken ? { left, agent, stage: 'talking' } : { left, agent }
}

function departed(call: LiveCall, party: number, at: number): Partial<LiveCall> {
  const gone = call.parties.find((one) => one.party === party)
  if (!gone?.agent) return {}
  const left = { ...call.left, [gone.agent]: { at, role: gone.role } }
  return { left, agent: call.agent === gone.agent ? '' : call.agent }
}

function heardNow(call: LiveCall, hears: Hears, at: number): Partial<LiveCall> {
  const parties = partiesAfter(call.parties, {
    type: 'call.audio',
    call: call.id,
    hears: { ...hears },
  } as CallFact)
  const waits = call.stage === 'talking' && parties.length > 1 && !callerIsHeard(parties, hears)
  return { hears, heldAt: waits || call.heldBy.length > 0 ? (call.heldAt ?? at) : null }
}

function changes(call: LiveCall, fact: CallFact): Partial<LiveCall> {
  switch (fact.type) {
    case 'call.started':
      return {
        direction: fact.direction,
        stage: fact.direction === 'outbound' ? 'dialling' : 'menu',
        line: fact.line,
        queue: fact.queue ?? '',
        number: fact.number,
        dialled: fact.dialled ?? '',
        agent: fact.agent ?? '',
        startedAt: fact.at,
        patientId: fact.patient_id ?? '',
        pop: fact.pop ?? call.pop,
      }
    case 'call.progress':
      if (call.stage !== 'dialling' && call.stage !== 'ringing') return {}
      return {
        stage: fact.sip_status >= 180 ? 'ringing' : call.stage,
        earlyMedia: fact.early_media ?? call.earlyMedia,
        sipStatus: fact.sip_status,
      }
    case 'call.caller_ring':
      return { callerRings: Math.max(call.callerRings, fact.ring) }
    case 'call.queued':
      return { queue: fact.queue, stage: 'queued', position: fact.position, menu: '', agent: '' }
    case 'call.dequeued':
      return ['queued', 'offered'].includes(call.stage)
        ? { stage: 'menu', position: 0, agent: '', agentRings: 0, offeredAt: null }
        : {}
    case 'call.priority':
      return { priority: fact.priority }
    case 'menu.entered':
      return { menu: fact.menu }
    case 'menu.answered':
      return { menu: fact.outcome === 'chosen' || fact.outcome === 'gave_up' ? '' : call.menu }
    case 'callback.started':
      return { callback: true, queue: fact.queue, stage: 'queued' }
    case 'call.offered':
      return {
        // one who is asked while others talk does not end their talk
        ...(othersTalk(call, fact.agent)
          ? {}
          : { stage: 'offered' as const, agent: fact.agent, left: without(call.left, fact.agent) }),
        line: fact.line || call.line,
        queue: fact.queue || call.queue,
        number: fact.number || call.number,
        dialled: fact.dialled || call.dialled,
        offeredAt: fact.at,
        agentRings: 0,
        callerRings: Math.max(call.callerRings, fact.caller_rings ?? 0),
        missed: null,
        position: 0,
        menu: '',
        pop: fact.pop ?? call.pop,
      }
    case 'call.agent_ring':
      return fact.agent === call.agent || call.parties.some((one) => one.agent === fact.agent)
        ? { agentRings: Math.max(call.agentRings, fact.ring) }
        : {}
    case 'call.offer_ended':
      // who takes a call-back is connected while the number is dialled (D116)
      if (fact.outcome === 'answered' && call.callback && call.stage === 'offered')
        return { stage: 'dialling' }
      if (fact.outcome === 'answered' || call.stage !== 'offered' || fact.agent !== call.agent) return {}
      return { stage: 'queued', agent: '', agentRings: 0, offeredAt: null, missed: fact.outcome }
    case 'call.answered':
      return {
        stage: 'talking',
        agent: othersTalk(call, fact.agent) ? call.agent : fact.agent || call.agent,
        answeredAt: call.answeredAt ?? fact.at,
        left: without(call.left, fact.agent),
        callerRings: fact.caller_rings,
        agentRings: fact.agent_rings,
        withinThreeRings: fact.within_three_rings,
        missed: null,
      }
    case 'call.private':
      return { privateAt: fact.private ? (call.privateAt ?? fact.at) : null }
    case 'call.marked':
      return { marks: call.marks.includes(fact.mark) ? call.marks : [...call.marks, fact.mark] }
    case 'party.invited':
      // sent on to a number by a menu or an overflow: with somebody else, whether or not they answer
      return { pop: fact.pop ?? call.pop, ...(call.stage === 'menu' ? { stage: 'talking' as const } : {}) }
    case 'call.transfer_failed':
      return fact.returned_to === 'menu' ? { stage: 'menu' } : {}
    case 'party.joined':
      return cameIn(call, fact.agent ?? '', fact.role)
    case 'party.role':
      return nowAgent(call, fact.party, fact.role)
    case 'party.left':
      return departed(call, fact.party, fact.at)
    case 'call.audio':
      return heardNow(call, fact.hears, fact.at)
    case 'call.held':
      return {
        heldAt: call.heldAt ?? fact.at,
        heldBy: call.heldBy.includes(fact.by) ? call.heldBy : [...call.heldBy, fact.by],
      }
    case 'call.resumed': {
      const heldBy = call.heldBy.filter((party) => party !== fact.by)
      return { heldBy, heldAt: heldBy.length > 0 || apart(call) ? call.heldAt : null }
    }
    case 'call.muted':
      return { muted: fact.muted }
    case 'call.digit':
      return fact.by === 'agent' ? { digits: call.digits + fact.digit } : {}
    case 'call.ended':
      return {
        stage: 'ended',
        endedAt: fact.at,
        hungUpBy: fact.by,
        sipStatus: fact.sip_status,
        reason: fact.reason,
        agent: fact.agent || call.agent,
        callerRings: Math.max(call.callerRings, fact.caller_rings ?? 0),
        talkSeconds: fact.talk_seconds ?? call.talkSeconds,
        heldAt: null,
        heldBy: [],
        muted: false,
        parties: [],
        hears: {},
      }
    case 'recording.started':
      return { recording: 'running' }
    case 'recording.failed':
      return { recording: 'failed', lostSeconds: fact.lost_seconds ?? call.lostSeconds }
    case 'recording.closed':
      return { recording: call.recording === 'failed' ? 'failed' : 'closed' }
    case 'recording.finished':
      return { recording: 'ready' }
    case 'call.patient_linked':
      return { patientId: fact.patient_id }
    default:
      return {}
  }
}

const AFTER_THE_END = new Set([
  'call.ended',
  'call.patient_linked',
  'call.marked',
  'recording.failed',
  'recording.closed',
  'recording.finished',
])

/** The call after one fact; a fact that changes nothing gives the same object back. */
export function withFact(call: LiveCall, fact: CallFact): LiveCall {
  if (call.stage === 'ended' && !AFTER_THE_END.has(fact.type)) return call
  const change = changes(call, fact)
  const parties = partiesAfter(call.parties, fact)
  if (parties !== call.parties) change.parties = parties
  return Object.keys(change).length === 0 ? call : { ...call, ...change }
}

/** The ring from which an answer is late (D4): the caller's fourth. */
export function isLate(call: Pick<LiveCall, 'callerRings' | 'withinThreeRings'>, limit: number): boolean {
  if (call.withinThreeRings !== null) return !call.withinThreeRings
  return call.callerRings > limit
}
