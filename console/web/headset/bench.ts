/**
 * The headset alone in a page, for the journeys in tests/journeys/headset: driven from outside through `window.bench`.
 * Built by `npm run build:bench` only; no part of the product.
 */
import workletUrl from './bench.worklet.ts?worker&url'
import type { Burst } from './bench_burst'
import { Headset, type HeadsetEvents, type HeadsetOptions } from './headset'

type Logged = {
  [Name in keyof HeadsetEvents]: { name: Name; event: HeadsetEvents[Name] }
}[keyof HeadsetEvents]

const NAMES: (keyof HeadsetEvents)[] = [
  'state',
  'level',
  'stats',
  'callStarted',
  'callStopped',
  'muted',
  'device',
  'trouble',
]

class Bench {
  readonly log: Logged[] = []
  readonly streams: MediaStream[] = []
  readonly emitted: Burst[] = []
  readonly heard: Burst[] = []
  renewals = 0
  headset: Headset | null = null
  private readonly openMicrophone = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)

  constructor() {
    this.useMicrophone(this.openMicrophone)
  }

  async connect(url: string, token: string, options: Partial<HeadsetOptions> = {}): Promise<void> {
    const headset = new Headset({
      renewTicket: () => {
        this.renewals += 1
        return Promise.resolve({ url, token: `renewed-${this.renewals}` })
      },
      ...options,
    })
    for (const name of NAMES) headset.on(name, (event) => this.log.push({ name, event } as Logged))
    this.headset = headset
    await headset.connect(url, token)
  }

  events(name: keyof HeadsetEvents): unknown[] {
    return this.log.filter((logged) => logged.name === name).map((logged) => logged.event)
  }

  /** Strongest frequency in the earphone, Hz, and its RMS level, over the last 0.25 s or so. */
  listen(): { frequency: number; level: number } {
    const { analyser } = this.earphone()
    const spectrum = new Float32Array(analyser.frequencyBinCount)
    analyser.getFloatFrequencyData(spectrum)
    const strongest = spectrum.reduce((best, value, i) => (value > (spectrum[best] ?? 0) ? i : best), 0)
    const wave = new Float32Array(analyser.fftSize)
    analyser.getFloatTimeDomainData(wave)
    const level = Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length)
    return { frequency: (strongest * analyser.context.sampleRate) / analyser.fftSize, level }
  }

  private ear: { analyser: AnalyserNode } | null = null

  private earphone(): { analyser: AnalyserNode } {
    const node = this.headset?.earphone
    if (!node) throw new Error('no earphone')
    if (this.ear?.analyser.context !== node.context) {
      const analyser = new AnalyserNode(node.context, { fftSize: 4096, smoothingTimeConstant: 0 })
      node.connect(analyser)
      this.ear = { analyser }
    }
    return this.ear as { analyser: AnalyserNode }
  }

  startListening(): void {
    this.earphone()
  }

  /** Notes in `heard` when a burst comes out of the earphone. */
  async probeEarphone(): Promise<void> {
    const node = this.headset?.earphone
    if (!node) throw new Error('no earphone')
    const context = node.context
    await context.audioWorklet.addModule(workletUrl)
    const probe = new AudioWorkletNode(context, 'bench-onset-probe')
    probe.port.onmessage = (event: MessageEvent<Burst>) => this.heard.push(event.data)
    node.connect(probe).connect(context.destination)
  }

  /** Notes in `emitted` when the device recorded each burst that the microphone in use hears. */
  noticeMicrophone(): void {
    const track = this.streams.at(-1)?.getAudioTracks()[0]?.clone()
    if (track === undefined) throw new Error('no microphone')
    const { readable } = new MediaStreamTrackProcessor({ track })
    const worker = new Worker(new URL('./bench_microphone.worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = (event: MessageEvent<Burst>) => this.emitted.push(event.data)
    worker.postMessage(readable, [readable])
  }

  unplugMicrophones(): void {
    this.useMicrophone(() => Promise.reject(new DOMException('Requested device not found', 'NotFoundError')))
    this.endTracks()
  }

  plugMicrophone(): void {
    this.useMicrophone(this.openMicrophone)
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'))
  }

  /** What the browser does when the device of a track goes away. */
  endTracks(): void {
    for (const track of this.streams.splice(0).flatMap((stream) => stream.getTracks())) {
      track.stop()
      track.dispatchEvent(new Event('ended'))
    }
  }

  /** Keeps the page's only thread busy for `ms`, again and again with pauses of `ms`, `times` times. */
  async stall(ms: number, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const until = performance.now() + ms
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, ms))
    }
  }

  private useMicrophone(open: (constraints?: MediaStreamConstraints) => Promise<MediaStream>): void {
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await open(constraints)
      this.streams.push(stream)
      return stream
    }
  }
}

declare global {
  interface Window {
    bench: Bench
  }
  /** Chromium's alone (W3C, "MediaStreamTrack Insertable Media Processing"). */
  class MediaStreamTrackProcessor {
    constructor(options: { track: MediaStreamTrack })
    readonly readable: ReadableStream<AudioData>
  }
}

window.bench = new Bench()
