import { expect, it } from 'vitest'
import { callFrom, type CallMap } from './snapshot'

const ringing: CallMap = {
  call: 'c1',
  direction: 'inbound',
  phase: 'ringing',
  line: 'trunk',
  number: '13800001001',
  agent: 'agent1',
  caller_rings: 2,
  agent_rings: 1,
  seconds: 6,
  talk_seconds: 0,
}

it('reads a call that rings, its times set back from the snapshot', () => {
  expect(callFrom(ringing, 1000)).toMatchObject({
    stage: 'offered',
    startedAt: 994,
    answeredAt: null,
    callerRings: 2,
    agentRings: 1,
    heldBy: [],
  })
})

it('reads a held call as one that talks and is held', () => {
  const call = callFrom({ ...ringing, phase: 'held', held_by: ['agent'], muted: true, talk_seconds: 4 }, 1000)
  expect(call).toMatchObject({ stage: 'talking', answeredAt: 996, heldBy: ['agent'], muted: true })
})

it('knows that it is the caller who holds, so that the agent is not offered to take the call back', () => {
  const call = callFrom({ ...ringing, phase: 'held', held_by: ['caller'], talk_seconds: 4 }, 1000)
  expect(call).toMatchObject({ heldBy: ['caller'], heldAt: 1000 })
})

it('tells an outbound call that rings there from one that is only dialled', () => {
  const dialled: CallMap = { call: 'c2', direction: 'outbound', phase: 'dialling' }
  expect(callFrom(dialled, 1000).stage).toBe('dialling')
  expect(callFrom({ ...dialled, caller_rings: 1 }, 1000).stage).toBe('ringing')
})
