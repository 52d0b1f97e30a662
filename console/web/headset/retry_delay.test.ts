import { expect, it } from 'vitest'
import { retryDelay } from './retry_delay'

it('waits longer with each attempt, at most 8 s, and not in step with others', () => {
  expect([0, 1, 2, 3, 20].map((attempt) => retryDelay(attempt, 1))).toEqual([250, 500, 1000, 2000, 8000])
  expect(retryDelay(3, 0)).toBe(1000)
})
