import { describe, expect, it } from 'vitest'
import { isLate, newCall, withFact, type LiveCall } from './livecall'
import type { CallFact } from './types'

const CALL = '01a20095-2664-78eb-a283-ec4d0b3b0ac8'
let sequence = 0

/** A fact of the call at second `at`, its further fields as the server would send them. */
function fact(type: CallFact['type'], at: number, fields: Record<string, unknown> = {}): CallFact {
  sequence += 1
  return { type, node: 'phone1', sequence, at, call: CALL, ...fields } as unknown as CallFact
}

function after(...facts: CallFact[]): LiveCall {
  return facts.reduce(withFact, newCall(CALL, facts[0]?.at ?? 0))
}

const started = fact('call.started', 100, { direction: 'inbound', line: 'trunk', number: '13800001001' })
const offered = fact('call.offered', 101, {
  agent: 'agent1',
  offer: 1,
  number: '13800001001',
  line: 'trunk',
  caller_rings: 1,
  pop: {
    number: '+8613800001001',
    masked: '138****1001',
    kind: 'mobile',
    region: '',
    region_en: '',
    patients: [],
    match: 'none',
  },
})
const answered = fact('call.answered', 107, {
  agent: 'agent1',
  codec: 'PCMA',
  caller_rings: 2,
  agent_rings: 2,
  within_three_rings: true,
  wait_seconds: 7,
})

describe('an inbound call', () => {
  it('rings at the agent it is offered to, with its pop', () => {
    const call = after(started, offered)
    expect(call).toMatchObject({ stage: 'offered', agent: 'agent1', offeredAt: 101, callerRings: 1 })
    expect(call.pop?.masked).toBe('138****1001')
  })

  it('counts rings of the caller and of the agent apart, and never backwards', () => {
    const call = after(
      started,
      offered,
      fact('call.caller_ring', 105, { ring: 2 }),
      fact('call.agent_ring', 106, { agent: 'agent1', ring: 2 }),
      fact('call.caller_ring', 105.5, { ring: 1 }),
    )
    expect([call.callerRings, call.agentRings]).toEqual([2, 2])
  })

  it('waits from its place in a queue on: neither in a menu before it nor with the voice mail after it', () => {
    const call = after(started)
    expect(call.stage).toBe('menu')
    const waits = withFact(call, fact('call.queued', 101, { queue: 'vip', position: 2 }))
    expect(waits).toMatchObject({ stage: 'queued', queue: 'vip', position: 2 })
    const gone = withFact(
      waits,
      fact('call.dequeued', 160, { queue: 'vip', why: 'voicemail', waited_seconds: 59 }),
    )
    expect(gone).toMatchObject({ stage: 'menu', position: 0 })
  })

  it('is with somebody else once a menu has sent it on, and back in the menu when they do not come', () => {
    const target = { kind: 'number', number: '8012' }
    const sent = after(started, fact('party.invited', 102, { party: 1, role: 'member', by: '', target }))
    expect(sent.stage).toBe('talking')
    const failed = { kind: 'routed', by: '', target, sip_status: 486, reason: 'Busy Here' }
    expect(withFact(sent, fact('call.transfer_failed', 110, { ...failed, returned_to: 'menu' })).stage).toBe(
      'menu',
    )
  })

  it('does not count the rings at another desk', () => {
    expect(
      after(started, offered, fact('call.agent_ring', 103, { agent: 'agent2', ring: 3 })).agentRings,
    ).toBe(0)
  })

  it('goes back to the queue when the agent does not answer, keeping the rings of the caller', () => {
    const call = after(
      started,
      offered,
      fact('call.caller_ring', 116, { ring: 4 }),
      fact('call.offer_ended', 116, { agent: 'agent1', offer: 1, outcome: 'no_answer', rings: 3 }),
    )
    expect(call).toMatchObject({
      stage: 'queued',
      agent: '',
      agentRings: 0,
      callerRings: 4,
      missed: 'no_answer',
    })
  })

  it('talks, is muted, is held by both sides, and is free only when both resumed', () => {
    let call = after(started, offered, answered, fact('call.muted', 108, { agent: 'agent1', muted: true }))
    expect(call).toMatchObject({ stage: 'talking', answeredAt: 107, muted: true })
    call = withFact(call, fact('call.held', 110, { by: 'agent' }))
    call = withFact(call, fact('call.held', 111, { by: 'caller' }))
    expect(call.heldBy).toEqual(['agent', 'caller'])
    call = withFact(call, fact('call.resumed', 112, { by: 'agent' }))
    expect(call).toMatchObject({ heldBy: ['caller'], heldAt: 110 })
    call = withFact(call, fact('call.resumed', 113, { by: 'caller' }))
    expect(call).toMatchObject({ heldBy: [], heldAt: null })
  })

  it('knows who hung up first, and nothing but the record changes after the end', () => {
    const ended = after(
      started,
      offered,
      answered,
      fact('call.ended', 130, {
        by: 'caller',
        sip_status: 200,
        reason: '',
        talk_seconds: 23,
        agent: 'agent1',
      }),
    )
    expect(ended).toMatchObject({ stage: 'ended', hungUpBy: 'caller', talkSeconds: 23, muted: false })
    expect(withFact(ended, fact('call.held', 131, { by: 'agent' }))).toBe(ended)
    expect(
      withFact(ended, fact('call.patient_linked', 132, { patient_id: 'p1', by: 'agent1' })).patientId,
    ).toBe('p1')
  })

  it('takes an event that this console has no word for as no change', () => {
    const call = after(started)
    expect(withFact(call, fact('call.something_new' as CallFact['type'], 101))).toBe(call)
  })
})

describe('an outbound call', () => {
  const dialled = fact('call.started', 10, {
    direction: 'outbound',
    line: 'trunk',
    number: '10086',
    agent: 'agent1',
  })

  it('is dialled, rings there, and ends with the status that tells why', () => {
    let call = after(dialled)
    expect(call.stage).toBe('dialling')
    call = withFact(call, fact('call.progress', 10.2, { sip_status: 100 }))
    expect(call.stage).toBe('dialling')
    call = withFact(call, fact('call.progress', 11, { sip_status: 180 }))
    expect(call.stage).toBe('ringing')
    call = withFact(call, fact('call.ended', 15, { by: 'caller', sip_status: 486, reason: 'Busy Here' }))
    expect(call).toMatchObject({ stage: 'ended', sipStatus: 486, answeredAt: null })
  })
})

describe('late', () => {
  it('is the fourth ring of the caller, until the server has judged the answer', () => {
    expect(isLate({ callerRings: 3, withinThreeRings: null }, 3)).toBe(false)
    expect(isLate({ callerRings: 4, withinThreeRings: null }, 3)).toBe(true)
    expect(isLate({ callerRings: 4, withinThreeRings: true }, 3)).toBe(false)
    expect(isLate({ callerRings: 1, withinThreeRings: false }, 3)).toBe(true)
  })
})
