import { describe, expect, it } from 'vitest'
import { JitterBuffer, type Packet } from './jitter_buffer'

const MS = 8
const QUANTUM = 64

/** The n-th packet of a 400 Hz tone, or of what `wave` gives for each sample. */
function packet(n: number, wave = tone, start = 0): Packet {
  const samples = Float32Array.from({ length: 160 }, (_, i) => wave(n * 160 + i))
  return {
    sequence: (start + n) & 0xffff,
    timestamp: (start * 160 + n * 160) >>> 0,
    marker: n === 0,
    samples,
  }
}

function tone(i: number): number {
  return 0.5 * Math.sin((2 * Math.PI * 400 * i) / 8000)
}

interface Arrival {
  at: number
  packet: Packet
}

/** Plays `arrivals` (milliseconds) for `ms`, in blocks of an audio thread; gives what was heard and a look each 20 ms. */
function play(arrivals: Arrival[], ms: number, buffer = new JitterBuffer()) {
  const heard = new Float32Array(ms * MS)
  const looks: { at: number; delay: number; depth: number; target: number }[] = []
  const coming = arrivals.slice().sort((a, b) => a.at - b.at)
  for (let at = 0; at < heard.length; at += QUANTUM) {
    while (coming[0] !== undefined && coming[0].at * MS <= at) buffer.push((coming.shift() as Arrival).packet)
    buffer.pull(heard.subarray(at, at + QUANTUM))
    const { addedDelayMs, depthMs, targetMs } = buffer.figures
    looks.push({ at: at / MS, delay: addedDelayMs, depth: depthMs, target: targetMs })
  }
  return { heard, looks, buffer, figures: buffer.figures }
}

function steady(count: number, wave = tone, start = 0): Arrival[] {
  return Array.from({ length: count }, (_, n) => ({ at: n * 20, packet: packet(n, wave, start) }))
}

/** What comes while the network stands still, comes at its end. */
function stalled(arrivals: Arrival[], from: number, length: number): Arrival[] {
  return arrivals.map(({ at, packet }) => ({
    at: at >= from && at < from + length ? from + length : at,
    packet,
  }))
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length)
}

function steps(samples: Float32Array): number {
  let largest = 0
  for (let i = 1; i < samples.length; i++) {
    largest = Math.max(largest, Math.abs((samples[i] ?? 0) - (samples[i - 1] ?? 0)))
  }
  return largest
}

/** A repeatable stand-in for chance. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
}

/** The largest step of the 400 Hz tone from one sample to the next. */
const TONE_STEP = 0.5 * ((2 * Math.PI * 400) / 8000)

