import { i18n } from '@/i18n'

/** What console/health.py says of a part, in English, and the screens' sentence for it. */
export const DETAILS: readonly [RegExp, string][] = [
  [/^(?<n>[\d.]+) GiB free$/, 'diskFree'],
  [/^the data folder cannot be written$/, 'diskShut'],
  [/^the phone process does not answer$/, 'phoneAway'],
  [/^unknown while the phone process is away$/, 'unknown'],
  [/^no line is configured$/, 'noLine'],
  [/^does not answer in time$/, 'slow'],
  [/^the worker has not been seen$/, 'workerNever'],
  [/^the worker was last seen (?<n>\d+) s ago$/, 'workerSince'],
  [/^(?<n>\d+) events wait for the database since (?<seconds>\d+) s: is it locked\?$/, 'eventsStuck'],
  [/^(?<n>\d+) events were refused and set aside$/, 'eventsRefused'],
  [/^audio of (?<n>\d+) calls cannot be kept now: (?<why>.*)$/, 'audioLost'],
  [/^audio of (?<n>\d+) calls within the last hour could not all be kept$/, 'audioLostLately'],
]

/** A reason that nobody foresaw, such as the operating system's own, stays as it came. */
export function healthDetail(detail: string): string {
  for (const [pattern, word] of DETAILS) {
    const found = pattern.exec(detail)
    if (found) return i18n.global.t(`admin.details.${word}`, { ...found.groups })
  }
  return detail
}
