/** The event vocabulary of telephony/events.py as it arrives on /ws/events. */

export type Direction = 'inbound' | 'outbound'
export type Party = 'caller' | 'agent' | 'network' | 'system'
export type AgentStatus = 'offline' | 'not_ready' | 'ready' | 'ringing' | 'talking' | 'wrap_up'
export type PartyRoleName = 'caller' | 'agent' | 'consulted' | 'member' | 'listener' | 'whisperer' | 'barger'
export type TransferKind = 'blind' | 'consult' | 'refer' | 'take_over' | 'routed'

/** Where a call is to go (telephony/events.py `Target`); numbers are masked. */
export interface Target {
  kind: 'agent' | 'queue' | 'number'
  agent?: string
  queue?: string
  number?: string
  name?: string
  entry?: string
}
export type OfferOutcome =
  | 'answered'
  | 'no_answer'
  | 'rejected'
  | 'headset_lost'
  | 'caller_gone'
  /** It rang at several, and another answered: no miss. */
  | 'elsewhere'

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
  region_en: string
  patients: Candidate[]
  match: 'none' | 'one' | 'several'
  /** The database did not answer in time. */
  failed?: boolean
}

interface Stamp {
  /** Nanoseconds on the node's own clock, which is never set; 0 or missing where nobody told. */
  monotonic?: number
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
export interface PartyInvited extends OfCall {
  type: 'party.invited'
  party: number
  role: PartyRoleName
  by: string
  target: Target
  pop?: Pop
}
export interface PartyRinging extends OfCall {
  type: 'party.ringing'
  party: number
}
export interface PartyJoined extends OfCall {
  type: 'party.joined'
  party: number
  role: PartyRoleName
  agent?: string
  number?: string
  name?: string
}
export interface PartyRole extends OfCall {
  type: 'party.role'
  party: number
  role: PartyRoleName
}
export interface PartyLeft extends OfCall {
  type: 'party.left'
  party: number
  by: Party
  sip_status?: number
  reason?: string
  joined?: boolean
}
/** A headset is gone in mid-call, or back; `limit`: seconds for which the others wait, 0: the audio goes on. */
export interface PartyAway extends OfCall {
  type: 'party.away'
  party: number
  agent: string
  away: boolean
  reason: string
  limit: number
}
export interface AudioRouted extends OfCall {
  type: 'call.audio'
  hears: Record<string, number[]>
}
export interface CallTransferred extends OfCall {
  type: 'call.transferred'
  kind: TransferKind
  by: string
  target: Target
  party?: number
}
export interface TransferFailed extends OfCall {
  type: 'call.transfer_failed'
  kind: TransferKind
  by: string
  target: Target
  sip_status: number
  reason: string
  returned_to: string
}
export interface CallPrivate extends OfCall {
  type: 'call.private'
  agent: string
  private: boolean
}
export interface CallMarked extends OfCall {
  type: 'call.marked'
  by: string
  mark: string
  detail?: string
}
export interface CallPriority extends OfCall {
  type: 'call.priority'
  priority: number
  reason: string
  by?: string
}
export interface MenuEvent extends OfCall {
  type: 'menu.entered' | 'menu.answered'
  menu: string
  outcome?: string
  label?: string
}
export interface CallDequeued extends OfCall {
  type: 'call.dequeued'
  queue: string
  why: string
}
export interface CallbackStarted extends OfCall {
  type: 'callback.started'
  queue: string
  requested_in: string
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
/** Nothing has come from this party for seconds, though somebody should hear them; `silent` false: it comes again. */
export interface MediaOneWay extends OfCall {
  type: 'media.one_way'
  party: number
  silent: boolean
  leg: 'line' | 'headset'
  agent?: string
}
export interface AgentState extends Stamp {
  type: 'agent.state'
  agent: string
  status: AgentStatus
  reason?: string
  call?: string
  /** The supervisor who forced it. */
  by?: string
  /** `phone`: home shift (D103). */
  device?: 'headset' | 'phone'
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
  | PartyInvited
  | PartyRinging
  | PartyJoined
  | PartyRole
  | PartyLeft
  | PartyAway
  | AudioRouted
  | CallTransferred
  | TransferFailed
  | CallPrivate
  | CallMarked
  | CallPriority
  | MenuEvent
  | CallDequeued
  | CallbackStarted
  | CallEnded
  | RecordingEvent
  | MediaQuality
  | MediaOneWay

export type DeskEvent = CallFact | AgentState | HeadsetState | LineState | NodeStarted | RequestRefused

export function isCallFact(event: DeskEvent): event is CallFact {
  return 'call' in event && event.type !== 'agent.state'
}