describe('jitter buffer on a steady network', () => {
  it('starts with 40 ms in hand and then plays every sample unchanged', () => {
    const { heard, figures } = play(steady(100), 1900)
    const start = heard.findIndex((value) => value !== 0) - 1
    expect(start / MS).toBe(24)
    for (let i = start; i < heard.length; i++) expect(heard[i]).toBeCloseTo(tone(i - start), 6)
    expect(figures).toMatchObject({ concealedMs: 0, shedMs: 0, lost: 0, late: 0, underruns: 0, targetMs: 40 })
  })

  it('has less in hand once the network has been quiet for some seconds, and loses nothing by it', () => {
    const random = chance(11)
    const arrivals = steady(1000).map(({ at, packet }) => ({ at: at + random() * 4, packet }))
    const { looks, figures } = play(arrivals, 19800)
    expect(looks.find(({ at }) => at > 2000)?.delay).toBeGreaterThan(18)
    expect(looks.find(({ at }) => at > 6000)?.delay).toBeLessThanOrEqual(18)
    expect(figures).toMatchObject({ concealedMs: 0, lost: 0, late: 0, underruns: 0 })
    expect(figures.targetMs).toBeLessThanOrEqual(35)
  })

  it('has 40 ms in hand again as soon as one packet needed it', () => {
    const arrivals = steady(400).map(({ at, packet }, n) => ({ at: n === 250 ? at + 18 : at, packet }))
    const { looks } = play(arrivals, 7800)
    expect(looks.find(({ at }) => at > 4900)?.target).toBe(30)
    expect(looks.at(-1)?.target).toBe(40)
  })

  it('gives silence before the first packet', () => {
    const { heard, figures } = play([], 500)
    expect(rms(heard)).toBe(0)
    expect(figures).toMatchObject({ underruns: 0, concealedMs: 0, received: 0 })
  })

  it('does not notice the wrap of sequence numbers and timestamps', () => {
    const { heard, figures } = play(steady(100, tone, 65500), 1900)
    expect(steps(heard)).toBeLessThan(TONE_STEP * 1.01)
    const wrapped = steady(100).map(({ at, packet }) => ({
      at,
      packet: { ...packet, timestamp: (packet.timestamp + 4294967296 - 4000) >>> 0 },
    }))
    expect(steps(play(wrapped, 1900).heard)).toBeLessThan(TONE_STEP * 1.01)
    expect(figures).toMatchObject({ lost: 0, underruns: 0 })
  })

  it('puts packets that overtook each other back in order', () => {
    const swapped = steady(100).map(({ at, packet }, n) => ({ at: n % 10 === 5 ? at + 21 : at, packet }))
    const { heard, figures } = play(swapped, 1900)
    // The first two come too late; then the buffer is deep enough for them.
    expect(figures.lost).toBeLessThanOrEqual(2)
    expect(figures.late).toBeLessThanOrEqual(2)
    expect(figures.underruns).toBe(0)
    expect(steps(heard.subarray(700 * MS))).toBeLessThan(TONE_STEP * 1.2)
  })

  it('plays a packet that comes twice once', () => {
    const twice = steady(100).flatMap((arrival) => [arrival, { ...arrival, at: arrival.at + 1 }])
    const { heard, figures } = play(twice, 1900)
    expect(steps(heard)).toBeLessThan(TONE_STEP * 1.01)
    expect(figures).toMatchObject({ lost: 0, shedMs: 0 })
  })
})

describe('jitter buffer with loss', () => {
  it('conceals single lost packets of a tone so that hardly a step is heard', () => {
    const lossy = steady(200).filter((_, n) => n % 10 !== 7)
    const { heard, figures } = play(lossy, 3900)
    expect(figures.lost).toBeGreaterThanOrEqual(19)
    expect(figures.lost).toBeLessThanOrEqual(20)
    expect(figures.concealedMs).toBe(figures.lost * 20)
    expect(steps(heard)).toBeLessThan(TONE_STEP * 1.6)
    // No hole: each 10 ms carries the tone.
    for (let at = 400; at < heard.length - 160; at += 80)
      expect(rms(heard.subarray(at, at + 80))).toBeGreaterThan(0.25)
  })

  it('fades a long gap out within 60 ms and keeps the delay after it', () => {
    const lossy = steady(100).filter((_, n) => n < 40 || n >= 50)
    const { heard, figures, looks } = play(lossy, 1900)
    expect(rms(heard.subarray(910 * MS, 1000 * MS))).toBe(0)
    expect(figures.lost).toBe(10)
    expect(looks.at(-1)?.delay).toBe(looks[50]?.delay)
    expect(heard[1800 * MS]).toBeCloseTo(tone(1800 * MS - 24 * MS), 6)
  })

  it('counts a packet that comes after its turn as late', () => {
    const late = steady(100).map(({ at, packet }, n) => ({ at: n === 50 ? at + 100 : at, packet }))
    expect(play(late, 1900).figures).toMatchObject({ late: 1, lost: 1 })
  })
})

