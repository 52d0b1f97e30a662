import { get, post, put } from './client'
import { listed, type CallRow } from './calls'

export interface AuditItem {
  id: string
  draw_id: string
  call_id: string
  position: number
  /** `waiting`, `heard`, `scored`. */
  state: string
  reviewer: string
  score: number | null
  comment: string | null
  drawn_at: string | null
  heard_at: string | null
  scored_at: string | null
  /** How much of the recording its reviewer has played, each second counted once. */
  heard_seconds: number
  call: CallRow | null
}

export interface Draw {
  id: string
  at: string
  by: string
  seed: string
  n: number
  method_version: string
  criteria: Record<string, unknown>
  /** How many calls it was drawn from. */
  candidates: number
  candidate_sha256: string
  drawn: string[]
  items: AuditItem[]
}

/** The draw done again from its seed and candidates. */
export interface Verification {
  verified: boolean
  /** `unknown_method`, `candidates_changed`, `drawn_differs`; empty when verified. */
  problems: string[]
  seed: string
  n: number
  method_version: string
  candidates: string[]
  candidate_sha256: string
  recomputed_sha256: string
  drawn: string[]
  recomputed: string[]
}

export interface DrawRequest {
  n: number
  since?: number
  until?: number
  agent?: string
  direction?: string
}

export const audits = async () => listed<AuditItem>(await get<unknown>('/api/audits'), 'audits')
export const audit = (id: string) => get<AuditItem>(`/api/audits/${encodeURIComponent(id)}`)
export const drawCalls = (wish: DrawRequest) => post<Draw>('/api/audits/draws', wish)
export const draw = (id: string) => get<Draw>(`/api/audits/draws/${encodeURIComponent(id)}`)
export const verifyDraw = (id: string) =>
  get<Verification>(`/api/audits/draws/${encodeURIComponent(id)}/verification`)
export const reportListening = (id: string, from: number, to: number) =>
  post<AuditItem>(`/api/audits/${encodeURIComponent(id)}/listening`, { from_second: from, to_second: to })
export const saveScore = (id: string, score: number, comment: string) =>
  put<AuditItem>(`/api/audits/${encodeURIComponent(id)}/score`, { score, comment })
