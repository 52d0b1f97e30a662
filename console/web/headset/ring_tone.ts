/**
 * The ring tone: 450 Hz, 1 s on and 4 s off, as in China (YD/T 1008; ITU-T E.180 lists it).
 *
 * The cadence is one looped buffer on the audio clock, so that it needs no timers of the page.
 */
import { Output } from './devices'

const FREQUENCY = 450
const ON_SECONDS = 1
const CYCLE_SECONDS = 5
const RAMP_SECONDS = 0.01
const LEVEL = 0.25

/** One cycle of the cadence, with ramps that keep it from clicking. */
export function ringSamples(rate: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(rate * CYCLE_SECONDS)
  const on = rate * ON_SECONDS
  const ramp = rate * RAMP_SECONDS
  for (let i = 0; i < on; i++) {
    const gain = Math.min(1, i / ramp, (on - i) / ramp)
    samples[i] = LEVEL * gain * Math.sin((2 * Math.PI * FREQUENCY * i) / rate)
  }
  return samples
}

/** A tone of the earphone test: 1 kHz, -12 dBFS peak. */
export function testSamples(rate: number, seconds: number): Float32Array<ArrayBuffer> {
  const length = Math.round(rate * seconds)
  const ramp = rate * RAMP_SECONDS
  return Float32Array.from({ length }, (_, i) => {
    const gain = Math.min(1, i / ramp, (length - i) / ramp)
    return LEVEL * gain * Math.sin((2 * Math.PI * 1000 * i) / rate)
  })
}

function bufferOf(context: AudioContext, samples: Float32Array<ArrayBuffer>): AudioBuffer {
  const buffer = context.createBuffer(1, samples.length, context.sampleRate)
  buffer.copyToChannel(samples, 0)
  return buffer
}

export function bufferSource(
  context: AudioContext,
  samples: Float32Array<ArrayBuffer>,
): AudioBufferSourceNode {
  const source = context.createBufferSource()
  source.buffer = bufferOf(context, samples)
  return source
}

/** Rings on a context and an output of its own, so that it may sound from the loudspeaker while the call does not. */
export class RingTone {
  private context: AudioContext | null = null
  /** One cycle, made for the first ring: to make it takes as long as to paint a tenth of the card. */
  private cycle: AudioBuffer | null = null
  private source: AudioBufferSourceNode | null = null
  private gain: GainNode | null = null
  private output: Output | null = null
  /** The output last asked for. */
  private device = ''
  private volume = 1

  get ringing(): boolean {
    return this.source !== null
  }

  /** `device`: an output's id, `''` the system's default. Raises what `Output.choose` raises, ringing on the default. */
  async start(device: string): Promise<void> {
    if (this.source !== null) return
    const context = this.context ?? new AudioContext()
    this.context = context
    this.gain ??= context.createGain()
    this.gain.gain.value = this.volume
    this.output ??= new Output(context, this.gain)
    this.cycle ??= bufferOf(context, ringSamples(context.sampleRate))
    this.source = context.createBufferSource()
    this.source.buffer = this.cycle
    this.source.loop = true
    this.source.connect(this.gain)
    this.source.start()
    void context.resume()
    if (device === '' && this.device === '') return
    this.device = device
    await this.output.choose(device)
  }

  stop(): void {
    this.source?.stop()
    this.source?.disconnect()
    this.source = null
    void this.context?.suspend()
  }

  setVolume(volume: number): void {
    this.volume = volume
    if (this.gain !== null) this.gain.gain.value = volume
  }

  async close(): Promise<void> {
    this.stop()
    this.output?.close()
    await this.context?.close()
    this.context = this.cycle = this.gain = this.output = null
  }
}
