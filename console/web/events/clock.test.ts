import { beforeEach, expect, it } from 'vitest'
import { forgetClock, heardFromServer, serverNow } from './clock'

beforeEach(forgetClock)

it('shows the server its own time although the workstation is an hour slow', () => {
  heardFromServer(1_003_600, 1_000_000)
  expect(serverNow(1_000_010_000)).toBe(1_003_610)
})

it('does not let a late or resent stamp put the clock back', () => {
  heardFromServer(1000, 1000.05)
  heardFromServer(400, 1001)
  expect(serverNow(1_002_000)).toBeCloseTo(1001.95, 5)
})

it('passes over stamps that are none', () => {
  heardFromServer(Number.NaN, 5)
  heardFromServer(0, 5)
  expect(serverNow(7000)).toBe(7)
})
