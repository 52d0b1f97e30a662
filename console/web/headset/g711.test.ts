import { describe, expect, it } from 'vitest'
import { decode, encode, encodeA, encodeMu, PCMA, PCMU, silence, type PayloadType } from './g711'

const LAWS: PayloadType[] = [PCMU, PCMA]
const ALL = Uint8Array.from({ length: 256 }, (_, code) => code)

function sine(level: number, count = 8000): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => level * Math.sin((2 * Math.PI * 1020 * i) / 8000))
}

function coded(samples: Float32Array, law: PayloadType): Float32Array {
  const codes = new Uint8Array(samples.length)
  encode(samples, law, codes)
  return decode(codes, law)
}

function snr(signal: Float32Array, heard: Float32Array): number {
  const power = signal.reduce((sum, value) => sum + value * value, 0)
  const noise = signal.reduce((sum, value, i) => sum + (value - (heard[i] ?? 0)) ** 2, 0)
  return 10 * Math.log10(power / noise)
}

describe('G.711', () => {
  it('has the values of the tables at their ends', () => {
    expect(Array.from(decode(Uint8Array.of(0x80, 0x00, 0xff, 0x7f), PCMU), (v) => v * 32768)).toEqual([
      32124, -32124, 0, -0,
    ])
    expect(Array.from(decode(Uint8Array.of(0xaa, 0x2a, 0xd5, 0x55), PCMA), (v) => v * 32768)).toEqual([
      32256, -32256, 8, -8,
    ])
  })

  it('encodes the value of each code as that code, save for the second zero of the mu-law', () => {
    for (const law of LAWS) {
      const codes = new Uint8Array(256)
      encode(decode(ALL, law), law, codes)
      const expected = Array.from(ALL, (code) => (law === PCMU && code === 0x7f ? 0xff : code))
      expect(Array.from(codes)).toEqual(expected)
    }
  })

  it('is never off by more than half a step of its segment', () => {
    for (const [law, one] of [
      [PCMU, encodeMu],
      [PCMA, encodeA],
    ] as const) {
      for (let sample = -32000; sample <= 32000; sample += 7) {
        const heard = (decode(Uint8Array.of(one(sample)), law)[0] ?? 0) * 32768
        // Half a step is 1/32 of where its segment begins, for the mu-law shifted by its bias of 132.
        expect(Math.abs(heard - sample)).toBeLessThanOrEqual(Math.max(8, (Math.abs(sample) + 132) / 32) + 1)
      }
    }
  })

  it('keeps the 33 dB of ITU-T G.712 between a sine and its quantising noise from -3 to -30 dBFS', () => {
    for (const law of LAWS) {
      for (const level of [-3, -10, -20, -30]) {
        const signal = sine(10 ** (level / 20))
        expect(snr(signal, coded(signal, law))).toBeGreaterThan(33)
      }
    }
  })

  it('clips what is beyond full scale and turns nonsense into silence', () => {
    for (const law of LAWS) {
      const heard = coded(Float32Array.of(5, -5, Number.NaN, 0), law)
      expect(heard[0]).toBeGreaterThan(0.98)
      expect(heard[1]).toBeLessThan(-0.98)
      expect(Math.abs(heard[2] ?? 1)).toBeLessThan(0.001)
      expect(heard[2]).toBe(decode(Uint8Array.of(silence(law)), law)[0])
    }
  })
})
