import { expect, it } from 'vitest'
import { ringSamples, testSamples } from './ring_tone'

const RATE = 16000

function crossings(samples: Float32Array): number {
  let count = 0
  for (let i = 1; i < samples.length; i++) if ((samples[i - 1] ?? 0) < 0 && (samples[i] ?? 0) >= 0) count += 1
  return count
}

it('rings 450 Hz for one second in five', () => {
  const cycle = ringSamples(RATE)
  expect(cycle.length).toBe(5 * RATE)
  expect(crossings(cycle.subarray(0, RATE))).toBeGreaterThanOrEqual(448)
  expect(crossings(cycle.subarray(0, RATE))).toBeLessThanOrEqual(450)
  expect(cycle.subarray(RATE).every((value) => value === 0)).toBe(true)
})

it('begins and ends each ring and the test tone without a click', () => {
  for (const tone of [ringSamples(RATE).subarray(0, RATE), testSamples(RATE, 1)]) {
    expect(Math.abs(tone[1] ?? 1)).toBeLessThan(0.01)
    expect(Math.abs(tone.at(-1) ?? 1)).toBeLessThan(0.01)
    expect(Math.max(...tone)).toBeGreaterThan(0.24)
  }
})
