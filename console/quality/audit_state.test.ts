import { expect, it } from 'vitest'
import { readScore } from './audit_state'

it('takes whole numbers from 0 to 100 as a score', () => {
  expect(['0', '95', ' 100 '].map(readScore)).toEqual([0, 95, 100])
})

it.each(['', '101', '-1', '9.5', '1e2', '９５', 'abc', '1000'])('refuses %j as a score', (text) => {
  expect(readScore(text)).toBeNull()
})
