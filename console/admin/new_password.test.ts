import { expect, it } from 'vitest'
import { newPassword } from './new_password'

it('makes passwords of three readable groups, never the same twice', () => {
  const made = new Set(Array.from({ length: 200 }, () => newPassword()))
  expect(made.size).toBe(200)
  for (const one of made) expect(one).toMatch(/^[a-hj-kmnp-z2-9]{4}-[a-hj-kmnp-z2-9]{4}-[a-hj-kmnp-z2-9]{4}$/)
})

it('passes over bytes that would make some signs likelier than others', () => {
  let turn = 0
  const bytes = (into: Uint8Array<ArrayBuffer>) => into.fill(turn++ === 0 ? 255 : 0)
  expect(newPassword(bytes)).toBe('aaaa-aaaa-aaaa')
  expect(turn).toBe(2)
})
