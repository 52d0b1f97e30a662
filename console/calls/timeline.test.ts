import { describe, expect, it } from 'vitest'
import type { DeskEvent } from '@/events/types'
import { tickStep, timelineOf } from './timeline'

let sequence = 0
function event(type: string, at: number, fields: Record<string, unknown> = {}): DeskEvent {
  sequence += 1
  return { type, at, node: 'n', sequence, call: 'c', ...fields } as unknown as DeskEvent
}

const begun = [
  event('call.started', 100, { direction: 'inbound', line: 'trunk', number: '1' }),
  event('call.caller_ring', 100, { ring: 1 }),
  event('call.offered', 102, { agent: 'agent1' }),
  event('call.agent_ring', 102, { agent: 'agent1', ring: 1 }),
]

describe('the picture of a call', () => {
  it('shows queue, ring, talk, hold and talk one after another, and who hung up', () => {
    const line = timelineOf([
      ...begun,
      event('call.answered', 106, { agent: 'agent1' }),
      event('call.held', 110, { by: 'agent' }),
      event('call.resumed', 115, { by: 'agent' }),
      event('call.ended', 120, { by: 'caller' }),
    ])
    expect(line.stretches.map(({ phase, from, to }) => [phase, from, to])).toEqual([
      ['queued', 0, 2],
      ['ringing', 2, 6],
      ['talking', 6, 10],
      ['held', 10, 15],
      ['talking', 15, 20],
    ])
    expect(line).toMatchObject({ seconds: 20, hungUpBy: 'caller' })
  })

  it('marks an offer that was missed and begins the next one at another desk', () => {
    const line = timelineOf([
      ...begun,
      event('call.offer_ended', 117, { agent: 'agent1', outcome: 'no_answer' }),
      event('call.offered', 117, { agent: 'agent2' }),
      event('call.ended', 125, { by: 'caller' }),
    ])
    expect(line.marks.filter((mark) => mark.kind === 'missed')).toEqual([
      { at: 17, kind: 'missed', label: 'no_answer' },
    ])
    expect(line.stretches.map((one) => one.agent)).toEqual(['', 'agent1', 'agent2'])
  })

  it('shows hold, not ringing, while another agent is asked, and marks what they did not answer', () => {
    const line = timelineOf([
      ...begun,
      event('call.answered', 103, { agent: 'agent1' }),
      event('party.invited', 105, {
        party: 2,
        role: 'consulted',
        target: { kind: 'agent', agent: 'agent2' },
      }),
      event('call.held', 105, { by: 'agent' }),
      event('call.offered', 105, { agent: 'agent2' }),
      event('call.offer_ended', 109, { agent: 'agent2', outcome: 'no_answer' }),
      event('call.resumed', 109, { by: 'agent' }),
      event('call.ended', 112, { by: 'caller' }),
    ])
    expect(line.stretches.map(({ phase, from, to, agent }) => [phase, from, to, agent])).toEqual([
      ['queued', 0, 2, ''],
      ['ringing', 2, 3, 'agent1'],
      ['talking', 3, 5, 'agent1'],
      ['held', 5, 9, 'agent1'],
      ['talking', 9, 12, 'agent1'],
    ])
    expect(line.marks.filter((mark) => mark.kind === 'missed')).toHaveLength(1)
  })

  it('goes on with whoever got the call: asked before, or sent there to ring', () => {
    const target = { kind: 'agent', agent: 'agent2' }
    const answered = [...begun, event('call.answered', 103, { agent: 'agent1' })]
    const asked = timelineOf([
      ...answered,
      event('party.invited', 104, { party: 2, role: 'consulted', target }),
      event('call.offered', 104, { agent: 'agent2' }),
      event('call.offer_ended', 105, { agent: 'agent2', outcome: 'answered' }),
      event('call.transferred', 106, { kind: 'consult', by: 'agent1', target }),
      event('call.ended', 110, { by: 'caller' }),
    ])
    expect(asked.stretches.slice(-2).map(({ phase, to, agent }) => [phase, to, agent])).toEqual([
      ['talking', 6, 'agent1'],
      ['talking', 10, 'agent2'],
    ])
    const sent = timelineOf([
      ...answered,
      event('party.invited', 104, { party: 2, role: 'agent', target }),
      event('call.offered', 104, { agent: 'agent2' }),
      event('call.offer_ended', 106, { agent: 'agent2', outcome: 'answered' }),
      event('call.ended', 110, { by: 'caller' }),
    ])
    expect(sent.stretches.slice(-2).map(({ phase, to, agent }) => [phase, to, agent])).toEqual([
      ['ringing', 6, 'agent2'],
      ['talking', 10, 'agent2'],
    ])
  })

  it('goes on until now while the call does', () => {
    expect(timelineOf(begun, 112).seconds).toBe(12)
    expect(timelineOf(begun, 112).hungUpBy).toBe('')
  })

  it('puts events in order that came out of order, and draws nothing of nothing', () => {
    const line = timelineOf([event('call.ended', 103, { by: 'network' }), ...begun])
    expect(line.stretches.at(-1)).toMatchObject({ phase: 'ringing', to: 3 })
    expect(timelineOf([])).toMatchObject({ seconds: 1, stretches: [], marks: [] })
  })
})

it('gives the axis at most eight ticks', () => {
  for (const seconds of [1, 9, 34, 75, 400, 4000, 20_000]) expect(seconds / tickStep(seconds)).toBeLessThan(8)
})
