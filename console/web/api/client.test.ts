import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError, get, onSignedOut, post } from './client'

const asked = vi.fn<(input: string, init: RequestInit) => Promise<Response>>()

beforeEach(() => {
  asked.mockReset()
  vi.stubGlobal('fetch', asked)
})
afterEach(() => {
  vi.unstubAllGlobals()
  onSignedOut(() => undefined)
})

function answers(status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  asked.mockResolvedValueOnce(new Response(status === 204 ? null : text, { status, headers }))
}

async function refused(promise: Promise<unknown>): Promise<ApiError> {
  return promise.then(
    () => {
      throw new Error('it was not refused')
    },
    (error: ApiError) => error,
  )
}

describe('the API client', () => {
  it('leaves empty parameters out of the address', async () => {
    answers(200, [])
    await get('/api/calls', { number: '', since: 5, agent: undefined, before: null, limit: 0 })
    expect(asked.mock.calls[0]?.[0]).toBe('/api/calls?since=5&limit=0')
  })

  it('gives nothing for an empty answer', async () => {
    answers(204, '')
    expect(await post('/api/calls/c1/hangup')).toBeUndefined()
  })

  it('tells code, message, field and the time to wait', async () => {
    answers(
      423,
      { error: { code: 'locked', message: 'Too many', field: 'password' } },
      { 'Retry-After': '17' },
    )
    const error = await refused(post('/api/session', { username: 'a', password: 'b' }))
    expect(error).toMatchObject({
      status: 423,
      code: 'locked',
      message: 'Too many',
      field: 'password',
      retryAfter: 17,
    })
  })

  it('survives an error page that is no JSON', async () => {
    answers(502, '<html>Bad gateway</html>')
    expect(await refused(get('/api/calls'))).toMatchObject({ status: 502, code: 'http_502' })
  })

  it('calls an unreachable server offline', async () => {
    asked.mockRejectedValueOnce(new TypeError('fetch failed'))
    expect(await refused(get('/api/calls'))).toMatchObject({ status: 0, code: 'offline' })
  })

  it('tells of a lost session, but not of a wrong password', async () => {
    const lost = vi.fn()
    onSignedOut(lost)
    answers(401, { error: { code: 'wrong_password', message: 'no' } })
    await refused(post('/api/session', {}))
    expect(lost).not.toHaveBeenCalled()
    answers(401, { error: { code: 'unauthorized', message: 'no' } })
    await refused(get('/api/calls'))
    expect(lost).toHaveBeenCalledOnce()
  })
})
