/** The rules, the people and the health of the house. */
import { ApiError, get, patch, post, put } from './client'
import type { AgentMap } from '@/events/snapshot'
import { listed } from './calls'

export interface Rule {
  name: string
  value: number | string | boolean
  unit: string
  version: number
  changed_by?: string
  changed_at?: number | string
  note?: string
  lowest?: number
  highest?: number
  [more: string]: unknown
}

export interface HouseUser {
  username: string
  display_name: string
  role: string
  locale: string
  active?: boolean
  skills?: Record<string, number>
  /** Empty: all. */
  queues?: string[]
  /** For the home shift (D103), masked. */
  mobile?: string
}

export interface UserChange {
  active?: boolean
  skills?: Record<string, number>
  queues?: string[]
  mobile?: string
}

export interface TrailEntry {
  id: number
  at: number
  user: string
  action: string
  subject_type: string
  subject_id: string
  detail: Record<string, unknown>
  reason: string
  sha256: string
}

export interface TrailCheck {
  rows: number
  head_sha256: string
  /** Number of the first row that does not fit the chain; null when all is well. */
  broken_at: number | null
}

export type HealthStatus = 'ok' | 'warn' | 'fail'

export interface Health {
  status: HealthStatus
  version: string
  checks: Record<string, { status: HealthStatus; detail?: string }>
  lines: { line: string; status: string }[]
}

export const floorAgents = async () => listed<AgentMap>(await get<unknown>('/api/floor'), 'agents')
export const rules = async () => listed<Rule>(await get<unknown>('/api/rules'), 'rules')
export const changeRule = (name: string, value: unknown, version: number) =>
  put<Rule>(`/api/rules/${encodeURIComponent(name)}`, { value, version })
export const users = async () => listed<HouseUser>(await get<unknown>('/api/users'), 'users')
export const addUser = (user: {
  username: string
  password: string
  role: string
  display_name: string
  locale: string
}) => post<HouseUser>('/api/users', user)
export const changeUser = (username: string, change: UserChange) =>
  patch<HouseUser>(`/api/users/${encodeURIComponent(username)}`, change)
export const resetPassword = (username: string, password: string) =>
  post<unknown>(`/api/users/${encodeURIComponent(username)}/password`, { password })
export const accessTrail = async (before?: string | number) =>
  listed<TrailEntry>(await get<unknown>('/api/access-trail', { before }), 'entries')
/** Health is told with 503 when something fails; the body is the same. */
export async function health(): Promise<Health> {
  try {
    return await get<Health>('/healthz')
  } catch (error) {
    if (error instanceof ApiError && (error.body as Health | undefined)?.checks) return error.body as Health
    throw error
  }
}
export const checkTrail = () => get<TrailCheck>('/api/access-trail/check')
