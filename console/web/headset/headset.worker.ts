/**
 * Owns the headset socket and the codec. Audio goes worklet ↔ worker ↔ socket and never through the page.
 *
 * Its timers run in background tabs too, where a page's are throttled; so the pause before a reconnect is counted here.
 */
import { decode } from './g711'
import { parseFrame } from './frame'
import type { HeadsetStats } from './headset_events'
import type {
  CaptureToWorker,
  PageToWorker,
  PlaybackToWorker,
  WorkerToPage,
  WorkerToPlayback,
} from './messages'
import { Outbound } from './outbound'
import { parsePhoneMessage, type PhoneMessage } from './phone_message'

const ASK_PAGE_MS = 250
/** A second of audio that the network does not take: what is newer is dropped, so that it does not come stale. */
const MAX_UNSENT_BYTES = 50 * 168
const STATS_MS = 1000
const NORMAL_CLOSURE = 1000
/** The phone says welcome at once; one that probes does so each second. Longer silence is a dead connection. */
const WELCOME_WITHIN_MS = 8000
const SILENT_AFTER_MS = 5000

interface Call {
  id: string
  outbound: Outbound
}

class HeadsetLink {
  private socket: WebSocket | null = null
  private playback: MessagePort | null = null
  private call: Call | null = null
  private muted = false
  private sent = 0
  private mic = 0
  private stats: HeadsetStats | null = null
  private statsAt = 0
  private pageRanAt = performance.now()
  private heardAt = 0
  /** Silence that means a dead connection, at this point of its life. */
  private patience = WELCOME_WITHIN_MS
  private retry: ReturnType<typeof setTimeout> | undefined
  /** One notice for each kind of nonsense on a socket, not fifty a second. */
  private complained = new Set<string>()

  constructor(private readonly tell: (message: WorkerToPage) => void) {
    setInterval(() => {
      this.tell({ type: 'ask_alive' })
      this.watch()
    }, ASK_PAGE_MS)
  }

  order(message: PageToWorker): void {
    this.pageRanAt = performance.now()
    switch (message.type) {
      case 'page_alive':
        break
      case 'ports':
        this.playback = message.playback
        message.capture.onmessage = (event: MessageEvent<CaptureToWorker>) => this.captured(event.data)
        message.playback.onmessage = (event: MessageEvent<PlaybackToWorker>) => this.played(event.data)
        break
      case 'connect':
        this.connect(message.url, message.token)
        break
      case 'retry_after':
        clearTimeout(this.retry)
        this.retry = setTimeout(() => this.tell({ type: 'retry_due' }), message.delayMs)
        break
      case 'mute':
        this.setMuted(message.muted)
        break
      case 'microphone':
        if (this.socket?.readyState === WebSocket.OPEN)
          this.socket.send(JSON.stringify({ type: 'microphone', present: message.present }))
        break
      case 'disconnect':
        this.disconnect()
        break
      case 'end':
        this.disconnect()
        // Ends once the closing frame is out.
        setTimeout(() => close(), 1000)
        break
    }
  }

  private connect(url: string, token: string): void {
    this.disconnect()
    let socket: WebSocket
    try {
      const address = new URL(url)
      address.searchParams.set('token', token)
      socket = new WebSocket(address)
    } catch (error) {
      this.tell({ type: 'closed', code: 0, detail: String(error) })
      return
    }
    socket.binaryType = 'arraybuffer'
    this.socket = socket
    this.heardAt = performance.now()
    this.patience = WELCOME_WITHIN_MS
    this.complained.clear()
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.heard(socket, event.data)
    socket.onclose = (event) => {
      if (socket !== this.socket) return
      this.dropped(event.code, event.reason)
    }
  }

  /** A connection can die without a word; the browser would notice minutes later. */
  private watch(): void {
    const { socket } = this
    const silence = performance.now() - this.heardAt
    if (socket === null || silence < this.patience) return
    this.dropped(0, `nothing heard for ${Math.round(silence)} ms`)
    socket.close()
  }

  private dropped(code: number, detail: string): void {
    this.socket = null
    this.endCall('lost')
    this.tell({ type: 'closed', code, detail })
  }

