/**
 * Audio thread, outbound: the microphone at the context's rate becomes 20 ms frames at 8 kHz for the worker.
 *
 * Without a microphone it goes on with silence, so that a call keeps its 50 frames a second.
 */
import { FRAME_SAMPLES } from './frame'
import type { CaptureToWorker, WorkletPort } from './messages'
import { Resampler } from './resampler'

class CaptureProcessor extends AudioWorkletProcessor implements AudioWorkletProcessorImpl {
  private readonly resampler = new Resampler(sampleRate, 8000)
  private frame: CaptureToWorker = new Float32Array(FRAME_SAMPLES)
  private filled = 0
  private worker: MessagePort | null = null

  constructor() {
    super()
    this.port.onmessage = (event: MessageEvent<WorkletPort>) => {
      this.worker = event.data.port
    }
  }

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    // The output is never written: as long as the input would be, and silence.
    const samples = this.resampler.process(inputs[0]?.[0] ?? outputs[0]?.[0] ?? new Float32Array(0))
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
