/** Audio thread, inbound: packets from the worker through the jitter buffer to the context's rate. */
import { JitterBuffer } from './jitter_buffer'
import type { PlaybackToWorker, WorkerToPlayback, WorkletPort } from './messages'
import { Resampler } from './resampler'

/** Reports a second, each with the level since the last. */
const REPORTS = 15

class PlaybackProcessor extends AudioWorkletProcessor implements AudioWorkletProcessorImpl {
  private readonly buffer = new JitterBuffer()
  private readonly resampler = new Resampler(8000, sampleRate)
  private worker: MessagePort | null = null
  /** Resampled, but not yet played. */
  private spare = new Float32Array(0)
  private power = 0
  private heard = 0

  constructor() {
    super()
    this.port.onmessage = (event: MessageEvent<WorkletPort>) => {
      this.worker = event.data.port
      this.worker.onmessage = (message: MessageEvent<WorkerToPlayback>) => this.take(message.data)
    }
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const output = outputs[0]?.[0]
    if (output === undefined) return true
    let filled = 0
    while (filled < output.length) {
      if (this.spare.length === 0) this.spare = this.next(output.length - filled)
      const part = this.spare.subarray(0, output.length - filled)
      output.set(part, filled)
      this.spare = this.spare.subarray(part.length)
      filled += part.length
    }
    this.measure(output)
    return true
  }

  private take(message: WorkerToPlayback): void {
    if (message.type === 'reset') this.buffer.reset()
    else this.buffer.push(message)
  }

  private next(count: number): Float32Array<ArrayBuffer> {
    const samples = new Float32Array(this.resampler.inputFor(count))
    this.buffer.pull(samples)
    return this.resampler.process(samples)
  }

  private measure(output: Float32Array): void {
    for (const value of output) this.power += value * value
    this.heard += output.length
    if (this.heard < sampleRate / REPORTS) return
    const report: PlaybackToWorker = { ear: Math.sqrt(this.power / this.heard), figures: this.buffer.figures }
    this.worker?.postMessage(report)
    this.power = 0
    this.heard = 0
  }
}

registerProcessor('headset-playback', PlaybackProcessor)
