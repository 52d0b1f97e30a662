/**
 * The console socket `/ws/events`: says hello with the last sequence seen of every node, so that nothing is missed
 * over a reconnect; comes back by itself with growing, jittered pauses; stops for good when another console of the
 * same user took over.
 */
import type { DeskEvent } from './types'

export type Cursor = Record<string, number>

/** `connecting` before the first snapshot, `lost` while it tries to come back, `replaced` and `closed` are final. */
export type SocketState = 'connecting' | 'open' | 'lost' | 'replaced' | 'closed'

export interface Snapshot {
  type: 'snapshot'
  at?: number
  /** False while the web process does not reach the phone process. */
  phone?: boolean
  user?: unknown
  agent?: unknown
  calls: unknown[]
  agents: unknown[]
  lines: unknown[]
  rules?: unknown
  queues?: unknown
  cursor?: Cursor
}

export type Notice =
  | { type: 'phone'; connected: boolean }
  | { type: 'rules'; rules: unknown }
  | { type: 'queues'; queues: unknown; given_up?: number }
  | { type: 'recording.finished'; call: string; state: 'ready' | 'failed' }

const NOTICES = new Set(['phone', 'rules', 'queues', 'recording.finished'])

export interface SocketHandlers {
  snapshot(snapshot: Snapshot): void
  event(event: DeskEvent): void
  /** Something that the web process says of itself, outside the event stream: see `Notice`. */
  notice(frame: Notice): void
  state(state: SocketState): void
  /** A frame that could not be read; it is dropped and told. */
  fault(reason: string): void
}

export const REPLACED_CODE = 4001
export const SIGNED_OUT_CODE = 4003
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 8000

/** Milliseconds before try number `attempt` (from 0): doubles up to 8 s, spread over half to the whole of it. */
export function pauseBefore(attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)
  return whole / 2 + (whole / 2) * random()
}

export class EventSocket {
  readonly cursor: Cursor = {}
  private socket: WebSocket | null = null
  private attempt = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private final = false

  constructor(
    private readonly url: string,
    private readonly consoleId: string,
    private readonly handlers: SocketHandlers,
    private readonly open: (url: string) => WebSocket = (address) => new WebSocket(address),
  ) {}

  connect(): void {
    this.final = false
    this.handlers.state(this.attempt === 0 ? 'connecting' : 'lost')
    const socket = this.open(this.url)
    this.socket = socket
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: 'hello', console: this.consoleId, after: this.cursor }))
    }
    socket.onmessage = (message: MessageEvent) => this.read(message.data as unknown)
    socket.onclose = (closed: CloseEvent) => this.closed(socket, closed.code)
  }

  /** Ends the connection without coming back. */
  close(): void {
    this.finish('closed')
  }

  /** Leaves and comes back for a fresh snapshot, with the cursor: nothing is missed. */
  renew(): void {
    if (this.final || !this.socket) return
    const socket = this.socket
    this.socket = null
    socket.onmessage = null
    socket.close()
    this.connect()
  }

  /** Tries again now, for example when the machine is online again or the page is looked at. */
  retryNow(): void {
    if (this.final || this.timer === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
    this.connect()
  }

  private finish(state: 'closed' | 'replaced'): void {
    this.final = true
    clearTimeout(this.timer)
    this.timer = undefined
    const socket = this.socket
    this.socket = null
    socket?.close()
    this.handlers.state(state)
  }

  private closed(socket: WebSocket, code: number): void {
    if (socket !== this.socket || this.final) return
    this.socket = null
    if (code === REPLACED_CODE) {
      this.finish('replaced')
      return
    }
    if (code === SIGNED_OUT_CODE) {
      this.finish('closed')
      return
    }
    this.handlers.state('lost')
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.connect()
    }, pauseBefore(this.attempt))
    this.attempt += 1
  }

  private read(data: unknown): void {
    let frame: unknown
    try {
      frame = JSON.parse(String(data))
    } catch {
      this.handlers.fault('not JSON')
      return
    }
    if (
      typeof frame !== 'object' ||
      frame === null ||
      typeof (frame as { type?: unknown }).type !== 'string'
    ) {
      this.handlers.fault('a frame without a type')
      return
    }
    const typed = frame as { type: string }
    if (typed.type === 'snapshot') {
      this.attempt = 0
      const snapshot = frame as Snapshot
      for (const [node, sequence] of Object.entries(snapshot.cursor ?? {})) this.seen(node, sequence)
      this.handlers.state('open')
      this.handlers.snapshot({
        ...snapshot,
        calls: snapshot.calls ?? [],
        agents: snapshot.agents ?? [],
        lines: snapshot.lines ?? [],
      })
      return
    }
    if (typed.type === 'replaced') {
      this.finish('replaced')
      return
    }
    if (NOTICES.has(typed.type)) {
      this.handlers.notice(frame as Notice)
      return
    }
    if (!typed.type.includes('.')) return
    const event = frame as DeskEvent
    this.seen(event.node, event.sequence)
    this.handlers.event(event)
  }

  private seen(node: string | undefined, sequence: number | undefined): void {
    if (!node || typeof sequence !== 'number') return
    this.cursor[node] = Math.max(this.cursor[node] ?? -1, sequence)
  }
}
