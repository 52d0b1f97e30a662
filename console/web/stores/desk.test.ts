import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { newCall } from '@/events/livecall'
import type { CallFact, DeskEvent } from '@/events/types'
import { useCalls } from './calls'
import { GUARD_MS, useDesk } from './desk'
import { useFloor } from './floor'
import { useSession } from './session'

const asked = vi.fn<(path: string, init: RequestInit) => Promise<Response>>()
let sequence = 0

/** An event comes in, as the stream would hand it on. */
function comes(type: DeskEvent['type'], fields: Record<string, unknown>, at = 100): void {
  sequence += 1
  const event = { type, at, node: 'n', sequence, ...fields } as unknown as DeskEvent
  if (event.type === 'agent.state') useFloor().agentState(event)
  else useCalls().apply(event as CallFact)
  useDesk().heard(event)
}

const paths = () => asked.mock.calls.map(([path, init]) => `${init.method} ${path}`)

function rings(call = 'c1', pop: unknown = null): void {
  comes('call.started', { call, direction: 'inbound', line: 'trunk', number: '13800001001' })
  comes('call.offered', { call, agent: 'agent1', offer: 1, number: '13800001001', line: 'trunk', pop })
  comes('agent.state', { agent: 'agent1', status: 'ringing', call })
}

function talks(call = 'c1'): void {
  comes('call.answered', {
    call,
    agent: 'agent1',
    codec: 'PCMA',
    caller_rings: 1,
    agent_rings: 1,
    wait_seconds: 3,
  })
  comes('agent.state', { agent: 'agent1', status: 'talking', call })
}

