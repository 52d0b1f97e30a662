import { describe, expect, it } from 'vitest'
import type { DeskEvent } from '@/events/types'
import { hearingAt, hearNobody, isThere, roleAt, stacked, storyOf } from './call_story'

let sequence = 0
function event(type: string, at: number, fields: Record<string, unknown> = {}): DeskEvent {
  sequence += 1
  return { type, at: 1000 + at, node: 'n', sequence, call: 'c', ...fields } as unknown as DeskEvent
}

function never(): never {
  throw new Error('the story is shorter than that')
}

/** Answered, held, a colleague asked, all three together, the agent leaves; a supervisor whispers meanwhile. */
const told = [
  event('call.started', -6, { direction: 'inbound', line: 'trunk', number: '1' }),
  event('call.answered', -0.01, { agent: 'agent1' }),
  event('recording.started', 0, { path: 'x' }),
  event('party.joined', 0, { party: 0, role: 'caller' }),
  event('party.joined', 0, { party: 1, role: 'agent', agent: 'agent1' }),
  event('call.audio', 0, { hears: { '0': [1], '1': [0] } }),
  event('call.digit', 4, { digit: '5', by: 'caller' }),
  event('call.held', 10, { by: 'agent' }),
  event('party.invited', 10, { party: 2, role: 'consulted', by: 'agent1', target: { kind: 'agent' } }),
  event('call.audio', 10, { hears: { '0': [], '1': [] } }),
  event('party.joined', 12, { party: 2, role: 'consulted', agent: 'agent2' }),
  event('call.audio', 12, { hears: { '0': [], '1': [2], '2': [1] } }),
  event('party.joined', 14, { party: 3, role: 'whisperer', agent: 'chief' }),
  event('call.audio', 14, { hears: { '0': [], '1': [2, 3], '2': [1], '3': [1, 2] } }),
  event('call.resumed', 20, { by: 'agent' }),
  event('party.role', 20, { party: 2, role: 'member' }),
  event('call.audio', 20, { hears: { '0': [1, 2], '1': [0, 2, 3], '2': [0, 1], '3': [0, 1, 2] } }),
  event('call.transferred', 30, { kind: 'consult', by: 'agent1', target: { kind: 'agent' }, party: 2 }),
  event('party.left', 30, { party: 1, by: 'agent' }),
  event('party.left', 30, { party: 3, by: 'agent' }),
  event('call.audio', 30, { hears: { '0': [2], '2': [0] } }),
  event('call.ended', 40, { by: 'caller' }),
]
const story = storyOf(told, 40)

describe('the story of a recording', () => {
  it('tells who was there when, and in which role', () => {
    expect(story.voices.map((voice) => [voice.party, voice.agent, voice.stays])).toEqual([
      [0, '', [{ from: 0, to: 40, role: 'caller' }]],
      [1, 'agent1', [{ from: 0, to: 30, role: 'agent' }]],
      [
        2,
        'agent2',
        [
          { from: 12, to: 20, role: 'consulted' },
          { from: 20, to: 40, role: 'member' },
        ],
      ],
      [3, 'chief', [{ from: 14, to: 30, role: 'whisperer' }]],
    ])
    const asked = story.voices[2] ?? never()
    expect([roleAt(asked, 5), roleAt(asked, 15), roleAt(asked, 25)]).toEqual([
      'consulted',
      'consulted',
      'member',
    ])
    expect([isThere(asked, 5), isThere(asked, 12), isThere(asked, 40)]).toEqual([false, true, false])
  })

  it('marks what happened', () => {
    expect(story.marks.map((mark) => [mark.at, mark.kind, mark.detail])).toEqual([
      [4, 'digit', '5'],
      [10, 'hold', ''],
      [10, 'consult', ''],
      [14, 'whisper', ''],
      [20, 'resume', ''],
      [20, 'conference', ''],
      [30, 'transfer', ''],
    ])
  })

  it('proves who could hear whom: the caller never the whisperer', () => {
    expect(hearingAt(story.routes, 5)).toEqual([{ heard: 1, by: 0, mutual: true }])
    expect(hearingAt(story.routes, 15)).toEqual([
      { heard: 2, by: 1, mutual: true },
      { heard: 3, by: 1, mutual: true },
      { heard: 2, by: 3, mutual: false },
    ])
    for (let at = 0; at < 40; at += 0.5) {
      expect(hearingAt(story.routes, at).some((one) => one.by === 0 && one.heard === 3)).toBe(false)
    }
    expect(hearNobody(story, 15)).toEqual([0])
    expect(hearNobody(story, 35)).toEqual([])
  })

  it('counts from the recording, else from the answer, and tells nothing of nothing', () => {
    const untold = storyOf(
      told.filter((one) => one.type !== 'recording.started'),
      40,
    )
    expect(untold.marks[0]?.at).toBeCloseTo(4.01)
    expect(storyOf([], 3)).toEqual({ voices: [], routes: [], marks: [] })
    expect(hearingAt([], 1)).toEqual([])
    expect(hearNobody(storyOf([], 3), 1)).toEqual([])
  })

  it('is not moved by a wall clock that is set in mid-call', () => {
    const set = told.map((one) => ({
      ...one,
      at: one.at > 1011 ? one.at - 3600 : one.at,
      monotonic: Math.round((one.at - 900) * 1e9),
    }))
    expect(storyOf(set, 40)).toEqual(story)
  })

  it('keeps within the recording what lies outside it', () => {
    const early = storyOf([event('party.joined', -5, { party: 0, role: 'caller' }), ...told], 25)
    expect(early.voices[0]?.stays.at(-1)).toEqual({ from: 0, to: 25, role: 'caller' })
    expect(Math.max(...early.marks.map((mark) => mark.at))).toBe(25)
  })
})

it('writes marks that are close in lines of their own', () => {
  const marks = [0, 1, 2, 50].map((at) => ({ at, kind: 'hold' as const, detail: '' }))
  expect(stacked(marks, 100, 3).map((one) => one.row)).toEqual([0, 1, 2, 0])
  expect(stacked(marks, 100, 3).some((one) => one.bare)).toBe(false)
  // the fourth at the same place would cover the first
  expect(stacked(marks, 0, 3)[3]).toEqual({ row: 0, bare: true })
})
