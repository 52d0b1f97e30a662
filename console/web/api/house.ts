/** The floor, the rules, the people and the health of the house. */
import { get, put } from './client'
import { listed } from './calls'

export interface Rule {
  name: string
  value: number | string | boolean
  unit: string
  version: number
  changed_by?: string
  changed_at?: number | string
  [more: string]: unknown
}

export interface HouseUser {
  username: string
  display_name: string
  role: string
  active?: boolean
  queues?: string[]
  locked_until?: number | string | null
  [more: string]: unknown
}

export interface TrailEntry {
  id?: string | number
  at: number | string
  actor?: string
  user?: string
  action: string
  subject?: string
  reason?: string
  [more: string]: unknown
}

export interface Health {
  status: string
  [part: string]: unknown
}

export interface FloorPicture {
  agents?: unknown[]
  calls?: unknown[]
  lines?: unknown[]
  queues?: unknown[]
}

export const floor = () => get<FloorPicture>('/api/floor')
export const rules = async () => listed<Rule>(await get<unknown>('/api/rules'), 'rules')
export const changeRule = (name: string, value: unknown, version: number) =>
  put<Rule>(`/api/rules/${encodeURIComponent(name)}`, { value, version })
export const users = async () => listed<HouseUser>(await get<unknown>('/api/users'), 'users')
export const accessTrail = async (before?: string | number) =>
  listed<TrailEntry>(await get<unknown>('/api/access-trail', { before }), 'entries')
export const health = () => get<Health>('/healthz')
