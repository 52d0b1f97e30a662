import { expect, it } from 'vitest'
import { age, clock, midnight, span, unix, when } from './time'

it('writes spans with fixed figures', () => {
  expect([0, 9.9, 61, 3599, 3600, -4].map(span)).toEqual(['0:00', '0:09', '1:01', '59:59', '1:00:00', '0:00'])
})

it('reads Unix seconds and RFC 3339 alike, and nothing as nothing', () => {
  expect(unix('2026-03-01T08:00:00.250Z')).toBe(1772352000.25)
  expect(unix(1772352000.25)).toBe(1772352000.25)
  expect([unix(null), unix(''), unix('yesterday'), unix(Number.NaN)]).toEqual([null, null, null, null])
})

it('writes the clock alone for today and the day with it before', () => {
  const now = new Date(2026, 10, 22, 9, 30, 5)
  const today = new Date(2026, 10, 22, 8, 1, 2).getTime() / 1000
  expect(when(today, now)).toBe('08:01:02')
  expect(when(today - 86400, now)).toBe('11-21 08:01')
  expect(when(today - 400 * 86400, now)).toMatch(/^2025-/)
  expect(clock(null)).toBe('')
})

it('begins the day at the midnight of the place', () => {
  expect(midnight(new Date(2026, 10, 22, 23, 59))).toBe(new Date(2026, 10, 22).getTime() / 1000)
})

it('counts whole years of age', () => {
  const now = new Date(2026, 10, 22)
  expect(age('1968-11-22', now)).toBe(58)
  expect(age('1968-11-23', now)).toBe(57)
  expect([age('', now), age(null, now), age('unknown', now)]).toEqual([null, null, null])
})
