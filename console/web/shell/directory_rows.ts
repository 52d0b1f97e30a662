/** The rows of the directory picker: whom a call can be taken to, and in which order. */
import type { Component } from 'vue'
import { Files, FirstAidKit, Headset, OfficeBuilding, PhoneFilled, User } from '@element-plus/icons-vue'
import type { Colleague, DirectoryEntry, Presence, QueueChoice } from '@/api/directory'
import type { TargetWish } from '@/api/phone'
import type { AgentStatus } from '@/events/types'
import { i18n, locale, word } from '@/i18n'
import { isDialable } from '@/words/dialable'

const { t } = i18n.global

export interface Row {
  key: string
  icon: Component
  name: string
  note: string
  /** Number or user name, small. */
  code: string
  mark: AgentStatus | null
  state: string
  wish: TargetWish
  entry: DirectoryEntry | null
}

const MARKS = { free: 'ready', busy: 'talking', away: 'not_ready' } as const

function presenceWord(presence: Presence): string {
  if (presence.waiting) return t('control.queueNow', { n: presence.waiting })
  if (presence.state === 'away' && presence.reason) return word('bar.reasons', presence.reason)
  return t(`directory.presence.${presence.state}`)
}

function iconOf(entry: DirectoryEntry): Component {
  if (entry.emergency) return FirstAidKit
  if (entry.agent) return Headset
  return entry.kind === 'person' ? User : OfficeBuilding
}

function ofEntry(entry: DirectoryEntry): Row {
  return {
    key: entry.id,
    icon: iconOf(entry),
    name: (locale.value === 'en' && entry.name_en) || entry.name_zh || entry.name_en,
    note: entry.note,
    code: entry.number || entry.queue || entry.agent,
    mark: entry.presence ? MARKS[entry.presence.state] : null,
    state: entry.presence ? presenceWord(entry.presence) : '',
    wish: { entry: entry.id },
    entry,
  }
}

function ofColleague(one: Colleague): Row {
  const why = one.status === 'not_ready' && one.reason !== 'signed_in' ? word('bar.reasons', one.reason) : ''
  return {
    key: `agent ${one.agent}`,
    icon: Headset,
    name: one.name,
    note: '',
    code: one.agent,
    mark: one.status,
    state: why || t(`status.${one.status}`),
    wish: { agent: one.agent },
    entry: null,
  }
}

function ofQueue(one: QueueChoice): Row {
  return {
    key: `queue ${one.queue}`,
    icon: Files,
    name: locale.value === 'en' ? one.name_en : one.name_zh,
    note: t('directory.kinds.queue'),
    code: '',
    mark: null,
    state: one.waiting ? t('control.queueNow', { n: one.waiting }) : '',
    wish: { queue: one.queue },
    entry: null,
  }
}

function ofNumber(number: string): Row {
  return {
    key: 'number',
    icon: PhoneFilled,
    name: t('directory.dialNumber', { number }),
    note: '',
    code: '',
    mark: null,
    state: '',
    wish: { number },
    entry: null,
  }
}

/** A number that was typed first, to be taken as it is; then emergency desks and favourites, people, the rest. */
export function directoryRows(
  typed: string,
  found: readonly DirectoryEntry[],
  people: readonly Colleague[],
  queues: readonly QueueChoice[],
): Row[] {
  const first = found.filter((one) => one.emergency || one.favourite)
  const rest = found.filter((one) => !one.emergency && !one.favourite)
  const number = typed.trim()
  return [
    ...(isDialable(number) ? [ofNumber(number)] : []),
    ...first.map(ofEntry),
    ...people.map(ofColleague),
    ...rest.map(ofEntry),
    ...queues.map(ofQueue),
  ]
}
