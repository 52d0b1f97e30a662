import type { DeskEvent, Direction, Party } from '@/events/types'
import { get, post } from './client'

export interface Gap {
  /** 0 caller, 1 agent. */
  leg: number
  from: number
  seconds: number
  reason?: string
}

export interface Recording {
  id: string
  state?: string
  seconds: number | null
  channels: number | null
  sha256: string | null
  url: string | null
  bytes?: number | null
  gaps?: Gap[]
  lost_seconds?: number | null
}

/** One row of the call log. Times are Unix seconds or RFC 3339, `words/time.unix` reads both. */
export interface CallRow extends CallJourney {
  id: string
  direction: Direction
  number: string
  state: string
  outcome?: string
  line?: string
  queue?: string
  dialled?: string
  kind?: string
  started_at: number | string
  answered_at: number | string | null
  ended_at: number | string | null
  caller_rings: number
  agent_rings: number
  within_three_rings: boolean | null
  hung_up_by: Party | null
  sip_status: number | null
  agent: string | null
  agent_name?: string | null
  patient_id: string | null
  patient_name?: string | null
  talk_seconds?: number | null
  wait_seconds?: number | null
  disposition?: string | { code: string; note?: string } | null
  note?: string | null
  recording: Recording | null
}

/** Somebody who was in a call; `party` is the track of the recording. */
export interface CallParty {
  party: number
  role: string
  agent: string | null
  agent_name: string | null
  number: string | null
  name: string | null
  joined_at: string | null
  left_at: string | null
  seconds: number
}

export interface CallTransfer {
  kind: string
  by: string | null
  at: string
  target_kind: string
  to: string
  name: string | null
  outcome: string
  sip_status: number | null
  returned_to: string | null
}

/** Through whose hands a call went; absent in what an older server sent. */
export interface CallJourney {
  parties?: CallParty[]
  transfers?: CallTransfer[]
  transferred?: boolean
  wrong_transfer?: boolean
  private?: boolean
  queue_path?: {
    queue: string
    entered_at: string
    waited_seconds: number | null
    why: string | null
    to: string | null
  }[]
  menu_path?: {
    menu: string
    at: string
    digit: string | null
    label: string | null
    outcome: string | null
  }[]
  branches?: string[]
  voicemail?: { starts: number; seconds: number; ticket: string | null } | null
  callback_requested_at?: string | null
  callback_of?: string | null
}

/** What calls can be found by beside their row; `true`: only those. */
export const CALL_FLAGS = ['transferred', 'private', 'wrong_transfer', 'voicemail', 'callback'] as const
export type CallFlag = (typeof CALL_FLAGS)[number]

export interface CallFilter extends Partial<Record<CallFlag, boolean>> {
  /** A label chosen in a menu. */
  branch?: string
  queue?: string
  number?: string
  /** Id of a call: all calls of its number. */
  same_number_as?: string
  since?: number
  until?: number
  before?: string
  limit?: number
  agent?: string
  direction?: string
  outcome?: string
  patient?: string
}

/** The list may come bare or under a name; both are read. */
export function listed<T>(body: unknown, name: string): T[] {
  if (Array.isArray(body)) return body as T[]
  const inner = (body as Record<string, unknown> | null | undefined)?.[name]
  return Array.isArray(inner) ? (inner as T[]) : []
}

export const calls = async (filter: CallFilter) =>
  listed<CallRow>(await get<unknown>('/api/calls', { ...filter }), 'calls')
export const call = (id: string) => get<CallRow>(`/api/calls/${encodeURIComponent(id)}`)
export const callEvents = async (id: string) =>
  listed<DeskEvent>(await get<unknown>(`/api/calls/${encodeURIComponent(id)}/events`), 'events')
export const revealCall = (id: string, reason: string) =>
  post<{ number: string }>(`/api/calls/${encodeURIComponent(id)}/reveal`, { reason })
export const peaks = (recording: string) =>
  get<unknown>(`/api/recordings/${encodeURIComponent(recording)}/peaks`)

/** A caller of today whom nobody answered: `call` is the last of their `tries`, and what is called back. */
export interface MissedCall {
  call: string
  number: string
  patient_id: string | null
  patient_name: string | null
  queue: string | null
  last_at: string
  tries: number
}

export const missedCalls = async () => listed<MissedCall>(await get<unknown>('/api/calls/missed'), 'missed')
