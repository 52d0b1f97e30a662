/** The event vocabulary of telephony/events.py as it arrives on /ws/events. */

export type Direction = 'inbound' | 'outbound'
export type Party = 'caller' | 'agent' | 'network' | 'system'
export type AgentStatus = 'offline' | 'not_ready' | 'ready' | 'ringing' | 'talking' | 'wrap_up'
export type OfferOutcome = 'answered' | 'no_answer' | 'rejected' | 'headset_lost' | 'caller_gone'

/** A patient as the screen pop carries it: enough to paint a card, the numbers masked. */
export interface Candidate {
  id: string
  name: string
  sex?: string
  birth_date?: string | null
  age?: number | null
  record_number?: string
  phone_label?: string
  masked?: string
  note?: string
  version?: number
  updated_at?: number
  [more: string]: unknown
}

export interface Pop {
  number: string
  masked: string
  kind: string
  region: string
  patients: Candidate[]
  match: 'none' | 'one' | 'several'
  /** The database did not answer in time. */
  failed?: boolean
}

interface Stamp {
  node: string
  sequence: number
  at: number
}

interface OfCall extends Stamp {
  call: string
}

export interface CallStarted extends OfCall {
  type: 'call.started'
  direction: Direction
  line: string
  number: string
  dialled?: string
  display_name?: string
  queue?: string
  agent?: string
  patient_id?: string
  pop?: Pop
}
export interface CallProgress extends OfCall {
  type: 'call.progress'
  sip_status: number
  early_media?: boolean
}
export interface CallerRing extends OfCall {
  type: 'call.caller_ring'
  ring: number
}
export interface CallQueued extends OfCall {
  type: 'call.queued'
  queue: string
  position: number
}
export interface CallOffered extends OfCall {
  type: 'call.offered'
  agent: string
  offer: number
  number: string
  line: string
  queue?: string
  dialled?: string
  caller_rings?: number
  pop?: Pop
}
export interface AgentRing extends OfCall {
  type: 'call.agent_ring'
  agent: string
  ring: number
}
export interface OfferEnded extends OfCall {
  type: 'call.offer_ended'
  agent: string
  offer: number
  outcome: OfferOutcome
  rings: number
}
export interface CallAnswered extends OfCall {
  type: 'call.answered'
  agent: string
  codec: string
  caller_rings: number
  agent_rings: number
  within_three_rings: boolean | null
  wait_seconds: number
  rule_version?: number
}
export interface CallHeld extends OfCall {
  type: 'call.held' | 'call.resumed'
  by: Party
}
export interface CallMuted extends OfCall {
  type: 'call.muted'
  agent: string
  muted: boolean
}
export interface CallDigit extends OfCall {
  type: 'call.digit'
  digit: string
  by: Party
}
export interface CallEnded extends OfCall {
  type: 'call.ended'
  by: Party
  sip_status: number
  reason: string
  caller_rings?: number
  agent_rings?: number
  agent?: string
  talk_seconds?: number
}
export interface RecordingEvent extends OfCall {
  type: 'recording.started' | 'recording.closed' | 'recording.failed' | 'recording.finished'
  reason?: string
  lost_seconds?: number
}
export interface MediaQuality extends OfCall {
  type: 'media.quality'
  leg: string
  received: number
  lost: number
  late?: number
  jitter_ms?: number
}
export interface AgentState extends Stamp {
  type: 'agent.state'
  agent: string
  status: AgentStatus
  reason?: string
  call?: string
}
export interface HeadsetState extends Stamp {
  type: 'agent.headset'
  agent: string
  connected: boolean
  reason?: string
}
export interface LineState extends Stamp {
  type: 'line.state'
  line: string
  status: 'up' | 'down' | 'registering' | 'failed' | 'stopped'
  detail?: string
}
export interface NodeStarted extends Stamp {
  type: 'node.started'
  boot: string
  version: string
}
export interface RequestRefused extends Stamp {
  type: 'line.refused'
  source: string
  count: number
}

/** The desk's own notes on a call. */
export interface CallDisposed extends OfCall {
  type: 'call.disposed'
  code: string
  note?: string
  by: string
}
export interface PatientLinked extends OfCall {
  type: 'call.patient_linked'
  patient_id: string
  by: string
}

export type CallFact =
  | CallDisposed
  | PatientLinked
  | CallStarted
  | CallProgress
  | CallerRing
  | CallQueued
  | CallOffered
  | AgentRing
  | OfferEnded
  | CallAnswered
  | CallHeld
  | CallMuted
  | CallDigit
  | CallEnded
  | RecordingEvent
  | MediaQuality

export type DeskEvent = CallFact | AgentState | HeadsetState | LineState | NodeStarted | RequestRefused

export function isCallFact(event: DeskEvent): event is CallFact {
  return 'call' in event && event.type !== 'agent.state'
}
