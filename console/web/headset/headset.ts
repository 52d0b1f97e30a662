/**
 * The headset in the page: microphone, earphone and the socket to the phone process.
 *
 *     const headset = new Headset({ renewTicket: () => api.headsetTicket() })   // {url, token}, or null: give up
 *     headset.on('state', (state) => …)          // see HeadsetState: off, starting, needs_gesture, connecting,
 *                                                //   connected, lost, replaced, denied, no_device, failed
 *     headset.on('callStarted', ({ call }) => …) // audio of this call runs; callStopped ends it
 *     headset.on('level', ({ mic, ear }) => …)   // RMS 0..1, about 15 a second
 *     headset.on('stats', (stats) => …)          // once a second
 *     await headset.connect(url, token)          // never rejects: what goes wrong is a state
 *     button.onclick = () => headset.resume()    // in the state needs_gesture only
 *     headset.startRing(); headset.stopRing()    // needs no connection, only that the page was clicked once
 *     headset.disconnect()
 *
 * It is a plain class without Vue: wrap it in a store. Audio, codec and socket run in worklets and in a worker, so that
 * neither a busy page nor a tab in the background disturbs a call.
 */
import { AudioEngine } from './audio_engine'
import { listDevices } from './devices'
import { Emitter } from './emitter'
import type {
  HeadsetDevices,
  HeadsetEvents,
  HeadsetState,
  HeadsetTicket,
  LostReason,
  MicrophoneProcessing,
} from './headset_events'
import HeadsetWorker from './headset.worker.ts?worker'
import type { PageToWorker, WorkerToPage } from './messages'
import { bufferSource, RingTone, testSamples } from './ring_tone'
import { retryDelay } from './retry_delay'

export type * from './headset_events'

/** Close codes of the headset socket. */
const REPLACED = 4001
const BAD_TOKEN = 4003

/** An audio context needs a moment to start; only after that its silence means that the browser wants a gesture. */
const START_GRACE_MS = 600

const DEFAULT_PROCESSING: MicrophoneProcessing = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
}

export interface HeadsetOptions {
  /** A fresh ticket for a reconnect; null: do not reconnect (signed out). A rejection is tried again later. */
  renewTicket: () => Promise<HeadsetTicket | null>
  processing?: Partial<MicrophoneProcessing>
  /** Rate that the audio engine asks the browser for, Hz. */
  rate?: number
}

export class Headset extends Emitter<HeadsetEvents> {
  private current: HeadsetState = { name: 'off' }
  private link: HeadsetState = { name: 'off' }
  private engine: AudioEngine | null = null
  private worker: Worker | null = null
  private ticket: HeadsetTicket | null = null
  private attempt = 0
  /** Grows with each connect and disconnect: what was begun before is then dropped. */
  private generation = 0
  private inputId = ''
  private outputId = ''
  private ringDeviceId: string | null = null
  private volume = 1
  private mutedNow = false
  private callNow: string | null = null
  private processing: MicrophoneProcessing
  private startGrace = false
  private readonly ring = new RingTone()
  /** Calls of which the phone said that they ring here. */
  private readonly rings = new Set<string>()
  private readonly onDeviceChange = (): void => void this.devicesChanged()

  constructor(private readonly options: HeadsetOptions) {
    super()
    this.processing = { ...DEFAULT_PROCESSING, ...options.processing }
  }

  get state(): HeadsetState {
    return this.current
  }

  get muted(): boolean {
    return this.mutedNow
  }

  /** The call whose audio runs. */
  get call(): string | null {
    return this.callNow
  }

  get ringing(): boolean {
    return this.ring.ringing
  }

  /** The microphone in use; empty while there is none. */
  get microphone(): string {
    return this.engine?.microphoneLabel ?? ''
  }

  /** The earphone's signal, for a meter or a measurement; null while the audio engine is off. */
  get earphone(): AudioNode | null {
    return this.engine?.earphone ?? null
  }

  /** Rate of the audio engine, Hz; 0 while it is off. */
  get rate(): number {
    return this.engine?.context.sampleRate ?? 0
  }

