import { expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import type { RoutingDocument } from '@/api/routing'
import en from '@/i18n/routing.en'
import { History } from './history'
import { otherZone, soon } from './open_words'
import { asSent, freeName, newMenu, newQueue, newStep, promptsNamed } from './parts'
import { isWithin, messageAt, partOf } from './place'
import { problemOf } from './refusal'

const say = (key: string, names: Record<string, string> = {}): string => {
  const found = key
    .split('.')
    .reduce<unknown>((tree, part) => (tree as Record<string, unknown>)[part], en.problem)
  expect(typeof found, key).toBe('string')
  return String(found).replace(/\{(\w+)\}/g, (_, name: string) => names[name] ?? '')
}
const refused = (place: string, sentence: string, frame = `${place}: ${sentence}`) =>
  problemOf(new ApiError(422, 'bad_routing', frame, place), say)

it('undoes and redoes step by step, and forgets what was undone once something else is done', () => {
  const history = new History('a')
  expect(history.record('a')).toBe(false)
  history.record('b')
  history.record('c')
  expect([history.undo(), history.undo(), history.undo()]).toEqual(['b', 'a', null])
  expect(history.redo()).toBe('b')
  history.record('d')
  expect(history.redo()).toBeNull()
  expect([history.undo(), history.canUndo]).toEqual(['b', true])
})

it('keeps a long history within bounds', () => {
  const history = new History('0')
  for (let n = 1; n < 500; n += 1) history.record(String(n))
  let steps = 0
  while (history.undo() !== null) steps += 1
  expect(steps).toBe(200)
})

it('finds the part and the field that a refusal is about', () => {
  expect(partOf('queues[12].overflow[0].to.queue')).toEqual({ section: 'queues', index: 12 })
  expect(partOf('timezone')).toBeNull()
  const problem = { place: 'queues[1].overflow[0].to.queue', message: 'no' }
  expect(messageAt(problem, 'queues[1].overflow[0].to')).toBe('no')
  expect(messageAt(problem, 'queues[1].overflow[1].to')).toBe('')
  expect(messageAt(null, 'queues[1]')).toBe('')
  expect(isWithin('queues[10].name', 'queues[1]')).toBe(false)
  expect(isWithin('queues[1].skills', 'queues[1].skill')).toBe(false)
})

it('says in the words of the screens what the server refuses', () => {
  expect(refused('queues[0].closed.queue', 'there is no queue "vipp"; is "vip" meant?')).toEqual({
    place: 'queues[0].closed.queue',
    message: 'There is no queue “vipp”; is “vip” meant?',
  })
  expect(refused('queues[0].hours', 'there is no opening hours "x"')?.message).toBe(
    'There is no opening hours “x”',
  )
  const chinese = refused(
    'menus[0].choices[1].digit',
    '',
    '路由设置有误（menus[0].choices[1].digit）：1 is there twice',
  )
  expect(chinese?.message).toBe('“1” is there twice')
  for (const [sentence, known] of [
    ['the strategy "skills" needs a skill', en.problem.noSkill],
    ['must be later than the one before', en.problem.order],
    ['there are opening hours, but no step for when it is closed', en.problem.noClosed],
    ['there is a limit of callers, but no step for when it is reached', en.problem.noFull],
    ['expected a time like 08:30', en.problem.time],
    ['expected `int` <= 9', en.problem.range],
    ['expected `str` of length >= 1', en.problem.needed],
  ] as const)
    expect(refused('queues[0].skill', sentence)?.message).toBe(known)
  expect(
    refused(
      'queues[0].overflow[0].to',
      'a caller who does nothing would go round in circles, back to queues[0]',
    )?.message,
  ).toContain('queues[0]')
  expect(refused('x', 'something new')?.message).toBe('something new')
  expect(problemOf(new ApiError(500, 'server', 'x'), say)).toBeNull()
  expect(problemOf(new Error('x'), say)).toBeNull()
})

const house = (): RoutingDocument => {
  const document: RoutingDocument = {
    version: 1,
    timezone: 'Asia/Shanghai',
    entries: [],
    menus: [],
    queues: [],
    hours: [],
    priorities: {},
    prompts: ['mine', 'gone'].map((name) => ({
      name,
      label: { zh: '', en: '' },
      file: `prompts/${name}.wav`,
      seconds: 1,
      text: '',
    })),
  }
  document.queues.push(newQueue(document, { zh: '', en: '' }))
  document.menus.push({ ...newMenu(document, { zh: '', en: '' }), greeting: 'mine' })
  return document
}

it('sends no prompt that nothing names', () => {
  const document = house()
  expect(asSent(document).prompts.map((one) => one.name)).toEqual(['mine'])
  expect([...promptsNamed(document)].sort()).toEqual(['hold-music', 'menu-invalid', 'mine'])
})

it('names new parts by what is free and keeps the queue when a step changes its kind', () => {
  const document = house()
  expect(freeName('queue', document.queues)).toBe('queue-2')
  expect(freeName('queue', [{ name: 'queue-2' }, { name: 'x' }])).toBe('queue-3')
  expect(newStep('voicemail', document, { kind: 'queue', queue: 'vip' })).toEqual({
    kind: 'voicemail',
    queue: 'vip',
    prompt: '',
  })
  expect(newStep('menu', document)).toEqual({ kind: 'menu', menu: 'menu-1' })
})

it('tells the next change today, tomorrow and later', () => {
  const now = new Date(2026, 10, 22, 10, 0)
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour, 5).getTime() / 1000
  expect(soon(at(22, 17), 'tomorrow', '', now)).toBe('17:05')
  expect(soon(at(23, 8), 'tomorrow', '', now)).toBe('tomorrow 08:05')
  expect(soon(at(24, 8), 'tomorrow', '', now)).toBe('11-24 08:05')
})

it('tells the time on the clocks of the house, and names its zone where they differ from these', () => {
  const now = new Date('2026-11-22T20:00:00Z')
  const opens = Date.parse('2026-11-23T00:00:00Z') / 1000
  // in Shanghai it is four in the morning of the 23rd, and opens at eight; in New York it is still the 22nd
  expect(soon(opens, 'tomorrow', 'Asia/Shanghai', now)).toBe('08:00')
  expect(soon(opens, 'tomorrow', 'America/New_York', now)).toBe('19:00')
  expect(soon(opens + 86400, 'tomorrow', 'Asia/Shanghai', now)).toBe('tomorrow 08:00')
  expect(soon(opens + 9 * 86400, 'tomorrow', 'Asia/Shanghai', now)).toBe('12-02 08:00')
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone
  const other = mine === 'Asia/Shanghai' ? 'America/New_York' : 'Asia/Shanghai'
  expect(otherZone(opens, mine, 'en')).toBe('')
  expect(otherZone(opens, other, 'en')).toMatch(/China|Eastern/)
  expect(otherZone(opens, other, 'zh-CN')).toMatch(/中国|东部/)
  expect(otherZone(opens, 'No/Where', 'en')).toBe('')
})
