/** A patient in a line: `女 · 63 岁`. */
import { i18n } from '@/i18n'
import { age } from './time'

const SEXES: Record<string, string> = { male: 'male', female: 'female' }

export function sexWord(sex: string | undefined): string {
  const key = SEXES[sex ?? '']
  return key ? i18n.global.t(`patients.${key}`) : ''
}

export function describe(patient: { sex?: string; birth_date?: string | null }): string {
  const years = age(patient.birth_date)
  return [sexWord(patient.sex), years === null ? '' : i18n.global.t('patients.age', { n: years })]
    .filter(Boolean)
    .join(' · ')
}
