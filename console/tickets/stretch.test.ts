import { expect, it } from 'vitest'
import { inRecording, isOver, within } from './stretch'

const message = { starts: 12.5, seconds: 8 }

it('tells how far into the message the recording is', () => {
  expect(within(message, 0)).toBe(0)
  expect(within(message, 14.5)).toBe(2)
  expect(within(message, 60)).toBe(8)
})

it('finds a place of the message in the recording, never outside of it', () => {
  expect(inRecording(message, 0.5)).toBe(16.5)
  expect(inRecording(message, -1)).toBe(12.5)
  expect(inRecording(message, 2)).toBe(20.5)
  expect([isOver(message, 20.4), isOver(message, 20.5)]).toEqual([false, true])
})