beforeEach(() => {
  vi.useFakeTimers()
  asked.mockReset()
  asked.mockImplementation(() => Promise.resolve(new Response('{}', { status: 200 })))
  vi.stubGlobal('fetch', asked)
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined })
  setActivePinia(createPinia())
  useSession().user = { username: 'agent1', display_name: '坐席一', role: 'agent', locale: 'zh-CN' }
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('my desk', () => {
  it('sends keyed digits one after another, also past one that was refused', async () => {
    const desk = useDesk()
    rings()
    talks()
    const answers: ((response: Response) => void)[] = []
    asked.mockReset()
    asked.mockImplementation(() => new Promise((answer) => answers.push(answer)))
    const first = desk.sendDigits('5').catch((error: unknown) => error)
    const second = desk.sendDigits('#')
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1))
    answers[0]?.(new Response('{}', { status: 409 }))
    expect(await first).toBeInstanceOf(Error)
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2))
    answers[1]?.(new Response('{}', { status: 200 }))
    await second
    expect(asked.mock.calls.map(([, init]) => init.body)).toEqual(['{"digits":"5"}', '{"digits":"#"}'])
  })

  it('learns from the log what a reload in mid-call forgot: whose call it is, and that it is recorded', async () => {
    const desk = useDesk()
    const now = 100
    useCalls().reset([{ ...newCall('c1', now), stage: 'talking', agent: 'agent1', answeredAt: now }], now)
    const row = { id: 'c1', ended_at: null, patient_id: 'p7', recording: { id: 'r', state: 'capturing' } }
    asked.mockImplementation(() => Promise.resolve(new Response(JSON.stringify(row), { status: 200 })))
    await desk.recallCall()
    expect(paths()).toEqual(['GET /api/calls/c1'])
    expect(desk.current).toMatchObject({ patientId: 'p7', recording: 'running' })
    await desk.recallCall()
    expect(paths()).toHaveLength(1)
  })

  it('keeps the patient of a call over a snapshot that does not name one', () => {
    rings()
    talks()
    const calls = useCalls()
    calls.keep({ ...newCall('c1', 100), stage: 'talking', agent: 'agent1', answeredAt: 100, patientId: 'p7' })
    calls.reset([{ ...newCall('c1', 100), stage: 'talking', agent: 'agent1', answeredAt: 100 }], 100)
    expect(useDesk().current?.patientId).toBe('p7')
  })

  it("stays mine when the session ends in the middle of it, and is nobody's when it ends outside of one", () => {
    const desk = useDesk()
    const session = useSession()
    rings()
    talks()
    session.lost(desk.current !== null)
    expect(session.expired).toBe(true)
    expect(desk.current?.id).toBe('c1')
    session.lost()
    expect(session.user).toBeNull()
    expect(desk.current).toBeNull()
  })

  it('shows the call that rings at me and answers it', async () => {
    const desk = useDesk()
    rings()
    expect(desk.ringing?.id).toBe('c1')
    await desk.answer()
    expect(paths()).toEqual(['POST /api/calls/c1/answer'])
  })

  it('does not take a call that rings at another desk for mine', () => {
    comes('call.started', { call: 'c9', direction: 'inbound', line: 'trunk', number: '1' })
    comes('call.offered', { call: 'c9', agent: 'agent2', offer: 1, number: '1', line: 'trunk' })
    expect(useDesk().current).toBeNull()
  })

  it('hangs up on a caller only at the second press (D6)', async () => {
    const desk = useDesk()
    rings()
    talks()
    expect(await desk.hangUp()).toBe(false)
    expect(desk.guarded).toBe(true)
    expect(paths()).not.toContain('POST /api/calls/c1/hangup')
    expect(await desk.hangUp()).toBe(true)
    expect(paths()).toContain('POST /api/calls/c1/hangup')
  })

  it('forgets the first press after a while', async () => {
    const desk = useDesk()
    rings()
    talks()
    await desk.hangUp()
    vi.advanceTimersByTime(GUARD_MS + 1)
    expect(desk.guarded).toBe(false)
    expect(await desk.hangUp()).toBe(false)
  })

  it('takes back a call that I dialled at the first press', async () => {
    const desk = useDesk()
    comes('call.started', {
      call: 'c2',
      direction: 'outbound',
      line: 'trunk',
      number: '10086',
      agent: 'agent1',
    })
    expect(desk.current?.stage).toBe('dialling')
    expect(await desk.hangUp()).toBe(true)
  })

  it('says what became of a number that was busy, until it is put away', () => {
    const desk = useDesk()
    comes('call.started', {
      call: 'c2',
      direction: 'outbound',
      line: 'trunk',
      number: '10086',
      agent: 'agent1',
    })
    comes('call.ended', { call: 'c2', by: 'caller', sip_status: 486, reason: 'Busy Here', agent: 'agent1' })
    expect(desk.failed).toBe('busy')
    desk.putAway()
    expect(desk.failed).toBeNull()
  })

  it('tells of a call that I missed, and not of one that I rejected', () => {
    const desk = useDesk()
    rings()
    comes('call.offer_ended', { call: 'c1', agent: 'agent1', offer: 1, outcome: 'rejected', rings: 1 })
    expect(desk.missed).toBeNull()
    rings('c3')
    comes('call.offer_ended', { call: 'c3', agent: 'agent1', offer: 1, outcome: 'caller_gone', rings: 2 })
    expect(desk.missed).toMatchObject({ outcome: 'caller_gone' })
    expect(desk.shown).toBeNull()
  })

  it('links the only patient of the number at the answer, and none of several', async () => {
    const pop = {
      number: '1',
      masked: '1',
      kind: 'mobile',
      region: '',
      region_en: '',
      match: 'one',
      patients: [{ id: 'p1', name: '张三' }],
    }
    rings('c1', pop)
    talks()
    await vi.runAllTimersAsync()
    expect(paths()).toContain('POST /api/calls/c1/patient')
    expect(useCalls().get('c1')?.patientId).toBe('p1')
    asked.mockClear()
    comes('call.ended', { call: 'c1', by: 'caller', sip_status: 200, reason: '', agent: 'agent1' })
    rings('c4', { ...pop, match: 'several', patients: [...pop.patients, { id: 'p2', name: '李四' }] })
    talks('c4')
    await vi.runAllTimersAsync()
    expect(paths()).toEqual([])
  })

  it('keeps the state that I chose during a call for after it', async () => {
    const desk = useDesk()
    rings()
    talks()
    await desk.setState('not_ready', 'meal')
    expect(desk.nextState).toBe('not_ready')
    comes('agent.state', { agent: 'agent1', status: 'not_ready', reason: 'meal' })
    expect(desk.nextState).toBeNull()
  })
})
