import { expect, it, vi } from 'vitest'
import type { Colleague, DirectoryEntry, QueueChoice } from '@/api/directory'

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined })
const { i18n } = await import('@/i18n')
const { directoryRows } = await import('./directory_rows')

const entry = (id: string, more: Partial<DirectoryEntry> = {}): DirectoryEntry => ({
  id,
  kind: 'department',
  name_zh: id,
  name_en: '',
  number: '8301',
  agent: '',
  queue: '',
  note: '',
  position: 0,
  emergency: false,
  version: 1,
  favourite: false,
  presence: null,
  ...more,
})
const zhou: Colleague = { agent: 'agent2', name: '周宁', status: 'not_ready', reason: 'meal' }
const general: QueueChoice = { queue: 'default', name_zh: '综合', name_en: 'General', waiting: 2 }

it('lists emergency desks and favourites first, then people, the other entries and the queues', () => {
  const found = [entry('cardiology'), entry('star', { favourite: true }), entry('er', { emergency: true })]
  const keys = directoryRows('', found, [zhou], [general]).map((row) => row.key)
  expect(keys).toEqual(['star', 'er', 'agent agent2', 'cardiology', 'queue default'])
})

it('offers a number that was typed before all else, and takes it as it is', () => {
  const [row] = directoryRows(' 8120 ', [entry('er', { emergency: true })], [], [])
  expect(row?.wish).toEqual({ number: '8120' })
  expect(directoryRows('zhou', [], [], [])).toEqual([])
})

it('says why a colleague is away and how many wait, in the language of the screens', () => {
  const states = () => directoryRows('', [], [zhou], [general]).map((row) => [row.name, row.state])
  expect(states()[0]).toEqual(['周宁', '用餐'])
  i18n.global.locale.value = 'en'
  expect(states()[1]?.[0]).toBe('General')
  expect(states()[1]?.[1]).toContain('2')
  i18n.global.locale.value = 'zh-CN'
})
