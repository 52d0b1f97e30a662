import { expect, it, vi } from 'vitest'
import { makeOnce } from './once'

it('does a deed once, also while its answer is on the way, and another one after it', async () => {
  const once = makeOnce()
  let told: () => void = () => undefined
  const answer = vi.fn(() => new Promise<void>((done) => (told = done)))
  const first = once('answer c1', answer)
  expect(await once('answer c1', answer)).toBe(false)
  told()
  expect(await first).toBe(true)
  expect(await once('answer c1', answer)).toBe(false)
  const other = vi.fn(() => Promise.resolve())
  expect(await once('answer c2', other)).toBe(true)
  expect([answer.mock.calls.length, other.mock.calls.length]).toEqual([1, 1])
})

it('lets a deed that failed be tried again', async () => {
  const once = makeOnce()
  const act = vi.fn(() => Promise.reject(new Error('no headset')))
  await expect(once('answer c1', act)).rejects.toThrow('no headset')
  await expect(once('answer c1', act)).rejects.toThrow('no headset')
  expect(act).toHaveBeenCalledTimes(2)
})
