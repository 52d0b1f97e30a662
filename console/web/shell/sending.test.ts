import { beforeEach, expect, it, vi } from 'vitest'
import { ApiError } from '@/api/client'
import { useSending } from './sending'

const told = vi.hoisted(() => vi.fn())
// the message at the foot of the screen needs a browser
vi.mock('./report', () => ({ tellFailure: told }))

beforeEach(() => told.mockReset())

it('says what is refused beside its field, until it is sent again', async () => {
  const { wrong, errorOf, send, busy } = useSending()
  await send(() => Promise.reject(new ApiError(422, 'bad_number', 'No number', 'number')))
  expect(errorOf('number')).toBe('No number')
  expect(errorOf('name', 'number')).toBe('No number')
  expect(errorOf('name')).toBe('')
  expect(wrong.value?.code).toBe('bad_number')
  expect(busy.value).toBe(false)
  expect(told).not.toHaveBeenCalled()
  await send(() => Promise.resolve())
  expect(errorOf('number')).toBe('')
})

it('tells any other failure at the foot of the screen, unless the form meets it itself', async () => {
  const { errorOf, send } = useSending()
  const conflict = new ApiError(409, 'conflict', 'Changed meanwhile', 'version')
  await send(
    () => Promise.reject(conflict),
    (error) => error === conflict,
  )
  expect(errorOf('version')).toBe('')
  expect(told).not.toHaveBeenCalled()
  const lost = new ApiError(0, 'offline', 'gone')
  await send(() => Promise.reject(lost))
  expect(told).toHaveBeenCalledExactlyOnceWith(lost)
})

it('sends one at a time', async () => {
  const { send, busy } = useSending()
  let done: (value?: unknown) => void = () => undefined
  const act = vi.fn(() => new Promise((end) => (done = end)))
  const first = send(act)
  expect(busy.value).toBe(true)
  await send(act)
  expect(act).toHaveBeenCalledTimes(1)
  done()
  await first
  expect(busy.value).toBe(false)
})