  private disconnect(): void {
    clearTimeout(this.retry)
    const { socket } = this
    this.socket = null
    socket?.close(NORMAL_CLOSURE)
    this.endCall('lost')
  }

  private heard(socket: WebSocket, data: string | ArrayBuffer): void {
    if (socket !== this.socket) return
    this.heardAt = performance.now()
    try {
      if (typeof data === 'string') this.obey(parsePhoneMessage(data))
      else this.received(data)
    } catch (error) {
      this.complain(`from the phone: ${String(error)}`)
    }
  }

  private obey(message: PhoneMessage | null): void {
    switch (message?.type) {
      case 'welcome':
        this.patience = Infinity
        this.tell({ type: 'opened', agent: message.agent })
        break
      case 'start':
        this.startCall(message)
        break
      case 'stop':
        if (this.call?.id === message.call) this.endCall('stopped')
        break
      case 'mute':
        this.setMuted(message.muted)
        break
      case 'probe':
        this.answerProbe(message.n)
        break
      case 'ring':
        this.tell({ type: 'ring', call: message.call, on: message.on })
        break
      // The close code 4001 that follows says the same; a type that a newer phone knows is passed over.
      case 'replaced':
      case undefined:
        break
    }
  }

  private startCall(start: Extract<PhoneMessage, { type: 'start' }>): void {
    if (this.call !== null && this.call.id !== start.call) this.endCall('stopped')
    if (this.call === null) {
      this.play({ type: 'reset' })
      this.sent = 0
    }
    const [sequence, timestamp] = crypto.getRandomValues(new Uint32Array(2))
    const outbound = new Outbound(start.payloadType, (sequence ?? 0) & 0xffff, timestamp ?? 0)
    this.call = { id: start.call, outbound }
    const { call, direction, payloadType } = start
    this.tell({ type: 'call_started', call, direction, payloadType })
  }

  private endCall(reason: 'stopped' | 'lost'): void {
    const { call } = this
    if (call === null) return
    this.call = null
    this.play({ type: 'reset' })
    // A mute is one call's; the next caller must not meet a dead microphone.
    if (reason === 'stopped') this.setMuted(false)
    this.tell({ type: 'call_stopped', call: call.id, reason })
  }

  private setMuted(muted: boolean): void {
    if (muted === this.muted) return
    this.muted = muted
    this.tell({ type: 'muted', muted })
  }

  private answerProbe(n: number): void {
    this.patience = SILENT_AFTER_MS
    const pageAge = Math.round(performance.now() - this.pageRanAt)
    const stats = { ...this.stats, muted: this.muted }
    this.socket?.send(JSON.stringify({ type: 'alive', n, page_age_ms: pageAge, stats }))
  }

  private captured(samples: CaptureToWorker): void {
    let power = 0
    for (const value of samples) power += value * value
    this.mic = Math.sqrt(power / samples.length)
    const { call, socket } = this
    if (call === null || socket?.readyState !== WebSocket.OPEN) return
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) {
      call.outbound.skip()
      this.complain('the network takes no audio')
      return
    }
    socket.send(call.outbound.packet(samples, this.muted, performance.now()))
    this.sent += 1
  }

  private received(data: ArrayBuffer): void {
    const { payloadType, marker, sequence, timestamp, payload } = parseFrame(data)
    if (this.call === null) return
    const samples = decode(payload, payloadType)
    this.play({ type: 'packet', sequence, timestamp, marker, samples })
  }

  private play(message: WorkerToPlayback): void {
    if (message.type === 'packet') this.playback?.postMessage(message, [message.samples.buffer])
    else this.playback?.postMessage(message)
  }

  private played(report: PlaybackToWorker): void {
    this.tell({ type: 'level', mic: this.mic, ear: report.ear })
    this.stats = { ...report.figures, sent: this.sent }
    const now = performance.now()
    if (now - this.statsAt < STATS_MS) return
    this.statsAt = now
    this.tell({ type: 'stats', stats: this.stats })
  }

  private complain(message: string): void {
    if (this.complained.has(message) || this.complained.size > 20) return
    this.complained.add(message)
    this.tell({ type: 'trouble', message })
  }
}

const link = new HeadsetLink((message) => postMessage(message))
onmessage = (event: MessageEvent<PageToWorker>) => link.order(event.data)
