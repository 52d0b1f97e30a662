/** What an agent tells the telephone: every call-bar button is one of these. */
import { get, post, put } from './client'

export interface HeadsetPass {
  url: string
  token: string
  expires_at: number | string
}

export interface Disposition {
  code: string
  label_zh: string
  label_en: string
}

export interface ScriptLine {
  zh: string
  en: string
}

export interface Script {
  opening: ScriptLine
  apology: ScriptLine
}

/** The house's lines, and those of telephone lines that have their own. */
export interface Scripts extends Script {
  lines?: Record<string, Script>
}

const on = (call: string, action: string) => `/api/calls/${encodeURIComponent(call)}/${action}`

export const headsetPass = (console: string) => post<HeadsetPass>('/api/headset', { console })
export const setState = (state: 'ready' | 'not_ready', reason = '') =>
  post<unknown>('/api/agent/state', { state, reason })
/** A number on record and that of an earlier call stay at the server: they are named, not told. */
export type Dialled =
  { number: string } | { patient_id: string; phone_id: string } | { call: string; patient_id?: string }
export const dial = (whom: Dialled) => post<{ id: string }>('/api/calls', whom)
export const answer = (call: string) => post<unknown>(on(call, 'answer'))
export const reject = (call: string) => post<unknown>(on(call, 'reject'))
export const hangUp = (call: string) => post<unknown>(on(call, 'hangup'))
export const hold = (call: string) => post<unknown>(on(call, 'hold'))
export const resume = (call: string) => post<unknown>(on(call, 'resume'))
export const mute = (call: string, muted: boolean) => post<unknown>(on(call, 'mute'), { muted })
export const sendDigits = (call: string, digits: string) => post<unknown>(on(call, 'digits'), { digits })
/** Whom a call is to go to: an entry of the directory, an agent, a queue, or a number as it was typed. */
export type TargetWish = { entry: string } | { agent: string } | { queue: string } | { number: string }
export const transfer = (call: string, target: TargetWish) => post<unknown>(on(call, 'transfer'), { target })
export const consult = (call: string, target: TargetWish) =>
  post<{ party: number }>(on(call, 'consult'), { target })
export const swap = (call: string) => post<unknown>(on(call, 'swap'))
export const merge = (call: string) => post<unknown>(on(call, 'merge'))
export const complete = (call: string) => post<unknown>(on(call, 'complete'))
export const cancelConsult = (call: string) => post<unknown>(on(call, 'cancel-consult'))
export const drop = (call: string, party: number) => post<unknown>(on(call, 'drop'), { party })
export const leave = (call: string) => post<unknown>(on(call, 'leave'))
export const setPrivate = (call: string, isPrivate: boolean) =>
  post<unknown>(on(call, 'private'), { private: isPrivate })
export const mark = (call: string, what: string, detail = '') =>
  post<unknown>(on(call, 'mark'), { mark: what, detail })
export const setDevice = (device: 'headset' | 'phone', number = '') =>
  post<unknown>('/api/agent/device', { device, number })
export type MonitorMode = 'listen' | 'whisper' | 'barge'
export const monitor = (call: string, mode: MonitorMode) => post<unknown>(on(call, 'monitor'), { mode })
export const takeOver = (call: string) => post<unknown>(on(call, 'take-over'))
export const prioritise = (call: string) => post<unknown>(on(call, 'prioritise'))
export const forceState = (agent: string, status: 'ready' | 'not_ready' | 'offline', reason = '') =>
  post<unknown>(`/api/floor/agents/${encodeURIComponent(agent)}/state`, { status, reason })
export const dispose = (call: string, code: string, note: string) =>
  put<unknown>(on(call, 'disposition'), { code, note })
export const attachPatient = (call: string, patientId: string) =>
  post<unknown>(on(call, 'patient'), { patient_id: patientId })
export const wrappedUp = (call: string) => post<unknown>(on(call, 'wrapped-up'))
export const dispositions = () => get<Disposition[]>('/api/dispositions')
export const scripts = () => get<Scripts>('/api/scripts')
