/** The waveform as the API gives it: a list of amplitudes for each channel, under one of a few names. */
export interface Waveform {
  channels: number[][]
  /** Whose voice each channel holds, by the party's number in the call. */
  parties: number[]
  seconds: number | null
}

function lists(value: unknown): number[][] | null {
  if (!Array.isArray(value) || value.length === 0) return null
  if (value.every((one) => Array.isArray(one))) return value as number[][]
  return value.every((one) => typeof one === 'number') ? [value as number[]] : null
}

/** Raises TypeError when there is no waveform in `body`. */
export function readPeaks(body: unknown): Waveform {
  const map = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const found = lists(body) ?? lists(map['peaks']) ?? lists(map['channels']) ?? lists(map['data'])
  if (!found) throw new TypeError('the answer holds no waveform')
  const loudest = Math.max(
    1,
    ...found.map((channel) => channel.reduce((most, one) => Math.max(most, Math.abs(one)), 0)),
  )
  const seconds = typeof map['seconds'] === 'number' ? map['seconds'] : null
  const told = map['parties']
  const named =
    Array.isArray(told) && told.length === found.length && told.every((one) => Number.isInteger(one))
  const parties = named ? (told as number[]) : found.map((_, channel) => channel)
  return { channels: found.map((channel) => channel.map((one) => one / loudest)), parties, seconds }
}

/** Quiet telephone speech is lifted so that it can be seen: square root, the loudest at full height. */
export function forSight(channel: readonly number[]): number[] {
  const most = channel.reduce((loudest, one) => Math.max(loudest, Math.abs(one)), 0)
  if (most === 0) return [...channel]
  return channel.map((one) => Math.sign(one) * Math.sqrt(Math.abs(one) / most))
}
