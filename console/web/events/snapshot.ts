/** Reads the snapshot's maps (telephony/phone.py `snapshot`, with each call's pop) into what the screens hold. */
import { newCall, type LiveCall, type Stage } from './livecall'
import type { AgentStatus, Direction, Party, Pop } from './types'

export interface CallMap {
  call: string
  direction: Direction
  phase: 'new' | 'queued' | 'ringing' | 'dialling' | 'talking' | 'held' | 'ended'
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
}

export interface AgentMap {
  agent: string
  name?: string
  status: AgentStatus
  reason?: string
  call?: string
  headset?: boolean
  queues?: string[]
  /** Seconds in this state. */
  seconds?: number
}

/** The ring rules in force at the phone; absent while it is away. */
export interface RulesMap {
  three_rings: number
  three_rings_version?: number
  /** Seconds from the start of one ring to the start of the next. */
  ring_cadence?: number
}

export interface LineMap {
  line: string
  status: string
  detail?: string
  capabilities?: Record<string, boolean>
}

function stageOf(map: CallMap): Stage {
  if (map.phase === 'ended') return 'ended'
  if (map.phase === 'talking' || map.phase === 'held') return 'talking'
  if (map.direction === 'outbound') return (map.caller_rings ?? 0) > 0 ? 'ringing' : 'dialling'
  return map.phase === 'ringing' ? 'offered' : 'queued'
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
    heldAt: heldBy.length > 0 ? now : null,
    heldBy,
    callerRings: map.caller_rings ?? 0,
    agentRings: map.agent_rings ?? 0,
    withinThreeRings: map.within_three_rings ?? null,
    muted: map.muted ?? false,
    patientId: map.patient_id ?? '',
    pop: map.pop ?? null,
  }
}
