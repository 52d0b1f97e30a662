/** Reads the snapshot's maps (telephony/phone.py `snapshot`, with each call's pop) into what the screens hold. */
import { newCall, type LiveCall, type Stage } from './livecall'
import type { CallParty } from './party'
import type { AgentStatus, Direction, Party, PartyRoleName, Pop } from './types'

export interface PartyMap {
  party: number
  role: PartyRoleName
  kind?: CallParty['kind']
  agent?: string
  number?: string
  name?: string
  state?: CallParty['state']
  group?: CallParty['group']
  muted?: boolean
  silent?: boolean
  away?: string
  seconds?: number
}

export interface CallMap {
  call: string
  direction: Direction
  phase: 'new' | 'menu' | 'queued' | 'ringing' | 'dialling' | 'talking' | 'held' | 'transferring' | 'ended'
  line?: string
  queue?: string
  number?: string
  dialled?: string
  agent?: string
  patient_id?: string
  caller_rings?: number
  agent_rings?: number
  muted?: boolean
  held_by?: Party[]
  /** Seconds since the call began, and since it was answered (0: not answered). */
  seconds?: number
  talk_seconds?: number
  within_three_rings?: boolean | null
  pop?: Pop | null
  parties?: PartyMap[]
  private?: boolean
  private_seconds?: number
  held_seconds?: number
  priority?: number
  menu?: string
  /** Seconds that the caller has waited. */
  waiting_since?: number
  position?: number
  can?: Record<string, boolean>
  hears?: Record<string, number[]>
  marks?: string[]
}

export interface AgentMap {
  agent: string
  name?: string
  status: AgentStatus
  reason?: string
  call?: string
  headset?: boolean
  /** Why it is away, and seconds since it came or went. */
  headset_reason?: string
  headset_seconds?: number
  queues?: string[]
  /** Seconds in this state. */
  seconds?: number
  device?: 'headset' | 'phone'
  by?: string
}

/** The ring rules in force at the phone; absent while it is away. */
export interface RulesMap {
  three_rings: number
  three_rings_version?: number
  /** Seconds from the start of one ring to the start of the next. */
  ring_cadence?: number
  /** Seconds of hold, and of talk (D7), before the console says so; of a private call at most (D8). */
  hold_hint?: number
  duration_hint?: number
  private_call_limit?: number
}

export interface LineMap {
  line: string
  status: string
  detail?: string
  capabilities?: Record<string, boolean>
}

/** Somebody who asked for it is to be called back: it waits like a caller, and then is dialled (D116). */
const isCallback = (map: CallMap) => map.direction === 'outbound' && ['queued', 'ringing'].includes(map.phase)

function stageOf(map: CallMap): Stage {
  if (map.phase === 'ended') return 'ended'
  if (map.phase === 'talking' || map.phase === 'held' || map.phase === 'transferring') return 'talking'
  if (map.phase === 'queued') return 'queued'
  if (isCallback(map)) return 'offered'
  if (map.direction === 'outbound') return (map.caller_rings ?? 0) > 0 ? 'ringing' : 'dialling'
  return map.phase === 'ringing' ? 'offered' : 'menu'
}

function partyFrom(map: PartyMap, now: number): CallParty {
  return {
    party: map.party,
    role: map.role,
    kind: map.kind ?? (map.agent ? 'headset' : 'line'),
    agent: map.agent ?? '',
    number: map.number ?? '',
    name: map.name ?? '',
    state: map.state ?? 'joined',
    group: map.group ?? 'main',
    muted: map.muted ?? false,
    silent: map.silent ?? false,
    away: map.away ?? '',
    by: '',
    since: now - (map.seconds ?? 0),
  }
}

/** `now`: the server's clock, Unix seconds, at which the snapshot was taken. */
export function callFrom(map: CallMap, now: number): LiveCall {
  const stage = stageOf(map)
  const startedAt = now - (map.seconds ?? 0)
  const heldBy: Party[] = map.held_by ?? []
  return {
    ...newCall(map.call, startedAt),
    direction: map.direction,
    stage,
    line: map.line ?? '',
    queue: map.queue ?? '',
    number: map.number ?? '',
    dialled: map.dialled ?? '',
    agent: map.agent ?? '',
    offeredAt: stage === 'offered' ? startedAt : null,
    answeredAt: map.talk_seconds ? now - map.talk_seconds : null,
    heldAt: map.held_seconds ? now - map.held_seconds : heldBy.length > 0 ? now : null,
    heldBy,
    callerRings: map.caller_rings ?? 0,
    agentRings: map.agent_rings ?? 0,
    withinThreeRings: map.within_three_rings ?? null,
    muted: map.muted ?? false,
    patientId: map.patient_id ?? '',
    pop: map.pop ?? null,
    parties: (map.parties ?? []).map((party) => partyFrom(party, now)),
    hears: map.hears ?? {},
    privateAt: map.private ? now - (map.private_seconds ?? 0) : null,
    priority: map.priority ?? 0,
    position: map.position ?? 0,
    menu: map.menu ?? '',
    marks: map.marks ?? [],
    callback: isCallback(map),
    can: map.can ?? {},
  }
}
