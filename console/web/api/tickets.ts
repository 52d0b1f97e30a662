/** What callers left behind: messages as tickets of their queue, and wishes to be called back. */
import { get, post } from './client'

export type TicketState = 'open' | 'taken' | 'done'

export interface Ticket {
  id: string
  kind: string
  call: string
  queue: string
  state: TicketState
  assignee: string | null
  note: string
  created_at: string
  changed_at: string
  number: string
  patient_id: string | null
  patient_name: string | null
  /** The message is in the call's recording from here on, in seconds. */
  starts: number
  seconds: number
  audio: string | null
}

export interface TicketDetail extends Ticket {
  history: { step: string; by: string; at: string; note: string }[]
}

export interface CallbackWish {
  id: string
  queue: string
  number: string
  patient_id: string | null
  patient_name: string | null
  /** `retry`: tried again at `due_at`; `unreached`: given up, a ticket now. */
  state: 'waiting' | 'called' | 'retry' | 'reached' | 'unreached' | 'cancelled'
  attempts: number
  requested_at: string
  waiting_since: string
  changed_at: string
  call: string | null
  agent: string | null
  /** `caller`: called in meanwhile, or was reached otherwise. */
  cancelled_by: string | null
  note: string
  priority: number
  due_at: string | null
}

export type TicketAction = 'take' | 'done' | 'reopen'

export const tickets = (filter: { state?: string; mine?: boolean; before?: string; limit?: number }) =>
  get<{ tickets: Ticket[]; open: Record<string, number> }>('/api/tickets', filter)
export const ticket = (id: string) => get<TicketDetail>(`/api/tickets/${encodeURIComponent(id)}`)
export const stepTicket = (id: string, action: TicketAction, note: string) =>
  post<TicketDetail>(`/api/tickets/${encodeURIComponent(id)}/${action}`, { note })
export const callbackWishes = () => get<{ callbacks: CallbackWish[] }>('/api/callback-requests')
export const cancelCallback = (id: string, note: string) =>
  post<CallbackWish>(`/api/callback-requests/${encodeURIComponent(id)}/cancel`, { note })
