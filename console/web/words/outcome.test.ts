import { expect, it } from 'vitest'
import { outboundOutcome, outcomeOf, outcomeSign, outcomeTone, type Outcome } from './outcome'

it.each([
  [200, 'answered'],
  [486, 'busy'],
  [600, 'busy'],
  [603, 'rejected'],
  [403, 'rejected'],
  [404, 'not_found'],
  [484, 'not_found'],
  [604, 'not_found'],
  [408, 'no_answer'],
  [480, 'no_answer'],
  [503, 'unavailable'],
  [500, 'failed'],
])('tells a dialled call that ended with %i as %s', (status, outcome) => {
  expect(outboundOutcome(status)).toBe(outcome)
})

it('tells who took back a call that was not answered yet', () => {
  expect(outboundOutcome(487, true)).toBe('cancelled')
  expect(outboundOutcome(487, false)).toBe('no_answer')
})

it('tells a caller who gave up from a call that goes on', () => {
  const facts = { direction: 'inbound', answered: false, ended: true, sipStatus: 487, hungUpBy: 'caller' }
  expect(outcomeOf(facts)).toBe('abandoned')
  expect(outcomeOf({ ...facts, ended: false })).toBe('live')
  expect(outcomeOf({ ...facts, answered: true })).toBe('answered')
})

it('gives busy, rejected, not found and no answer each a colour or a sign that no other has', () => {
  const outcomes: Outcome[] = [
    'answered',
    'busy',
    'rejected',
    'not_found',
    'no_answer',
    'failed',
    'abandoned',
  ]
  const looks = outcomes.map((one) => `${outcomeTone(one)} ${outcomeSign(one)}`)
  expect(new Set(looks).size).toBe(outcomes.length)
  expect(new Set(outcomes.map(outcomeSign)).size).toBe(outcomes.length)
})
