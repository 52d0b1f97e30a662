/** The server names what is wrong in English (telephony/routing/checks.py); here it is said in the user's language. */
import { ApiError } from '@/api/client'
import type { Problem } from './place'

type Say = (key: string, names?: Record<string, string>) => string

const KNOWN: [pattern: RegExp, key: string][] = [
  [/^there is no (?<what>[a-z ]+) "(?<name>.*?)"(?:; is "(?<near>.*)" meant\?)?$/, 'missing'],
  [/^"(?<name>.*)" is there twice$/, 'twice'],
  [/^(?<name>\S+) is there twice$/, 'twice'],
  [/^another entry is for the same line and number already$/, 'sameEntry'],
  [/^there are opening hours, but no step for when it is closed$/, 'noClosed'],
  [/^there is a limit of callers, but no step for when it is reached$/, 'noFull'],
  [/^the strategy "skills" needs a skill$/, 'noSkill'],
  [/^must be later than the one before$/, 'order'],
  [/^a menu needs at least one choice$/, 'noChoice'],
  [/^(?<name>\S) is the emergency key$/, 'isEmergency'],
  [/^an emergency key and its step belong together$/, 'emergencyStep'],
  [/^a caller who does nothing would go round in circles, back to (?<name>\S+)$/, 'loop'],
  [/^24:00 can only be an end$/, 'midnight'],
  [/^starts and ends at (?<name>\S+); the whole day is 00:00 to 24:00$/, 'emptyRange'],
  [/^there is no such file among the prompts$/, 'noFile'],
  [/^expected `?(str|array|object)`? of length >= 1/, 'needed'],
  [/^expected a name without blanks around it/, 'blanks'],
  [/^expected a time like/, 'time'],
  [/^expected a telephone number/, 'number'],
  [/^expected `?(int|float)/, 'range'],
  [/^expected `?str`? of length <=/, 'long'],
]

/** Server sentences come as `place: sentence`, or in the Chinese frame `…（place）：sentence`. */
function sentenceOf(error: ApiError): string {
  const place = error.field ?? ''
  const at = error.message.indexOf(place)
  return at < 0 ? error.message : error.message.slice(at + place.length).replace(/^[)）]?\s*[:：]\s*/, '')
}

/** Where and why a document was refused; null for any other failure. */
export function problemOf(error: unknown, say: Say): Problem | null {
  if (!(error instanceof ApiError) || error.code !== 'bad_routing') return null
  const sentence = sentenceOf(error)
  for (const [pattern, key] of KNOWN) {
    const found = pattern.exec(sentence)
    if (!found) continue
    const { what = '', name = '', near = '' } = found.groups ?? {}
    if (key !== 'missing') return { place: error.field ?? '', message: say(key, { name }) }
    const message = say('missing', { what: say(`what.${what.replace(/ /g, '_')}`), name })
    return { place: error.field ?? '', message: near ? message + say('near', { near }) : message }
  }
  return { place: error.field ?? '', message: sentence }
}
