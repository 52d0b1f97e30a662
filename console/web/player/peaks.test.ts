import { expect, it } from 'vitest'
import { forSight, readPeaks } from './peaks'

it('reads the waveform of both channels', () => {
  expect(
    readPeaks({
      seconds: 2.5,
      rate: 50,
      peaks: [
        [0, 0.5],
        [0.25, 1],
      ],
    }),
  ).toEqual({
    channels: [
      [0, 0.5],
      [0.25, 1],
    ],
    parties: [0, 1],
    seconds: 2.5,
  })
})

it('knows whose voice each channel holds', () => {
  expect(readPeaks({ parties: [0, 1, 4], peaks: [[0], [0], [0]] }).parties).toEqual([0, 1, 4])
  expect(readPeaks({ parties: [0, 'x'], peaks: [[0], [0]] }).parties).toEqual([0, 1])
  expect(readPeaks({ parties: [0], peaks: [[0], [0]] }).parties).toEqual([0, 1])
})

it('lifts quiet speech to where it can be seen, and leaves silence flat', () => {
  expect(forSight([0, 0.01, 0.04])).toEqual([0, 0.5, 1])
  expect(forSight([0, 0])).toEqual([0, 0])
})

it.each([null, undefined, 'peaks', {}, { peaks: 'x' }, []])('refuses %j, which is no waveform', (body) => {
  expect(() => readPeaks(body)).toThrow(TypeError)
})
