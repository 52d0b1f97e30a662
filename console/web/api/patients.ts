import { ApiError, get, patch, post, request } from './client'
import { listed } from './calls'

export interface Phone {
  id: string
  label?: string
  masked: string
  kind?: string
  region?: string
  region_en?: string
  primary?: boolean
}

export interface Patient {
  id: string
  record_number: string
  name: string
  sex: string
  birth_date: string
  note?: string
  phones: Phone[]
  version: number
  created_at?: number | string
  updated_at?: number | string
  [more: string]: unknown
}

export interface PatientDraft {
  name: string
  sex: string
  birth_date: string
  note: string
  /** One on record goes by its id, that of a call by the call, a new one by its number. */
  phones: (({ id: string } | { call: string } | { number: string }) & { label: string })[]
  confirmed?: boolean
}

export const patients = async (q: string, limit = 30) =>
  listed<Patient>(await get<unknown>('/api/patients', { q, limit }), 'patients')
export const patient = (id: string) => get<Patient>(`/api/patients/${encodeURIComponent(id)}`)
export const createPatient = (draft: Partial<PatientDraft>) => post<Patient>('/api/patients', draft)
export const changePatient = (id: string, version: number, change: Partial<PatientDraft>) =>
  patch<Patient>(`/api/patients/${encodeURIComponent(id)}`, { ...change, version })
export const revealPhone = (id: string, phoneId: string, reason: string) =>
  request<{ number: string }>('POST', `/api/patients/${encodeURIComponent(id)}/reveal`, {
    phone_id: phoneId,
    reason,
  })

/** The records that a refused creation resembles (409), or null when it was refused for another reason. */
export function duplicatesIn(error: unknown): Patient[] | null {
  if (!(error instanceof ApiError) || error.status !== 409) return null
  const body = error.body as { error?: Record<string, unknown>; candidates?: unknown } | undefined
  const found = body?.error?.['candidates'] ?? body?.candidates ?? body?.error?.['patients']
  return Array.isArray(found) ? (found as Patient[]) : null
}
