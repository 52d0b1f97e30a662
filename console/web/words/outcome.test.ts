import { expect, it } from 'vitest'
import { outcomeOf, outcomeSign, outcomeTone, type Outcome } from './outcome'

const dialled = { direction: 'outbound', answered: false, ended: true, hungUpBy: 'caller' }

it.each([
  [486, 'busy'],
  [600, 'busy'],
  [603, 'rejected'],
  [403, 'rejected'],
  [404, 'not_found'],
  [484, 'not_found'],
  [604, 'not_found'],
  [408, 'no_answer'],
  [487, 'no_answer'],
  [480, 'unavailable'],
  [503, 'failed'],
  [null, 'failed'],
])('tells a dialled call that ended with %s as %s', (sipStatus, outcome) => {
  expect(outcomeOf({ ...dialled, sipStatus })).toBe(outcome)
})

it('tells a call that the agent took back from one that nobody answered', () => {
  expect(outcomeOf({ ...dialled, sipStatus: 487, hungUpBy: 'agent' })).toBe('cancelled')
  expect(outcomeOf({ ...dialled, sipStatus: 408, hungUpBy: 'system' })).toBe('no_answer')
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
