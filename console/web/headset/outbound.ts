/** The microphone's side of a call: 20 ms frames with sequence numbers and timestamps that keep time. */
import { encode, type PayloadType, silence } from './g711'
import { buildFrame, FRAME_SAMPLES, HEADER_BYTES } from './frame'

/** A longer pause than this is a suspension of the audio engine; shorter ones are stalls, whose frames still come. */
const SUSPENDED_MS = 1000

export class Outbound {
  private marker = true
  private lastAt: number | null = null

  constructor(
    private readonly payloadType: PayloadType,
    private sequence: number,
    private timestamp: number,
  ) {}

  /** The next packet; `now` in milliseconds on any steady clock. */
  packet(samples: Float32Array, muted: boolean, now: number): Uint8Array<ArrayBuffer> {
    this.bridge(now)
    const frame = buildFrame(this.payloadType, this.marker, this.sequence, this.timestamp, samples.length)
    if (muted) frame.fill(silence(this.payloadType), HEADER_BYTES)
    else encode(samples, this.payloadType, frame, HEADER_BYTES)
    this.skip()
    this.marker = false
    return frame
  }

  /** A frame that is not sent still takes its time. */
  skip(): void {
    this.sequence = (this.sequence + 1) & 0xffff
    this.timestamp = (this.timestamp + FRAME_SAMPLES) >>> 0
  }

  private bridge(now: number): void {
    const pause = this.lastAt === null ? 0 : now - this.lastAt
    this.lastAt = now
    if (pause < SUSPENDED_MS) return
    this.timestamp = (this.timestamp + Math.round(pause / 20 - 1) * FRAME_SAMPLES) >>> 0
    this.marker = true
  }
}
