/**
 * Audio thread, outbound: the microphone at the context's rate becomes 20 ms frames at 8 kHz for the worker.
 *
 * Without a microphone it goes on with silence, so that a call keeps its 50 frames a second.
 */
import { FRAME_SAMPLES } from './frame'
import type { CaptureToWorker, WorkletPort } from './messages'
import { Resampler } from './resampler'

const QUANTUM = 128

class CaptureProcessor extends AudioWorkletProcessor implements AudioWorkletProcessorImpl {
  private readonly resampler = new Resampler(sampleRate, 8000)
  private readonly nothing = new Float32Array(QUANTUM)
  private frame: CaptureToWorker = new Float32Array(FRAME_SAMPLES)
  private filled = 0
  private worker: MessagePort | null = null

  constructor() {
    super()
    this.port.onmessage = (event: MessageEvent<WorkletPort>) => {
      this.worker = event.data.port
    }
  }

  process(inputs: Float32Array[][]): boolean {
    const samples = this.resampler.process(inputs[0]?.[0] ?? this.nothing)
    let taken = 0
    while (taken < samples.length) {
      const part = samples.subarray(taken, taken + FRAME_SAMPLES - this.filled)
      this.frame.set(part, this.filled)
      this.filled += part.length
      taken += part.length
      if (this.filled === FRAME_SAMPLES) this.send()
    }
    return true
  }

  private send(): void {
    this.worker?.postMessage(this.frame, [this.frame.buffer])
    this.frame = new Float32Array(FRAME_SAMPLES)
    this.filled = 0
  }
}

registerProcessor('headset-capture', CaptureProcessor)
