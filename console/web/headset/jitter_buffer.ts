/**
 * Adaptive jitter buffer for 8 kHz packets: orders them, fills gaps, keeps the delay at its target.
 *
 * Its clock is the count of samples pulled, so that it needs no other one: `push` what comes, `pull` what is played.
 * Starts to play with 40 ms in hand, and with less once the network proves quiet. Delay beyond the target is shed by
 * leaving out pitch periods, a delay too short is stretched the same way. A gap is concealed; after a stall (packets late,
 * not lost) it goes on where it stopped.
 */
import { Concealer } from './concealer'
import { DelayTarget } from './delay_target'
import type { PlaybackFigures } from './messages'
import { joined, lengthen, shorten } from './time_scale'

const PER_MS = 8
const PACKET = 160
/** More than this is no longer a conversation: the oldest is thrown away. */
const MAX_DEPTH = 1000 * PER_MS
/** A longer gap is not waited through. */
const MAX_GAP = 300 * PER_MS
/** No packet for so long: the source fell silent; the next one starts anew. */
const SILENT_AFTER = 1000 * PER_MS
/** Jumps beyond these are another source (RFC 3550 A.1 calls it a restart). */
const MAX_SEQUENCE_JUMP = 500
const MAX_TIMESTAMP_JUMP = 10_000 * PER_MS
/** Deviations from the target that are left alone. */
const TOO_LONG = 5 * PER_MS
const TOO_SHORT = 5 * PER_MS
/** Smaller ones are seen to only where the signal repeats so well, or is so quiet, that nobody hears it. */
const WORTH_A_TRACE = 10 * PER_MS
const HURRY = 100 * PER_MS
const DEPTHS_KEPT = 5

export interface Packet {
  sequence: number
  timestamp: number
  /** First packet after silence or of another source. */
  marker: boolean
  samples: Float32Array
}

interface Queued {
  /** Unwrapped timestamp. */
  at: number
  samples: Float32Array
}

type Mode = 'silent' | 'filling' | 'playing'

export class JitterBuffer {
  private mode: Mode = 'silent'
  private queue: Queued[] = []
  private clock = 0
  /** Unwrapped timestamp of the next sample to play. */
  private cursor = 0
  /** What was decided to be played but not yet pulled. */
  private ready = new Float32Array(0)
  private fillingSince = 0
  /** Samples concealed since the queue ran dry. */
  private dry = 0
  private last: { sequence: number; timestamp: number; at: number } | null = null
  private depths: number[] = []
  private sinceScaled = 0
  private delay = 0
  private readonly concealer = new Concealer()
  private readonly target = new DelayTarget()
  private counts = { received: 0, lostSamples: 0, late: 0, underruns: 0, concealed: 0, shed: 0 }

  push(packet: Packet): void {
    if (packet.samples.length === 0) return
    this.counts.received += 1
    const at = this.unwrap(packet)
    if (packet.marker && this.queue.length === 0 && this.dry > 0) this.fallSilent()
    this.target.arrived(this.clock, at)
    if (this.mode === 'silent') {
      this.mode = 'filling'
      this.fillingSince = this.clock
      this.cursor = at
    }
    if (this.mode === 'filling') {
      this.cursor = Math.min(this.cursor, at)
    } else if (at + packet.samples.length <= this.cursor) {
      this.counts.late += 1
      return
    } else if (this.dry > 0) {
      // Late, then it goes on from here; or lost, then the gap was already bridged.
      this.skipTo(Math.max(this.cursor, Math.min(this.cursor + this.dry, at)))
      this.dry = 0
    }
    this.insert({ at, samples: packet.samples })
    this.trim()
  }

  /** Fills `output` with the next samples. */
  pull(output: Float32Array): void {
    let filled = 0
    while (filled < output.length) {
      if (this.ready.length === 0) this.ready = this.produce(output.length - filled)
      const part = this.ready.subarray(0, output.length - filled)
      output.set(part, filled)
      this.ready = this.ready.subarray(part.length)
      filled += part.length
      this.clock += part.length
    }
  }

  reset(): void {
    this.fallSilent()
    this.queue = []
    this.ready = new Float32Array(0)
    this.last = null
    this.delay = 0
    this.concealer.reset()
    this.target.reset()
    this.counts = { received: 0, lostSamples: 0, late: 0, underruns: 0, concealed: 0, shed: 0 }
  }

  /** Samples in hand, not counting what is missing between them. */
  get depth(): number {
    return this.queue.reduce((sum, { samples }) => sum + samples.length, this.ready.length)
  }

  get figures(): PlaybackFigures {
    const { received, lostSamples, late, underruns, concealed, shed } = this.counts
    return {
      depthMs: this.depth / PER_MS,
      targetMs: this.target.depth / PER_MS,
      addedDelayMs: this.delay / PER_MS,
      concealedMs: concealed / PER_MS,
      shedMs: shed / PER_MS,
      received,
      lost: Math.round(lostSamples / PACKET),
      late,
      underruns,
    }
  }

