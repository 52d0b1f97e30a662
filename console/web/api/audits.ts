import { get, post, put } from './client'
import { listed, type CallRow } from './calls'

export interface AuditItem {
  id: string
  draw_id: string
  call_id: string
  position?: number
  state: string
  reviewer?: string
  score: number | null
  comment?: string | null
  drawn_at?: number | string
  scored_at?: number | string | null
  heard_seconds?: number
  seed?: string
  call?: CallRow
  [more: string]: unknown
}

export interface Draw {
  id: string
  seed: string
  n?: number
  candidates?: number
  items?: AuditItem[]
  drawn?: string[]
  [more: string]: unknown
}

export interface Verification {
  ok?: boolean
  verified?: boolean
  seed?: string
  candidates?: number | string[]
  drawn?: string[]
  recomputed?: string[]
  [more: string]: unknown
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
export const verifyDraw = (id: string) =>
  get<Verification>(`/api/audits/draws/${encodeURIComponent(id)}/verification`)
export const reportListening = (id: string, from: number, to: number) =>
  post<unknown>(`/api/audits/${encodeURIComponent(id)}/listening`, { from_second: from, to_second: to })
export const saveScore = (id: string, score: number, comment: string) =>
  put<AuditItem>(`/api/audits/${encodeURIComponent(id)}/score`, { score, comment })
