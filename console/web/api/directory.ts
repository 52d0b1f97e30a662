/** The department directory: whom a call can be taken to. */
import type { AgentStatus } from '@/events/types'
import { get, post, put, remove } from './client'
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
  position: number
  emergency: boolean
  version: number
  favourite: boolean
  /** How the agent stands, or the best of those in the queue; null where nobody can know. */
  presence: Presence | null
}

export const directory = async (query: string) =>
  listed<DirectoryEntry>(await get<unknown>('/api/directory', { q: query, limit: 50 }), 'entries')
/** The whole directory, for those who edit it. */
export const wholeDirectory = async (query: string) =>
  listed<DirectoryEntry>(await get<unknown>('/api/directory', { q: query, limit: 5000 }), 'entries')
export type EntryDraft = Omit<DirectoryEntry, 'id' | 'version' | 'favourite' | 'presence'>
/** An entry as it is sent again: without what the server says of it. */
export const draftOf = (one: DirectoryEntry): EntryDraft => ({
  kind: one.kind,
  name_zh: one.name_zh,
  name_en: one.name_en,
  number: one.number,
  agent: one.agent,
  queue: one.queue,
  note: one.note,
  position: one.position,
  emergency: one.emergency,
})
export const addEntry = (draft: EntryDraft) => post<DirectoryEntry>('/api/directory', draft)
export const changeEntry = (id: string, version: number, draft: EntryDraft) =>
  put<DirectoryEntry>(`/api/directory/${encodeURIComponent(id)}`, { ...draft, version })
export const removeEntry = (id: string) => remove<undefined>(`/api/directory/${encodeURIComponent(id)}`)

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
