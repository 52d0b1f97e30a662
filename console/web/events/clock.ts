/**
 * The server's clock as this page knows it. Timers on the screen count from server stamps, so a workstation whose
 * clock is off would show wrong waits; the smallest difference seen is the best estimate (delay only adds).
 */
let offsetSeconds = 0
let known = false

/** Takes one server stamp (Unix seconds) that has just arrived. */
export function heardFromServer(at: number, localSeconds: number = Date.now() / 1000): void {
  if (!Number.isFinite(at) || at <= 0) return
  const offset = at - localSeconds
  if (!known || offset > offsetSeconds) {
    offsetSeconds = offset
    known = true
  }
}

/** Now on the server, Unix seconds. */
export function serverNow(localMs: number = Date.now()): number {
  return localMs / 1000 + offsetSeconds
}

export function forgetClock(): void {
  offsetSeconds = 0
  known = false
}
