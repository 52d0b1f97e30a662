/** Where calls go: the routing document with its versions, and the prompts that callers hear (docs/routing.md). */
import { ApiError, get, post, put, remove } from './client'

export interface Label {
  zh: string
  en: string
}

export type Step =
  | { kind: 'queue'; queue: string; priority?: number | null }
  | { kind: 'menu'; menu: string }
  | { kind: 'number'; number: string; line?: string }
  | { kind: 'message'; prompt: string }
  | { kind: 'voicemail'; queue: string; prompt?: string }
  | { kind: 'callback'; queue: string }
  | { kind: 'hang_up' }
export type StepKind = Step['kind']

export interface Entry {
  line: string
  dialled: string
  to: Step
  hours: string
  closed: Step | null
  announce_recording: boolean
}

export interface Choice {
  digit: string
  label: Label
  to: Step
}

export interface Menu {
  name: string
  label: Label
  greeting: string
  choices: Choice[]
  emergency: string
  emergency_to: Step | null
  timeout: number
  retries: number
  invalid: string
  gave_up: Step
}

export type Strategy = 'longest_idle' | 'round_robin' | 'fewest_calls' | 'ring_all' | 'skills'

export interface Queue {
  name: string
  label: Label
  strategy: Strategy
  priority: number
  skill: string
  last_agent_first: boolean
  waiting: 'ringback' | 'music'
  music: string
  announce_position: boolean
  announce_wait: boolean
  announce_every: number
  hours: string
  closed: Step | null
  max_waiting: number
  full: Step | null
  overflow: { after: number; to: Step }[]
  nobody_signed_in: Step | null
  callback_offer_after: number
  minimum_staff: number
}

export type TimeRange = [start: string, end: string]
export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'

export interface Hours {
  name: string
  label: Label
  weekly: Record<Weekday, TimeRange[]>
  chinese_holidays: boolean
  exceptions: { date: string; open: TimeRange[]; label: string }[]
}

export interface DocumentPrompt {
  name: string
  label: Label
  file: string
  seconds: number
  text: string
}

export interface RoutingDocument {
  version: number
  timezone: string
  entries: Entry[]
  menus: Menu[]
  queues: Queue[]
  hours: Hours[]
  prompts: DocumentPrompt[]
  priorities: Record<string, number>
}

/** Version 0 is the document that ships. */
export interface Version {
  version: number
  note: string
  saved_by: string
  saved_at: number
  restored_from: number | null
}

export interface Current extends Version {
  /** What the phone goes by; null while it is away. */
  in_force: number | null
  problem: string | null
  routing: RoutingDocument
}

export interface Saved {
  version: number
  in_force: boolean
  problem: string | null
  changes: string[]
  routing: RoutingDocument
}

export interface HoursStatus {
  name: string
  open: boolean
  changes_at: number | null
}

export interface QueueStatus {
  queue: string
  open: boolean
  agents: string[]
  ready: number
  waiting: number
}

export interface RoutingStatus {
  version: number
  in_force: number | null
  problem: string | null
  timezone: string
  hours: HoursStatus[]
  queues: QueueStatus[]
}

export interface Prompt {
  name: string
  label_zh: string
  label_en: string
  seconds: number
  text: string
  source: 'shipped' | 'upload' | 'speech'
  file: string
  made_by: string | null
  made_at: number | null
  used: boolean
}

export interface SpecialDay {
  date: string
  name: string
  workday: boolean
}

export interface PromptWish {
  name: string
  label_zh: string
  label_en: string
  replace: boolean
}

export const currentRouting = () => get<Current>('/api/routing')
export const routingStatus = () => get<RoutingStatus>('/api/routing/status')
export const checkRouting = (routing: RoutingDocument, against: number) =>
  post<{ changes: string[] }>('/api/routing/check', { routing, against })
export const saveRouting = (routing: RoutingDocument, base_version: number, note: string) =>
  put<Saved>('/api/routing', { routing, base_version, note })
export const routingVersions = (before?: number) =>
  get<{ versions: Version[]; in_force: number | null }>('/api/routing/versions', { before, limit: 50 })
export const routingVersion = (version: number, against?: number) =>
  get<{ changes: string[] }>(`/api/routing/versions/${version}`, { against })
export const restoreRouting = (version: number, base_version: number, note: string) =>
  post<Saved>(`/api/routing/versions/${version}/restore`, { base_version, note })
export const chineseDays = (year: number) =>
  get<{ year: number; known: boolean; days: SpecialDay[] }>('/api/routing/chinese-days', { year })

export const prompts = () => get<{ prompts: Prompt[]; speech: boolean }>('/api/routing/prompts')
export const promptAudio = (name: string) => `/api/routing/prompts/${encodeURIComponent(name)}/audio`
export const removePrompt = (name: string) =>
  remove<undefined>(`/api/routing/prompts/${encodeURIComponent(name)}`)
export const speakPrompt = (wish: PromptWish & { text: string; language: 'zh' | 'en' }) =>
  post<Prompt>('/api/routing/prompts/speak', wish)

/**
 * Sends audio as it is; `fetch` does not tell how much has gone, therefore XMLHttpRequest.
 * @throws ApiError as `request` does
 */
export function uploadPrompt(
  wish: PromptWish & { text: string },
  audio: Blob,
  progress: (part: number) => void,
): Promise<Prompt> {
  const query = new URLSearchParams(Object.entries(wish).map(([name, value]) => [name, String(value)]))
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest()
    sending.open('POST', `/api/routing/prompts?${query.toString()}`)
    sending.setRequestHeader('Content-Type', audio.type || 'application/octet-stream')
    sending.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total)
    sending.onerror = () => reject(new ApiError(0, 'offline', ''))
    sending.onload = () => {
      const body = bodyOf(sending.responseText)
      if (sending.status === 201) resolve(body as Prompt)
      else {
        const told = (body as { error?: { code: string; message: string; field?: string } } | null)?.error
        reject(
          new ApiError(
            sending.status,
            told?.code ?? `http_${sending.status}`,
            told?.message ?? '',
            told?.field,
          ),
        )
      }
    }
    sending.send(audio)
  })
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
