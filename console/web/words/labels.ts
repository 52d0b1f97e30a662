import { locale } from '@/i18n'

/** The label of a thing that carries one in each language. */
export function labelOf(thing: { label_zh: string; label_en: string }): string {
  return locale.value === 'en' ? thing.label_en : thing.label_zh
}

/** Where a number is at home, as far as that is known. */
export function placeOf(number: { region?: string; region_en?: string }): string {
  return (locale.value === 'en' && number.region_en) || number.region || ''
}

/** A rule's note is written in both languages, the Chinese first: `中文 · english`. */
export function bothLanguages(text: string): string {
  const [chinese, english] = text.split(' · ', 2)
  return (locale.value === 'en' ? english : chinese) ?? text
}