  private unwrap({ sequence, timestamp }: Packet): number {
    const { last } = this
    let at = timestamp
    if (last !== null) {
      const sequenceStep = ((sequence - last.sequence) << 16) >> 16
      const timestampStep = (timestamp - last.timestamp) | 0
      const near = Math.abs(sequenceStep) < MAX_SEQUENCE_JUMP && Math.abs(timestampStep) < MAX_TIMESTAMP_JUMP
      const same = near && sequenceStep > 0 === timestampStep > 0
      at = same ? last.at + timestampStep : this.newSource()
      if (same && sequenceStep <= 0) return at
    }
    this.last = { sequence, timestamp, at }
    return at
  }

  /** Another source goes on where the old one's last packet ends. */
  private newSource(): number {
    this.target.sourceChanged()
    const newest = this.queue.at(-1)
    if (newest !== undefined) return newest.at + newest.samples.length
    this.fallSilent()
    return this.cursor
  }

  private insert(packet: Queued): void {
    let index = this.queue.length
    while (index > 0 && (this.queue[index - 1]?.at ?? 0) > packet.at) index -= 1
    if (index > 0 && this.queue[index - 1]?.at === packet.at) return
    this.queue.splice(index, 0, packet)
  }

  /** After a suspension seconds may come at once: only the newest are of use. */
  private trim(): void {
    if (this.depth <= MAX_DEPTH) return
    while (this.queue.length > 1 && this.depth > this.target.depth) {
      this.counts.lostSamples += this.queue.shift()?.samples.length ?? 0
    }
    this.cursor = this.queue[0]?.at ?? this.cursor
  }

  private produce(wanted: number): Float32Array<ArrayBuffer> {
    if (this.mode === 'filling' && this.filled()) this.mode = 'playing'
    if (this.mode !== 'playing') return new Float32Array(wanted)
    const next = this.queue[0]
    if (next === undefined) return this.runDry(wanted)
    if (next.at > this.cursor) return this.bridge(next.at - this.cursor, wanted)
    return this.play(next)
  }

  /** Enough in hand, or waited for long enough. */
  private filled(): boolean {
    return Math.max(this.depth, this.clock - this.fillingSince) >= this.target.depth
  }

  private skipTo(at: number): void {
    this.counts.lostSamples += at - this.cursor
    this.cursor = at
  }

  private runDry(wanted: number): Float32Array<ArrayBuffer> {
    if (this.dry === 0) {
      this.counts.underruns += 1
      this.depths = []
    }
    if (this.dry >= SILENT_AFTER) {
      this.fallSilent()
      return new Float32Array(wanted)
    }
    this.dry += wanted
    return this.invent(wanted)
  }

  /** A packet is missing, but later ones are there. */
  private bridge(gap: number, wanted: number): Float32Array<ArrayBuffer> {
    const length = Math.min(gap, wanted)
    // Nothing but its timestamps says that so much is missing: the source jumped.
    this.skipTo(this.cursor + (gap > MAX_GAP ? gap : length))
    return this.invent(length)
  }

  private invent(length: number): Float32Array<ArrayBuffer> {
    this.counts.concealed += length
    return this.concealer.conceal(length)
  }

  private play(next: Queued): Float32Array<ArrayBuffer> {
    this.queue.shift()
    // Overlapping packets: what was played already is not played again.
    let samples = next.samples.slice(Math.max(0, this.cursor - next.at))
    this.delay = this.clock - this.cursor - this.target.fastest
    this.depths = [...this.depths.slice(1 - DEPTHS_KEPT), this.depth + samples.length]
    this.cursor = next.at + next.samples.length
    this.sinceScaled += 1
    if (this.sinceScaled >= 2 && !this.concealer.concealing) samples = this.scaled(samples)
    this.concealer.heard(samples)
    return samples
  }

  /** The packet made shorter (together with the next one) or longer, if the delay is off and the signal lets us. */
  private scaled(samples: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    const excess = this.delay - this.target.delay
    const scaled = excess >= TOO_LONG ? this.shortened(samples, excess) : this.lengthened(samples, -excess)
    if (scaled === null) return samples
    this.sinceScaled = 0
    return Float32Array.from(scaled)
  }

  private shortened(samples: Float32Array, excess: number): Float32Array | null {
    const next = this.queue[0]?.at === this.cursor ? this.queue[0] : undefined
    const whole = next === undefined ? samples : joined(samples, next.samples)
    // What was in hand all the time; with little in hand, what came earlier than even the latest packet did.
    const spare = Math.max(Math.min(...this.depths) - PACKET, this.delay - this.target.latest)
    const likeness = excess > HURRY ? 0.2 : this.likenessFor(excess)
    const shorter = shorten(whole, Math.min(excess, spare), likeness)
    if (shorter === null) return null
    if (next !== undefined) {
      this.queue.shift()
      this.cursor += next.samples.length
    }
    this.counts.shed += whole.length - shorter.length
    return shorter
  }

  private lengthened(samples: Float32Array, lacking: number): Float32Array | null {
    return lacking >= TOO_SHORT ? lengthen(samples, lacking, this.likenessFor(lacking)) : null
  }

  /** The longer the signal refuses, the less is asked of it. */
  private likenessFor(deviation: number): number {
    return deviation < WORTH_A_TRACE ? 0.7 : 0.7 - 0.05 * this.sinceScaled
  }

  private fallSilent(): void {
    this.mode = 'silent'
    this.dry = 0
    this.depths = []
    this.sinceScaled = 0
  }
}