describe('jitter buffer after a stall', () => {
  it('loses nothing of what came late and sheds the added delay of 200 ms within 3 s', () => {
    const { looks, figures, heard } = play(stalled(steady(300), 2000, 200), 5800)
    const before = looks.findLast(({ at }) => at < 1990)?.delay ?? 0
    const worst = Math.max(...looks.map(({ delay }) => delay))
    expect(worst).toBeGreaterThan(before + 150)
    const shed = looks.find(({ at, delay }) => at > 2300 && delay <= before + 10)?.at ?? Infinity
    expect(shed).toBeLessThan(2200 + 1500)
    expect(figures).toMatchObject({ lost: 0, late: 0, underruns: 1 })
    expect(steps(heard.subarray(2300 * MS))).toBeLessThan(TONE_STEP * 1.2)
  })

  it('sheds it from noise too, in which no period repeats', () => {
    const random = chance(7)
    const noise = Float32Array.from({ length: 300 * 160 }, () => (random() - 0.5) * 0.3)
    const { looks } = play(
      stalled(
        steady(300, (i) => noise[i] ?? 0),
        2000,
        200,
      ),
      5800,
    )
    expect(looks.find(({ at, delay }) => at > 2300 && delay <= 35)?.at).toBeLessThan(5000)
  })

  it('keeps what recurring stalls need, so that later ones are not heard', () => {
    let arrivals = steady(1000)
    for (let at = 1000; at < 20000; at += 1500) arrivals = stalled(arrivals, at, 120)
    const { looks, figures } = play(arrivals, 19000)
    expect(figures.underruns).toBeLessThanOrEqual(3)
    expect(looks.at(-1)?.target).toBeGreaterThan(100)
    expect(looks.at(-1)?.target).toBeLessThanOrEqual(160)
  })

  it('goes back to what a quiet network needs ten seconds after the last of them', () => {
    let arrivals = steady(1500)
    for (let at = 1000; at < 6000; at += 1000) arrivals = stalled(arrivals, at, 120)
    const { looks } = play(arrivals, 29000)
    expect(looks.at(-1)?.target).toBeLessThanOrEqual(35)
    expect(looks.at(-1)?.delay).toBeLessThanOrEqual(20)
  })

  it('settles on a path that became 100 ms longer for good', () => {
    const arrivals = steady(1500).map(({ at, packet }) => ({ at: at < 3000 ? at : at + 100, packet }))
    const { looks, figures } = play(arrivals, 29000)
    expect(figures.underruns).toBeLessThanOrEqual(8)
    expect(looks.at(-1)?.delay).toBeLessThanOrEqual(35)
    expect(looks.at(-1)?.delay).toBeGreaterThanOrEqual(5)
  })

  /** An audio thread that is held up for 100 ms every four seconds, and then plays what it owes at once, or never. */
  function heldUp(catchesUp: boolean) {
    const buffer = new JitterBuffer()
    const block = new Float32Array(QUANTUM)
    const coming = steady(1000)
    const looks: { at: number; depth: number }[] = []
    let owed = 0
    for (let at = 0; at < 19000; at += QUANTUM / MS) {
      while (coming[0] !== undefined && coming[0].at <= at) buffer.push((coming.shift() as Arrival).packet)
      const held = at % 4000 > 3000 && at % 4000 < 3100
      owed = held && !catchesUp ? 0 : owed + 1
      if (held) continue
      for (; owed > 0; owed--) buffer.pull(block)
      looks.push({ at, depth: buffer.depth / MS })
    }
    return { looks, figures: buffer.figures }
  }

  it('does not take an audio thread that was held up, and caught up, for a slow network', () => {
    const { figures } = heldUp(true)
    expect(figures.targetMs).toBeLessThanOrEqual(40)
    expect(figures.addedDelayMs).toBeLessThanOrEqual(40)
  })

  it('sheds within 2 s what piled up while the audio thread was held up', () => {
    const { looks, figures } = heldUp(false)
    expect(looks.find(({ at }) => at > 15105)?.depth).toBeGreaterThan(80)
    expect(looks.find(({ at }) => at > 17100)?.depth).toBeLessThan(60)
    expect(figures.targetMs).toBeLessThanOrEqual(40)
  })

  it('throws the oldest away when seconds of audio come at once', () => {
    const { looks, figures } = play(stalled(steady(500), 1000, 4000), 9000)
    expect(looks.find(({ at }) => at > 5100)?.depth).toBeLessThan(1020)
    expect(looks.at(-1)?.delay).toBeLessThan(60)
    expect(figures.lost).toBeGreaterThan(100)
  })
})

