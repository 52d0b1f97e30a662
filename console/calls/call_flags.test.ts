import { expect, it } from 'vitest'
import { branchesOf, flagsOf } from './call_flags'

it('marks what is special about a call, and a wrong transfer once', () => {
  expect(flagsOf({})).toEqual([])
  expect(flagsOf({ transferred: true, private: false })).toEqual(['transferred'])
  expect(flagsOf({ transferred: true, wrong_transfer: true })).toEqual(['wrong_transfer'])
  expect(flagsOf({ voicemail: { starts: 3, seconds: 4, ticket: null }, callback_of: 'x' })).toEqual([
    'voicemail',
    'callback',
  ])
  expect(flagsOf({ outcome: 'voicemail', voicemail: { starts: 3, seconds: 4, ticket: null } })).toEqual([])
  expect(flagsOf({ callback_requested_at: '2026-11-22T10:00:00Z', voicemail: null })).toEqual(['callback'])
})

it('knows the menu branches of the calls on the screen', () => {
  expect(branchesOf([{ branches: ['b', 'a'] }, {}, { branches: ['a'] }])).toEqual(['a', 'b'])
})
