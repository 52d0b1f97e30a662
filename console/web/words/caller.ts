/** How a caller is called before anybody knows their name. Numbers stay masked. */
import { i18n, word } from '@/i18n'
import type { LiveCall } from '@/events/livecall'
import { placeOf } from './labels'

/** `138****5678` from a full number, when the server gave no masked one: the last four and the first three stay. */
export function maskedNumber(number: string): string {
  if (number.includes('*') || !/\d/.test(number)) return number
  const digits = number.replace(/[^\d+*#]/g, '')
  if (digits.length <= 6) return digits
  const national = digits.replace(/^(\+86|0086)/, '')
  return `${national.slice(0, 3)}****${national.slice(-4)}`
}

export function isAnonymous(call: Pick<LiveCall, 'pop' | 'number'>): boolean {
  return call.pop ? call.pop.kind === 'anonymous' : call.number === ''
}

export function callerLabel(call: Pick<LiveCall, 'pop' | 'number'>): string {
  if (isAnonymous(call)) return i18n.global.t('bar.anonymous')
  return call.pop?.masked || maskedNumber(call.number) || i18n.global.t('bar.unknownNumber')
}

/** `浙江省杭州市 · 手机`, `Hangzhou, Zhejiang · Mobile` */
export function callerOrigin(call: Pick<LiveCall, 'pop' | 'number'>): string {
  if (!call.pop || isAnonymous(call)) return ''
  return [placeOf(call.pop), word('kind', call.pop.kind)].filter(Boolean).join(' · ')
}
