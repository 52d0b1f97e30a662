import { describe, expect, it } from 'vitest'
import { newCall, withFact, type LiveCall } from './livecall'
import { asLeft, isWith, ringsAt } from './mine'
import { callFrom } from './snapshot'
import type { CallFact } from './types'

const CALL = '01a20095-2664-78eb-a283-ec4d0b3b0ac8'

function fact(type: CallFact['type'], at: number, fields: Record<string, unknown> = {}): CallFact {
  return { type, node: 'phone1', sequence: at, at, call: CALL, ...fields } as unknown as CallFact
}

const after = (...facts: CallFact[]): LiveCall => facts.reduce(withFact, newCall(CALL, 100))

const talking = [
  fact('call.started', 100, { direction: 'inbound', line: 'trunk', number: '138****1001' }),
  fact('call.offered', 101, { agent: 'a', offer: 1, number: '138****1001', line: 'trunk' }),
  fact('call.answered', 105, { agent: 'a', caller_rings: 1, agent_rings: 1, within_three_rings: true }),
  fact('party.joined', 105, { party: 0, role: 'caller', number: '138****1001' }),
  fact('party.joined', 105, { party: 1, role: 'agent', agent: 'a' }),
  fact('call.audio', 105, { hears: { 0: [1], 1: [0] } }),
]
const asking = [
  ...talking,
  fact('call.held', 110, { by: 'agent' }),
  fact('party.invited', 110, {
    party: 2,
    role: 'consulted',
    by: 'a',
    target: { kind: 'agent', agent: 'b', name: '周宁' },
  }),
  fact('call.audio', 110, { hears: { 0: [], 1: [] } }),
]
const asked = [
  ...asking,
  fact('party.joined', 115, { party: 2, role: 'consulted', agent: 'b' }),
  fact('call.audio', 115, { hears: { 0: [], 1: [2], 2: [1] } }),
]
const groups = (call: LiveCall) => call.parties.map((one) => `${one.party}:${one.group}`)

describe('a call of several', () => {
  it('keeps the caller apart, held since then, while somebody is asked', () => {
    const call = after(...asking)
    expect(groups(call)).toEqual(['0:main', '1:side', '2:side'])
    expect(call.heldAt).toBe(110)
    expect([ringsAt(call, 'b'), ringsAt(call, 'a'), isWith(call, 'b')]).toEqual([true, false, true])
    expect(call.parties[2]).toMatchObject({ name: '周宁', by: 'a', state: 'ringing' })
  })

  it('follows the agent who changes over by who hears whom', () => {
    const call = after(
      ...asked,
      fact('call.resumed', 120, { by: 'agent' }),
      fact('call.audio', 120, { hears: { 0: [1], 1: [0], 2: [] } }),
    )
    expect(groups(call)).toEqual(['0:main', '1:main', '2:side'])
    expect(call.heldAt).toBeNull()
  })

  it('does not take a muted agent for one who has left the caller', () => {
    const call = after(
      ...talking,
      fact('call.muted', 106, { agent: 'a', muted: true }),
      fact('call.audio', 106, { hears: { 0: [], 1: [0] } }),
    )
    expect(call.heldAt).toBeNull()
    expect(call.parties[1]?.muted).toBe(true)
  })

  it('does not let an offer to the one who is asked end the talk of the others', () => {
    const call = after(
      ...asking,
      fact('call.offered', 111, { agent: 'b', offer: 2, number: '', line: 'trunk' }),
    )
    expect([call.stage, call.agent, call.answeredAt]).toEqual(['talking', 'a', 105])
  })

  it('says whose headset is away, and why, until it is back', () => {
    const gone = fact('party.away', 110, { party: 1, agent: 'a', away: true, reason: 'unplugged', limit: 0 })
    const away = after(...talking, gone)
    expect(away.parties.map((one) => one.away)).toEqual(['', 'unplugged'])
    const back = withFact(away, fact('party.away', 115, { party: 1, agent: 'a', away: false, reason: '' }))
    expect(back.parties[1]?.away).toBe('')
  })

  it('is the call of whom it was given to, and over for who gave it', () => {
    const call = after(
      ...asked,
      fact('party.left', 130, { party: 1, by: 'agent' }),
      fact('party.role', 130, { party: 2, role: 'agent' }),
      fact('call.audio', 130, { hears: { 0: [2], 2: [0] } }),
    )
    expect([call.agent, call.stage]).toEqual(['b', 'talking'])
    expect([isWith(call, 'a'), isWith(call, 'b')]).toEqual([false, true])
    expect(asLeft(call, 'a')).toMatchObject({ stage: 'ended', endedAt: 130 })
    expect(asLeft(call, 'b')).toBe(call)
    expect(call.left['a']).toEqual({ at: 130, role: 'agent' })
  })

  it('is talked in again when an agent takes it from the queue after a transfer', () => {
    const call = after(
      ...talking,
      fact('party.left', 120, { party: 1, by: 'agent' }),
      fact('call.queued', 120, { queue: 'vip', position: 0 }),
      fact('call.offered', 121, { agent: 'b', offer: 2, number: '', line: 'trunk' }),
      fact('call.offer_ended', 124, { agent: 'b', offer: 2, outcome: 'answered', rings: 1 }),
      fact('party.joined', 124, { party: 2, role: 'agent', agent: 'b' }),
    )
    expect([call.stage, call.agent, call.answeredAt]).toEqual(['talking', 'b', 105])
  })

  it('does not count who only listens among those who hear the caller', () => {
    const call = after(
      ...talking,
      fact('party.joined', 120, { party: 2, role: 'listener', agent: 's' }),
      fact('call.audio', 121, { hears: { 0: [], 1: [], 2: [0] } }),
    )
    expect(call.heldAt).toBe(121)
  })

  it('keeps its private flag with its beginning, and its marks after the end', () => {
    const call = after(
      ...talking,
      fact('call.private', 120, { agent: 'a', private: true }),
      fact('call.private', 125, { agent: 'a', private: true }),
      fact('call.ended', 130, { by: 'caller', sip_status: 200, reason: '' }),
      fact('call.marked', 140, { by: 'a', mark: 'wrong_transfer' }),
    )
    expect([call.privateAt, call.marks]).toEqual([120, ['wrong_transfer']])
  })
})

it('reads parties, times and the place in the queue from a snapshot', () => {
  const call = callFrom(
    {
      call: CALL,
      direction: 'inbound',
      phase: 'held',
      parties: [{ party: 0, role: 'caller', seconds: 30 }],
      private: true,
      private_seconds: 12,
      held_seconds: 7,
      talk_seconds: 30,
      priority: 50,
      can: { consult: false },
    },
    1000,
  )
  expect(call).toMatchObject({ privateAt: 988, heldAt: 993, priority: 50, can: { consult: false } })
  expect(call.parties[0]).toMatchObject({ role: 'caller', since: 970, state: 'joined', group: 'main' })
  const back = { call: CALL, direction: 'outbound', phase: 'queued', position: 2 } as const
  expect(callFrom(back, 1000)).toMatchObject({ stage: 'queued', callback: true, position: 2 })
})