  /** Starts microphone and earphone, then the socket. A second connect replaces the first. Never rejects. */
  async connect(url: string, token: string): Promise<void> {
    this.teardown()
    const generation = this.generation
    this.ticket = { url, token }
    this.attempt = 0
    this.setLink({ name: 'starting' })
    this.mediaDevices()?.addEventListener('devicechange', this.onDeviceChange)
    await this.startEngine(generation)
  }

  /** Ends socket, microphone and earphone. */
  disconnect(): void {
    this.teardown()
    this.setLink({ name: 'off' })
  }

  /** To be called from a click or key while the state is `needs_gesture`. */
  async resume(): Promise<void> {
    await this.engine?.context.resume()
  }

  setMuted(muted: boolean): void {
    this.post({ type: 'mute', muted })
    if (this.worker === null) this.mutedChanged(muted)
  }

  /** `''`: the system's default. Kept for later connects. Rejects if the device cannot be opened (the old one stays). */
  async setInputDevice(id: string): Promise<void> {
    this.inputId = id
    if (this.engine !== null) await this.reopenMicrophone(this.engine)
  }

  /** `''`: the system's default. Rejects with NotSupportedError where outputs cannot be chosen. */
  async setOutputDevice(id: string): Promise<void> {
    await this.engine?.chooseOutput(id)
    this.outputId = id
  }

  /** Where it rings: an output's id, `''` the system's default, null (as at the start) the call's earphone. */
  setRingDevice(id: string | null): void {
    this.ringDeviceId = id
  }

  async setProcessing(processing: Partial<MicrophoneProcessing>): Promise<void> {
    this.processing = { ...this.processing, ...processing }
    if (this.engine !== null) await this.reopenMicrophone(this.engine)
  }

  /** 0 silent, 1 as it comes, up to 4. */
  setVolume(volume: number): void {
    this.volume = Math.min(4, Math.max(0, volume))
    this.engine?.setVolume(this.volume)
  }

  /** 0 to 1. */
  setRingVolume(volume: number): void {
    this.ring.setVolume(Math.min(1, Math.max(0, volume)))
  }

  async listDevices(): Promise<HeadsetDevices> {
    return listDevices()
  }

  /** Rings until `stopRing`; a second start changes nothing. Trouble with the chosen output rings on the default one. */
  startRing(): void {
    this.ring.start(this.ringDeviceId ?? this.outputId).catch((error: unknown) => {
      this.trouble('ring tone', error)
    })
  }

  stopRing(): void {
    this.ring.stop()
  }

  /** One second of 1 kHz in the call's earphone; resolves at its end. Needs a connected headset. */
  async testTone(): Promise<void> {
    const { engine } = this
    if (engine === null) throw new DOMException('the headset is not connected', 'InvalidStateError')
    const source = bufferSource(engine.context, testSamples(engine.context.sampleRate, 1))
    source.connect(engine.earphone)
    await new Promise((resolve) => {
      source.onended = resolve
      source.start()
    })
    source.disconnect()
  }

  private async startEngine(generation: number): Promise<void> {
    try {
      const engine = await AudioEngine.open(
        {
          inputId: this.inputId,
          outputId: this.outputId,
          processing: this.processing,
          volume: this.volume,
          rate: this.options.rate ?? 16000,
        },
        () => void this.microphoneEnded(),
      )
      if (generation !== this.generation) {
        await engine.close()
        return
      }
      this.engine = engine
      this.startWorker(engine)
      if (this.outputId !== '') await engine.chooseOutput(this.outputId).catch(() => this.outputLost())
      engine.context.onstatechange = () => this.contextChanged()
      this.startGrace = true
      // Stays pending where a gesture is wanted.
      void engine.context.resume()
      setTimeout(() => this.graceOver(generation), START_GRACE_MS)
      this.contextChanged()
    } catch (error) {
      if (generation === this.generation) this.engineFailed(error)
    }
  }

