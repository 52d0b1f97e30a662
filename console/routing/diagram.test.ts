import { expect, it } from 'vitest'
import type { Queue, RoutingDocument } from '@/api/routing'
import { BOX_WIDTH, drawRouting, targetOf } from './diagram'
import { newEntry, newHours, newMenu, newQueue } from './parts'

const empty = (): RoutingDocument => ({
  version: 1,
  timezone: 'Asia/Shanghai',
  entries: [],
  menus: [],
  queues: [],
  hours: [],
  prompts: [],
  priorities: {},
})

function queue(document: RoutingDocument, name: string, change: Partial<Queue> = {}): void {
  document.queues.push({ ...newQueue(document, { zh: name, en: name }), name, ...change })
}

/** Two lines, one with hours; a menu with an emergency key; queues with every way out. */
function house(): RoutingDocument {
  const document = empty()
  queue(document, 'general', {
    overflow: [
      { after: 60, to: { kind: 'queue', queue: 'vip' } },
      { after: 120, to: { kind: 'voicemail', queue: 'general' } },
    ],
    nobody_signed_in: { kind: 'voicemail', queue: 'general' },
    max_waiting: 5,
    full: { kind: 'hang_up' },
    callback_offer_after: 45,
  })
  queue(document, 'vip', { hours: 'day', closed: { kind: 'message', prompt: 'closed' } })
  document.hours.push({ ...newHours(document, { zh: '', en: '' }), name: 'day' })
  document.hours.push({ ...newHours(document, { zh: '', en: '' }), name: 'night' })
  document.menus.push({
    ...newMenu(document, { zh: '', en: '' }),
    name: 'main',
    emergency: '0',
    emergency_to: { kind: 'queue', queue: 'vip' },
  })
  document.entries.push(
    {
      ...newEntry(document),
      line: 'trunk',
      hours: 'day',
      to: { kind: 'menu', menu: 'main' },
      closed: { kind: 'number', number: '0571' },
    },
    { ...newEntry(document), line: 'desk' },
  )
  return document
}

it('lays boxes out in columns that do not overlap', () => {
  const { boxes, width, height } = drawRouting(house())
  for (const [index, box] of boxes.entries()) {
    expect(box.x + BOX_WIDTH).toBeLessThanOrEqual(width)
    expect(box.y + box.height).toBeLessThanOrEqual(height)
    for (const other of boxes.slice(index + 1)) {
      const apart = box.x !== other.x || box.y + box.height <= other.y || other.y + other.height <= box.y
      expect(apart, `${box.id} and ${other.id}`).toBe(true)
    }
  }
})

it('draws an edge for each step that a call may take, to the box that it leads to', () => {
  const { boxes, edges } = drawRouting(house())
  const places = boxes.flatMap((box) => box.exits.map((exit) => exit.at))
  expect(edges.map((edge) => edge.at).sort()).toEqual([...places, 'entries[0].hours'].sort())
  const leads = (at: string) => edges.find((edge) => edge.at === at)?.to
  expect(leads('entries[0].hours')).toBe('entries[0] hours')
  expect(leads('entries[0].to')).toBe('menus main')
  expect(leads('entries[0].closed')).toBe('end number 0571')
  expect(leads('menus[0].emergency_to')).toBe('queues vip')
  expect(leads('queues[0].overflow[0].to')).toBe('queues vip')
  expect(leads('queues[0].overflow[1].to')).toBe(leads('queues[0].nobody_signed_in'))
  expect(leads('queues[0].callback_offer_after')).toBe('end callback general')
  expect(leads('queues[1].closed')).toBe('end message closed')
})

it('begins each edge at the row it belongs to and ends it at the head of its target', () => {
  const { boxes, edges } = drawRouting(house())
  for (const edge of edges) {
    const source = boxes.find((box) => box.id === edge.from)
    const numbers =
      edge.path
        .replace(/ H[\d.]+/g, '')
        .match(/-?[\d.]+/g)
        ?.map(Number) ?? []
    const exit = source?.exits.find((one) => one.at === edge.at)
    if (exit) expect(numbers[1]).toBe(exit.y)
    const target = boxes.find((box) => box.id === edge.to)
    expect(numbers.at(-1)).toBeGreaterThan(target?.y ?? Infinity)
    expect(numbers.at(-1)).toBeLessThan((target?.y ?? 0) + (target?.height ?? 0))
  }
})

it('shows opening hours that no line uses as a box of their own, to be edited', () => {
  const { boxes } = drawRouting(house())
  expect(boxes.find((box) => box.id === 'hours night')?.part).toEqual({ section: 'hours', index: 1 })
  expect(boxes.find((box) => box.id === 'entries[0] hours')?.part).toEqual({ section: 'hours', index: 0 })
})

it('draws a house of one line and one queue, and a step that leads nowhere without an edge', () => {
  const document = empty()
  queue(document, 'only')
  document.entries.push({ ...newEntry(document), to: { kind: 'queue', queue: 'gone' } })
  const picture = drawRouting(document)
  expect(picture.boxes).toHaveLength(2)
  expect(picture.edges).toHaveLength(0)
  expect(drawRouting(empty()).boxes).toEqual([])
})

it('has one box for ends that are the same', () => {
  expect(targetOf({ kind: 'voicemail', queue: 'a', prompt: 'x' })).toBe(
    targetOf({ kind: 'voicemail', queue: 'a' }),
  )
  expect(targetOf({ kind: 'number', number: '1' })).not.toBe(targetOf({ kind: 'number', number: '2' }))
})

it('leads a line that skips columns past their boxes, not under them', () => {
  const document = house()
  document.entries.push({ ...newEntry(document), line: 'third', dialled: '1' })
  document.menus.push({
    ...newMenu(document, { zh: '', en: '' }),
    gave_up: { kind: 'hang_up' },
  })
  const { boxes, edges } = drawRouting(document)
  const passing = edges.filter((edge) => edge.path.includes(' H'))
  expect(passing.map((edge) => edge.at)).toEqual(
    expect.arrayContaining(['entries[0].closed', 'entries[1].to', 'entries[2].to', 'menus[1].gave_up']),
  )
  for (const edge of passing) {
    for (const level of edge.path.matchAll(/([\d.]+) ([\d.]+) H([\d.]+)/g)) {
      const [x, y] = [Number(level[1]), Number(level[2])]
      const hit = boxes.find((box) => box.x === x && y > box.y && y < box.y + box.height)
      expect(hit?.id, edge.at).toBeUndefined()
    }
  }
})
