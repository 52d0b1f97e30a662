/** The JSON text frames of the phone process, checked before use. */
import { isG711, type PayloadType } from './g711'

export type PhoneMessage =
  | { type: 'welcome'; agent: string }
  | { type: 'start'; call: string; payloadType: PayloadType; direction: string }
  | { type: 'stop'; call: string }
  | { type: 'mute'; muted: boolean }
  | { type: 'probe'; n: number }
  | { type: 'ring'; call: string; on: boolean }
  | { type: 'replaced' }

type Fields = Record<string, unknown>

function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new TypeError(`${String(fields['type'])}: ${name} is no text`)
  return value
}

/** Raises SyntaxError (no JSON) or TypeError (a field is missing or of another type); null for a type unknown here. */
export function parsePhoneMessage(data: string): PhoneMessage | null {
  const parsed: unknown = JSON.parse(data)
  if (typeof parsed !== 'object' || parsed === null) throw new TypeError('no object')
  const fields = parsed as Fields
  switch (fields['type']) {
    case 'welcome':
      return { type: 'welcome', agent: text(fields, 'agent') }
    case 'start': {
      const payloadType = fields['payload_type']
      if (typeof payloadType !== 'number' || !isG711(payloadType)) {
        throw new TypeError(`start: payload_type ${String(payloadType)}`)
      }
      return { type: 'start', call: text(fields, 'call'), payloadType, direction: text(fields, 'direction') }
    }
    case 'stop':
      return { type: 'stop', call: text(fields, 'call') }
    case 'mute':
      if (typeof fields['muted'] !== 'boolean') throw new TypeError('mute: muted is neither true nor false')
      return { type: 'mute', muted: fields['muted'] }
    case 'probe':
      if (typeof fields['n'] !== 'number') throw new TypeError('probe: n is no number')
      return { type: 'probe', n: fields['n'] }
    case 'ring':
      if (typeof fields['on'] !== 'boolean') throw new TypeError('ring: on is neither true nor false')
      return { type: 'ring', call: text(fields, 'call'), on: fields['on'] }
    case 'replaced':
      return { type: 'replaced' }
    default:
      return null
  }
}