  private startWorker(engine: AudioEngine): void {
    const worker = new HeadsetWorker()
    this.worker = worker
    worker.onmessage = (event: MessageEvent<WorkerToPage>) => this.heard(event.data)
    worker.onerror = (event) => this.setLink({ name: 'failed', message: event.message })
    const { capture, playback } = engine.ports
    const ports: PageToWorker = { type: 'ports', capture, playback }
    worker.postMessage(ports, [capture, playback])
    this.post({ type: 'mute', muted: this.mutedNow })
  }

  private engineFailed(error: unknown): void {
    const name = error instanceof DOMException ? error.name : ''
    if (name === 'NotAllowedError') this.setLink({ name: 'denied' })
    else if (name === 'NotFoundError') this.setLink({ name: 'no_device' })
    else this.setLink({ name: 'failed', message: String(error) })
  }

  private graceOver(generation: number): void {
    if (generation !== this.generation) return
    this.startGrace = false
    this.contextChanged()
  }

  private contextChanged(): void {
    if (this.engine?.running === true && this.link.name === 'starting') this.openSocket()
    this.show()
  }

  private openSocket(): void {
    if (this.ticket === null) return
    this.attempt += 1
    this.setLink({ name: 'connecting', attempt: this.attempt })
    this.post({ type: 'connect', ...this.ticket })
  }

  private heard(message: WorkerToPage): void {
    switch (message.type) {
      case 'ask_alive':
        this.post({ type: 'page_alive' })
        break
      case 'opened':
        this.attempt = 0
        this.setLink({ name: 'connected', agent: message.agent })
        break
      case 'closed':
        this.socketClosed(message.code, message.detail)
        break
      case 'retry_due':
        void this.retry(this.generation)
        break
      case 'ring':
        this.phoneRings(message.call, message.on)
        break
      case 'call_started':
        this.callNow = message.call
        this.emit('callStarted', {
          call: message.call,
          direction: message.direction,
          payloadType: message.payloadType,
        })
        break
      case 'call_stopped':
        this.callStopped(message.call, message.reason)
        break
      case 'muted':
        this.mutedChanged(message.muted)
        break
      case 'level':
        this.emit('level', { mic: message.mic, ear: message.ear })
        break
      case 'stats':
        this.emit('stats', message.stats)
        break
      case 'trouble':
        this.emit('trouble', { message: message.message })
        break
    }
  }

  /** The phone itself says that a call rings here, before the console's event comes and whether or not it does. */
  private phoneRings(call: string, on: boolean): void {
    if (on) {
      this.rings.add(call)
      this.startRing()
    } else if (this.rings.delete(call) && this.rings.size === 0) this.stopRing()
  }

  private callStopped(call: string, reason: 'stopped' | 'lost'): void {
    this.callNow = null
    this.emit('callStopped', { call, reason })
    // Without a microphone the call was let go on; no further one is to come.
    if (this.link.name === 'no_device') this.post({ type: 'disconnect' })
  }

  private socketClosed(code: number, detail: string): void {
    if (this.rings.size > 0) {
      this.rings.clear()
      this.stopRing()
    }
    if (code === REPLACED) {
      this.teardown()
      this.setLink({ name: 'replaced' })
    } else if (this.link.name !== 'no_device') {
      this.lost(code === BAD_TOKEN ? 'token' : 'socket', detail)
    }
  }

  private lost(reason: LostReason, detail: string): void {
    const retryInMs = retryDelay(this.attempt, Math.random())
    this.setLink({ name: 'lost', reason, detail, retryInMs })
    this.post({ type: 'retry_after', delayMs: retryInMs })
  }

  private async retry(generation: number): Promise<void> {
    try {
      const ticket = await this.options.renewTicket()
      if (generation !== this.generation || this.link.name !== 'lost') return
      if (ticket === null) {
        this.disconnect()
        return
      }
      this.ticket = ticket
      this.openSocket()
    } catch (error) {
      if (generation !== this.generation || this.link.name !== 'lost') return
      this.attempt += 1
      this.lost('token', String(error))
    }
  }

  private async reopenMicrophone(engine: AudioEngine): Promise<void> {
    await engine.changeMicrophone(this.inputId, this.processing)
    this.emit('device', { kind: 'input_changed', label: engine.microphoneLabel })
  }

