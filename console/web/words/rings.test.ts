import { expect, it } from 'vitest'
import { ringWord } from './rings'

it('names the ring limit in force in the language of the screen', () => {
  expect(ringWord(3, 'zh-CN')).toBe('三')
  expect(ringWord(2, 'zh-CN')).toBe('两')
  expect(ringWord(3, 'en')).toBe('three')
})

it('writes a limit beyond ten, or one that is no whole number, in figures', () => {
  expect(ringWord(12, 'zh-CN')).toBe('12')
  expect(ringWord(2.5, 'en')).toBe('2.5')
})