describe('jitter buffer with jitter', () => {
  it('plays through 50 ms of jitter and 3 % loss with less than 6 % invented', () => {
    const random = chance(3)
    const arrivals = steady(1500)
      .map(({ at, packet }) => ({ at: at + random() * 50, packet }))
      .filter(() => random() > 0.03)
    const { figures, looks } = play(arrivals, 29000)
    expect(figures.concealedMs).toBeLessThan(29000 * 0.06)
    expect(looks.at(-1)?.target).toBeLessThanOrEqual(80)
  })

  it.each([-200, 200])('follows a source whose clock is %i ppm off', (ppm) => {
    const arrivals = steady(6000).map(({ at, packet }) => ({ at: at * (1 + ppm / 1e6), packet }))
    const { figures, looks } = play(arrivals, 115000)
    expect(figures.underruns).toBe(0)
    expect(figures.lost).toBe(0)
    for (const { delay } of looks.slice(20)) {
      expect(delay).toBeGreaterThan(0)
      expect(delay).toBeLessThan(45)
    }
  })
})

describe('jitter buffer at a change of source', () => {
  it('goes on without a gap when sequence and timestamps jump', () => {
    const other = Array.from({ length: 50 }, (_, n) => ({
      at: 1000 + n * 20,
      packet: { ...packet(n), sequence: 40000 + n, timestamp: (3e9 + n * 160) >>> 0 },
    }))
    const { heard, figures } = play([...steady(50), ...other], 1900)
    expect(figures).toMatchObject({ lost: 0, late: 0 })
    for (let at = 400; at < heard.length - 160; at += 80)
      expect(rms(heard.subarray(at, at + 80))).toBeGreaterThan(0.2)
  })

  it.each([-5, 5])('goes on when timestamps alone jump by %i s', (seconds) => {
    const jump = steady(200).map(({ at, packet }, n) => ({
      at,
      packet: { ...packet, timestamp: (packet.timestamp + (n < 50 ? 0 : seconds * 8000)) >>> 0 },
    }))
    const { heard, figures } = play(jump, 3900)
    expect(figures.late).toBe(0)
    for (let at = 1200 * MS; at < heard.length - 160; at += 80) {
      expect(rms(heard.subarray(at, at + 80))).toBeGreaterThan(0.2)
    }
  })

  it('fills up anew after silence', () => {
    const resumed = Array.from({ length: 50 }, (_, n) => ({
      at: 4000 + n * 20,
      packet: { ...packet(50 + n), marker: n === 0, timestamp: 50 * 160 + 3000 * MS + n * 160 },
    }))
    const { heard, figures, looks } = play([...steady(50), ...resumed], 4900)
    expect(rms(heard.subarray(1200 * MS, 4000 * MS))).toBe(0)
    expect(rms(heard.subarray(4050 * MS, 4900 * MS))).toBeGreaterThan(0.3)
    expect(looks.at(-1)?.delay).toBeLessThanOrEqual(30)
    expect(figures.lost).toBe(0)
  })

  it('forgets everything at a reset', () => {
    const { buffer } = play(stalled(steady(100), 500, 200), 1500)
    buffer.reset()
    expect(buffer.figures).toMatchObject({ received: 0, lost: 0, depthMs: 0, targetMs: 40, underruns: 0 })
    const { heard, figures } = play(steady(100), 1900, buffer)
    expect(figures).toMatchObject({ lost: 0, underruns: 0, concealedMs: 0 })
    expect(rms(heard.subarray(400, 8000))).toBeGreaterThan(0.3)
  })
})

it('survives packets of any length and order', () => {
  const random = chance(99)
  const buffer = new JitterBuffer()
  const output = new Float32Array(QUANTUM)
  for (let i = 0; i < 20000; i++) {
    if (random() < 0.5) {
      buffer.push({
        sequence: Math.floor(random() * (random() < 0.5 ? 65536 : 50)),
        timestamp: Math.floor(random() * (random() < 0.5 ? 4294967296 : 20000)),
        marker: random() < 0.1,
        samples: new Float32Array(Math.floor(random() * 400)).fill(0.1),
      })
    }
    buffer.pull(output)
    expect(output.every((value) => Number.isFinite(value) && Math.abs(value) <= 1)).toBe(true)
    expect(buffer.depth).toBeLessThanOrEqual(8400)
  }
}, 30000)