  private async microphoneEnded(): Promise<void> {
    const { engine } = this
    if (engine === null) return
    try {
      await engine.changeMicrophone('', this.processing)
      this.emit('device', { kind: 'input_lost', label: engine.microphoneLabel })
    } catch (error) {
      if (engine !== this.engine) return
      this.emit('device', { kind: 'input_lost', label: '' })
      this.trouble('microphone', error)
      this.setLink({ name: 'no_device' })
      // A running call goes on, so that the agent still hears the caller; see callStopped. The phone tells the others.
      this.post(this.callNow === null ? { type: 'disconnect' } : { type: 'microphone', present: false })
    }
  }

  private async devicesChanged(): Promise<void> {
    const generation = this.generation
    this.emit('device', { kind: 'list_changed' })
    if (this.link.name === 'no_device' && this.ticket !== null) {
      await this.microphoneBack(generation)
      return
    }
    const { inputs, outputs, canChooseOutput } = await listDevices()
    const { engine } = this
    if (engine === null || generation !== this.generation) return
    const chosen = inputs.some((device) => device.id === this.inputId)
    if (this.inputId !== '' && chosen && engine.microphoneId !== this.inputId) {
      await this.reopenMicrophone(engine).catch((error: unknown) => this.trouble('microphone', error))
    }
    if (canChooseOutput && this.outputId !== '' && !outputs.some((device) => device.id === this.outputId)) {
      await engine.chooseOutput('').catch((error: unknown) => this.trouble('earphone', error))
      this.outputLost()
    }
  }

  /** After `no_device`: a microphone may be there again. */
  private async microphoneBack(generation: number): Promise<void> {
    const { engine } = this
    if (engine === null) {
      this.setLink({ name: 'starting' })
      await this.startEngine(generation)
      return
    }
    try {
      await engine.changeMicrophone(this.inputId, this.processing)
    } catch (error) {
      this.trouble('microphone', error)
      return
    }
    if (generation !== this.generation) return
    this.emit('device', { kind: 'input_changed', label: engine.microphoneLabel })
    this.lost('socket', 'microphone back')
  }

  private outputLost(): void {
    this.outputId = ''
    this.emit('device', { kind: 'output_lost' })
  }

  private mutedChanged(muted: boolean): void {
    this.mutedNow = muted
    this.emit('muted', { muted })
  }

  private trouble(what: string, error: unknown): void {
    this.emit('trouble', { message: `${what}: ${String(error)}` })
  }

  private teardown(): void {
    this.generation += 1
    this.ticket = null
    this.mediaDevices()?.removeEventListener('devicechange', this.onDeviceChange)
    const { engine, worker, callNow } = this
    this.engine = this.worker = this.callNow = null
    if (worker !== null) {
      worker.onmessage = null
      // The worker closes its socket properly and then ends itself.
      worker.postMessage({ type: 'end' } satisfies PageToWorker)
    }
    if (engine !== null) {
      engine.context.onstatechange = null
      engine.close().catch((error: unknown) => this.trouble('closing', error))
    }
    if (callNow !== null) this.emit('callStopped', { call: callNow, reason: 'lost' })
  }

  private setLink(link: HeadsetState): void {
    this.link = link
    this.show()
  }

  /** A suspended context hides every other state in which a call could come. */
  private show(): void {
    const { engine } = this
    const silent = engine !== null && !engine.running && !this.startGrace
    const hidden: HeadsetState['name'][] = ['starting', 'connecting', 'connected']
    const state: HeadsetState =
      silent && hidden.includes(this.link.name) ? { name: 'needs_gesture' } : this.link
    if (state === this.current || (state.name === 'needs_gesture' && this.current.name === state.name)) return
    this.current = state
    this.emit('state', state)
  }

  private mediaDevices(): MediaDevices | undefined {
    return navigator.mediaDevices as MediaDevices | undefined
  }

  private post(message: PageToWorker): void {
    this.worker?.postMessage(message)
  }
}
