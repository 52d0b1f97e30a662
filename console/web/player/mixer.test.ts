import { expect, it, vi } from 'vitest'
import { useMixer } from './mixer'

it('mutes a voice, plays one alone, and goes back to all', () => {
  const changed = vi.fn()
  const mixer = useMixer(changed)
  const heard = () => [0, 1, 2].filter((party) => mixer.audible(party))
  expect(heard()).toEqual([0, 1, 2])
  mixer.toggleMute(1)
  expect(heard()).toEqual([0, 2])
  mixer.toggleAlone(2)
  expect(heard()).toEqual([2])
  mixer.toggleAlone(1)
  expect(heard()).toEqual([1, 2])
  expect(mixer.muted.value.size).toBe(0)
  mixer.toggleMute(2)
  expect(heard()).toEqual([1])
  mixer.toggleAlone(1)
  expect(heard()).toEqual([0, 1])
  expect(changed).toHaveBeenCalledTimes(5)
})
