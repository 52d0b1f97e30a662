/** The department directory: whom a call can be taken to. */
import type { AgentStatus } from '@/events/types'
import { get, put, remove } from './client'
import { listed } from './calls'

export interface Presence {
  state: 'free' | 'busy' | 'away'
  reason?: string
  /** Callers in the queue. */
  waiting?: number
}

export interface DirectoryEntry {
  id: string
  kind: 'department' | 'person' | 'emergency'
  name_zh: string
  name_en: string
  number: string
  agent: string
  queue: string
  note: string
  emergency: boolean
  favourite: boolean
  /** How the agent stands, or the best of those in the queue; null where nobody can know. */
  presence: Presence | null
}

export const directory = async (query: string) =>
  listed<DirectoryEntry>(await get<unknown>('/api/directory', { q: query, limit: 50 }), 'entries')
const favouriteOf = (entry: string) => `/api/directory/${encodeURIComponent(entry)}/favourite`
export const setFavourite = (entry: string, favourite: boolean) =>
  favourite ? put<unknown>(favouriteOf(entry), {}) : remove<unknown>(favouriteOf(entry))

export interface Colleague {
  agent: string
  name: string
  status: AgentStatus
  reason: string
}

export interface QueueChoice {
  queue: string
  name_zh: string
  name_en: string
  waiting: number
}

/** Who else is on the floor, the free ones first, and the queues. */
export const colleagues = (query: string) =>
  get<{ agents: Colleague[]; queues: QueueChoice[] }>('/api/colleagues', { q: query })
