import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EventSocket, pauseBefore, type SocketHandlers, type SocketState } from './socket'

class Wire {
  static opened: Wire[] = []
  sent: string[] = []
  onopen: (() => void) | null = null
  onmessage: ((message: { data: unknown }) => void) | null = null
  onclose: ((closed: { code: number }) => void) | null = null
  closed = false

  constructor(readonly url: string) {
    Wire.opened.push(this)
  }
  send(text: string): void {
    this.sent.push(text)
  }
  close(): void {
    this.closed = true
  }
  says(frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) })
  }
}

const snapshot = { type: 'snapshot', calls: [], agents: [], lines: [], cursor: { phone1: 7 } }
const ring = { type: 'call.caller_ring', node: 'phone1', sequence: 9, at: 1, call: 'c', ring: 1 }

let states: SocketState[]
let events: unknown[]
let notices: unknown[]
let faults: string[]
let socket: EventSocket

function last(): Wire {
  const wire = Wire.opened.at(-1)
  if (!wire) throw new Error('no socket was opened')
  return wire
}

beforeEach(() => {
  vi.useFakeTimers()
  Wire.opened = []
  states = []
  events = []
  notices = []
  faults = []
  const handlers: SocketHandlers = {
    snapshot: (frame) => events.push(frame),
    event: (event) => events.push(event),
    notice: (frame) => notices.push(frame),
    state: (state) => states.push(state),
    fault: (reason) => faults.push(reason),
  }
  socket = new EventSocket(
    'ws://desk/ws/events',
    'console-1',
    handlers,
    (url) => new Wire(url) as unknown as WebSocket,
  )
  socket.connect()
  last().onopen?.()
})

afterEach(() => {
  socket.close()
  vi.useRealTimers()
})

describe('the console socket', () => {
  it('says hello with its console and, at first, from now', () => {
    expect(JSON.parse(last().sent[0] ?? '')).toEqual({ type: 'hello', console: 'console-1', after: {} })
  })

  it('resumes after a break from the last sequence of each node that it saw', () => {
    last().says(snapshot)
    last().says(ring)
    last().onclose?.({ code: 1006 })
    expect(states.at(-1)).toBe('lost')
    vi.advanceTimersByTime(10_000)
    expect(Wire.opened).toHaveLength(2)
    last().onopen?.()
    expect(JSON.parse(last().sent[0] ?? '')).toMatchObject({ after: { phone1: 9 } })
    last().says(snapshot)
    expect(states.at(-1)).toBe('open')
  })

  it('never goes back behind what it saw, whatever a snapshot says', () => {
    last().says(ring)
    last().says(snapshot)
    expect(socket.cursor).toEqual({ phone1: 9 })
  })

  it('stays away for good once a newer console took over, told by frame or by close code', () => {
    last().says({ type: 'replaced' })
    expect(states.at(-1)).toBe('replaced')
    vi.advanceTimersByTime(60_000)
    expect(Wire.opened).toHaveLength(1)

    socket.connect()
    last().onclose?.({ code: 4001 })
    expect(states.at(-1)).toBe('replaced')
    vi.advanceTimersByTime(60_000)
    expect(Wire.opened).toHaveLength(2)
  })

  it('does not come back by itself when it is signed out', () => {
    last().onclose?.({ code: 4003 })
    expect(states.at(-1)).toBe('closed')
    vi.advanceTimersByTime(60_000)
    expect(Wire.opened).toHaveLength(1)
  })

  it.each(['{', '[]', 'null', '{"no":"type"}', '{"type":5}'])(
    'survives the frame %s and tells of it',
    (frame) => {
      last().says(frame)
      expect(faults).toHaveLength(1)
      last().says(ring)
      expect(events).toContainEqual(ring)
    },
  )

  it('hands on what the web process says of itself, and leaves what it does not know', () => {
    last().says({ type: 'phone', connected: false })
    last().says({ type: 'rules', rules: { three_rings: 4 } })
    last().says({ type: 'novelty' })
    expect(notices).toEqual([
      { type: 'phone', connected: false },
      { type: 'rules', rules: { three_rings: 4 } },
    ])
    expect(events).toEqual([])
  })

  it('comes back at once for a fresh snapshot, deaf to what the old connection still says', () => {
    last().says(snapshot)
    const old = last()
    socket.renew()
    expect(old.closed).toBe(true)
    expect(Wire.opened).toHaveLength(2)
    old.says({ type: 'replaced' })
    old.onclose?.({ code: 4001 })
    last().onopen?.()
    expect(JSON.parse(last().sent[0] ?? '')).toMatchObject({ after: { phone1: 7 } })
    last().says(snapshot)
    expect(states.at(-1)).toBe('open')
  })

  it('tries again at once when it is asked to, and not twice', () => {
    last().onclose?.({ code: 1006 })
    socket.retryNow()
    expect(Wire.opened).toHaveLength(2)
    socket.retryNow()
    vi.advanceTimersByTime(60_000)
    expect(Wire.opened).toHaveLength(2)
  })
})

describe('the pause before a new try', () => {
  it('doubles from a quarter of a second to eight, spread over its upper half', () => {
    expect(pauseBefore(0, () => 1)).toBe(250)
    expect(pauseBefore(3, () => 1)).toBe(2000)
    expect(pauseBefore(40, () => 1)).toBe(8000)
    expect(pauseBefore(40, () => 0)).toBe(4000)
  })
})
