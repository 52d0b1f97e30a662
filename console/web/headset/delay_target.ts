/**
 * How deep the jitter buffer should be, learnt from how late packets come.
 *
 * One stall is an accident: its delay is shed. From the second stall within ten seconds on, the network (or the page, or
 * the machine) is like that, and the buffer keeps what the second longest of them needs. On a network that has been quiet
 * for some seconds it keeps less than it starts with: what the latest packet of the last seconds needed, and a little.
 *
 * All in samples at 8 kHz; the clock is the count of samples played.
 */

/** 40 ms: the packet being played and one more. */
export const BASE_DEPTH = 320
/** The packet being played and 10 ms: browsers play in pieces of that length. */
export const LEAST_DEPTH = 240
/** More than the latest packet needed. */
const MARGIN = 40
const MAX_DEPTH = 1600
/** Lateness that the base depth covers by itself. */
const COVERED = 160
/** A stall begins above, and ends below. */
const STALL_BEGINS = 120
const STALL_ENDS = 80
const MEMORY = 80_000
const BUCKET = 2000
/** Buckets in a row in which packets must have been so fast. */
const PROOF = 3
/** Buckets that are known before less than the base depth will do. */
const QUIET_BUCKETS = 12

interface Bucket {
  from: number
  /** Transit of its fastest packet. */
  least: number
  /** How much later than the fastest ones known its latest came. */
  latest: number
}

interface Stall {
  at: number
  peak: number
}

export class DelayTarget {
  private buckets: Bucket[] = []
  private stalls: Stall[] = []
  private stalling = false

  /** A packet whose first sample has `timestamp` came at `clock`. */
  arrived(clock: number, timestamp: number): void {
    const transit = clock - timestamp
    const bucket = this.bucketAt(clock, transit)
    bucket.least = Math.min(bucket.least, transit)
    const lateness = transit - this.fastest
    bucket.latest = Math.max(bucket.latest, lateness)
    const stall = this.stalls.at(-1)
    if (this.stalling && stall !== undefined) {
      stall.peak = Math.max(stall.peak, lateness)
      this.stalling = lateness > STALL_ENDS
    } else if (lateness > STALL_BEGINS) {
      this.stalls.push({ at: clock, peak: lateness })
      this.stalling = true
    }
    this.stalls = this.stalls.filter(({ at }) => at > clock - MEMORY)
    this.stalling &&= this.stalls.length > 0
  }

  /**
   * Transit of the fastest packets of the last seconds; 0 if none came. What is faster for moments only does not count:
   * an audio thread that was held up pulls at once what it owes, and packets that came just before look faster than any
   * can be.
   */
  get fastest(): number {
    const least = this.buckets.map(({ least }) => least)
    if (least.length < PROOF) return least.length > 0 ? Math.min(...least) : 0
    const proven = least.slice(PROOF - 1).map((_, i) => Math.max(...least.slice(i, i + PROOF)))
    return Math.min(...proven)
  }

  /** Wanted depth, including the packet that is about to be played. */
  get depth(): number {
    const second = this.stalls.map(({ peak }) => peak).sort((a, b) => b - a)[1] ?? 0
    return Math.min(MAX_DEPTH, this.usual + Math.max(0, second - COVERED))
  }

  /** How much later than the fastest the latest packet of the last seconds came; 0 if none came. */
  get latest(): number {
    return Math.max(0, ...this.buckets.map(({ latest }) => latest))
  }

  /** What it takes without stalls. */
  private get usual(): number {
    if (this.buckets.length <= QUIET_BUCKETS) return BASE_DEPTH
    return Math.min(BASE_DEPTH, Math.max(LEAST_DEPTH, COVERED + this.latest + MARGIN))
  }

  /** Wanted delay of a sample against the fastest packet. */
  get delay(): number {
    return this.depth - COVERED
  }

  /** Another source, whose timestamps say nothing about the old one's. What was learnt about stalls stays. */
  sourceChanged(): void {
    this.buckets = []
    this.stalling = false
  }

  reset(): void {
    this.sourceChanged()
    this.stalls = []
  }

  private bucketAt(clock: number, transit: number): Bucket {
    const last = this.buckets.at(-1)
    if (last !== undefined && clock - last.from < BUCKET) return last
    const next = { from: clock, least: transit, latest: 0 }
    this.buckets = [...this.buckets, next].filter(({ from }) => from > clock - MEMORY)
    return next
  }
}
