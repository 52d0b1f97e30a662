/** One typed door to the JSON API: cookies go along, errors become `ApiError`, a lost session is told once. */

export interface ErrorBody {
  error: { code: string; message: string; field?: string; [more: string]: unknown }
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
    /** Seconds to wait before the next try, where the server said so (RFC 9110 §10.2.3). */
    readonly retryAfter?: number,
    readonly body?: unknown,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

type Query = Record<string, string | number | boolean | undefined | null>

let whenSignedOut: () => void = () => undefined

/** Called when a request that needs a session is told that there is none (any more). */
export function onSignedOut(handler: () => void): void {
  whenSignedOut = handler
}

/** The server says that the session is over; leads to the login page. */
export function signedOut(): void {
  whenSignedOut()
}

function withQuery(path: string, query?: Query): string {
  if (!query) return path
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value))
  }
  const text = parameters.toString()
  return text ? `${path}?${text}` : path
}

function isErrorBody(body: unknown): body is ErrorBody {
  return (
    typeof body === 'object' &&
    body !== null &&
    'error' in body &&
    typeof (body as ErrorBody).error?.code === 'string'
  )
}

function seconds(header: string | null): number | undefined {
  if (!header) return undefined
  const plain = Number(header)
  if (Number.isFinite(plain)) return Math.max(0, Math.ceil(plain))
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000))
}

async function bodyOf(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined
  const text = await response.text()
  if (!text) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/**
 * Sends one request and gives its JSON.
 * @throws ApiError with the server's code; `offline` when it cannot be reached.
 */
export async function request<T>(method: string, path: string, payload?: unknown, query?: Query): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (payload !== undefined) headers['Content-Type'] = 'application/json'
  let response: Response
  try {
    response = await fetch(withQuery(path, query), {
      method,
      headers,
      credentials: 'same-origin',
      body: payload === undefined ? undefined : JSON.stringify(payload),
    })
  } catch (cause) {
    throw new ApiError(0, 'offline', cause instanceof Error ? cause.message : String(cause))
  }
  const body = await bodyOf(response)
  if (response.ok) return body as T
  const told = isErrorBody(body) ? body.error : undefined
  const error = new ApiError(
    response.status,
    told?.code ?? `http_${response.status}`,
    told?.message ?? response.statusText,
    told?.field,
    seconds(response.headers.get('Retry-After')),
    body,
  )
  if (response.status === 401 && path !== '/api/session') whenSignedOut()
  throw error
}

export const get = <T>(path: string, query?: Query) => request<T>('GET', path, undefined, query)
export const post = <T>(path: string, payload: unknown = {}) => request<T>('POST', path, payload)
export const put = <T>(path: string, payload: unknown) => request<T>('PUT', path, payload)
export const patch = <T>(path: string, payload: unknown) => request<T>('PATCH', path, payload)
export const remove = <T>(path: string) => request<T>('DELETE', path)
