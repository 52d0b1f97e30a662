import { describe, expect, it } from 'vitest'
import { Resampler } from './resampler'

function sine(frequency: number, rate: number, seconds: number): Float32Array {
  const count = Math.round(rate * seconds)
  return Float32Array.from({ length: count }, (_, i) => 0.5 * Math.sin((2 * Math.PI * frequency * i) / rate))
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length)
}

/** Level against a sine of 0.5, dB, once the filter is filled. */
function gain(samples: Float32Array, rate: number): number {
  return 20 * Math.log10(rms(samples.subarray(Math.round(rate * 0.05))) / (0.5 / Math.SQRT2))
}

/** In pieces as an audio thread gives them. */
function resampled(resampler: Resampler, input: Float32Array, piece = 128): Float32Array {
  const pieces: number[] = []
  for (let at = 0; at < input.length; at += piece) {
    pieces.push(...resampler.process(input.subarray(at, at + piece)))
  }
  return Float32Array.from(pieces)
}

function heard(frequency: number, from: number, to: number): number {
  return gain(resampled(new Resampler(from, to), sine(frequency, from, 0.5)), to)
}

/** What is left besides the best-fitting sine, dB below it. */
function snr(samples: Float32Array, frequency: number, rate: number): number {
  let [ss, cc, sc, xs, xc] = [0, 0, 0, 0, 0]
  samples.forEach((value, i) => {
    const s = Math.sin((2 * Math.PI * frequency * i) / rate)
    const c = Math.cos((2 * Math.PI * frequency * i) / rate)
    ss += s * s
    cc += c * c
    sc += s * c
    xs += value * s
    xc += value * c
  })
  const d = ss * cc - sc * sc
  const a = (xs * cc - xc * sc) / d
  const b = (xc * ss - xs * sc) / d
  let noise = 0
  samples.forEach((value, i) => {
    const angle = (2 * Math.PI * frequency * i) / rate
    noise += (value - a * Math.sin(angle) - b * Math.cos(angle)) ** 2
  })
  return 10 * Math.log10(((a * a + b * b) / 2) * (samples.length / noise))
}

const RATES = [16000, 22050, 32000, 44100, 48000, 96000]

describe('resampler to the line', () => {
  it.each(RATES)('is flat up to 3.4 kHz from %i Hz', (rate) => {
    for (const frequency of [100, 300, 1000, 2000, 3000, 3300]) {
      expect(Math.abs(heard(frequency, rate, 8000))).toBeLessThan(0.15)
    }
  })

  it.each(RATES)('keeps at least 60 dB of what would fold back, from %i Hz, away', (rate) => {
    for (const frequency of [4600, 5000, 6100, 7000, 7900]) {
      expect(heard(frequency, rate, 8000)).toBeLessThan(-60)
    }
  })

  it.each(RATES)('keeps a tone from %i Hz at its frequency with 60 dB of SNR', (rate) => {
    const output = resampled(new Resampler(rate, 8000), sine(1000, rate, 1))
    expect(snr(output.subarray(400), 1000, 8000)).toBeGreaterThan(60)
  })

  it.each(RATES)('gives 8000 samples for each second of %i Hz', (rate) => {
    const output = resampled(new Resampler(rate, 8000), sine(1000, rate, 10))
    expect(Math.abs(output.length - 80000)).toBeLessThanOrEqual(1)
  })
})

describe('resampler from the line', () => {
  it.each(RATES)('keeps tones and lets no images pass to %i Hz', (rate) => {
    for (const frequency of [300, 1000, 3300]) {
      const output = resampled(new Resampler(8000, rate), sine(frequency, 8000, 1), 160)
      expect(Math.abs(gain(output, rate))).toBeLessThan(0.15)
      expect(snr(output.subarray(rate / 10), frequency, rate)).toBeGreaterThan(55)
    }
  })

  it.each(RATES)('says exactly how much input a block of output at %i Hz needs', (rate) => {
    const resampler = new Resampler(8000, rate)
    for (let block = 0; block < 200; block++) {
      const wanted = 1 + ((block * 37) % 128)
      const need = resampler.inputFor(wanted)
      let given = 0
      for (let i = 0; i < need; i++) {
        expect(given).toBeLessThan(wanted)
        given += resampler.process(new Float32Array(1)).length
      }
      expect(given).toBeGreaterThanOrEqual(wanted)
    }
  })

  it('delays by about 4 ms at most', () => {
    for (const rate of RATES) {
      expect(new Resampler(rate, 8000).delay).toBeLessThan(0.004)
      expect(new Resampler(8000, rate).delay).toBeLessThan(0.004)
    }
  })
})

it('passes 8 kHz on unchanged', () => {
  const input = sine(440, 8000, 0.1)
  const resampler = new Resampler(8000, 8000)
  expect(resampler.inputFor(128)).toBe(128)
  expect(resampler.process(input)).toEqual(input)
})

it('refuses rates that it is not made for', () => {
  for (const [from, to] of [
    [44100, 16000],
    [44100.5, 8000],
    [4000, 8000],
  ] as const) {
    expect(() => new Resampler(from, to)).toThrow(RangeError)
  }
})
