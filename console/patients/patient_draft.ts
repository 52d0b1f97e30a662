/** A patient's form and what it sends: a number on record goes by its id, that of a call by the call; the form holds neither whole. */
import type { Patient, PatientDraft } from '@/api/patients'

export interface FormPhone {
  id?: string
  call?: string
  number: string
  label: string
  masked: string
}

export interface FormDraft {
  name: string
  sex: string
  birth_date: string
  note: string
  phones: FormPhone[]
}

/** The number of a call under way, for a new record. */
export interface CallerNumber {
  call: string
  masked: string
}

export function draftOf(patient: Patient | null, caller?: CallerNumber): FormDraft {
  if (!patient) {
    return {
      name: '',
      sex: 'unknown',
      birth_date: '',
      note: '',
      phones: [caller ? { ...caller, number: '', label: '' } : { number: '', label: '', masked: '' }],
    }
  }
  return {
    name: patient.name,
    sex: patient.sex || 'unknown',
    birth_date: patient.birth_date,
    note: patient.note ?? '',
    phones: patient.phones.map((phone) => ({
      id: phone.id,
      number: '',
      label: phone.label ?? '',
      masked: phone.masked,
    })),
  }
}

/** Lines without a number are left out. */
export function phonesToSend(phones: readonly FormPhone[]): PatientDraft['phones'] {
  return phones
    .filter((phone) => phone.id || phone.call || phone.number.trim())
    .map(({ id, call, number, label }) => {
      if (id) return { id, label }
      return call ? { call, label } : { number: number.trim(), label }
    })
}

export type ChangedField = 'name' | 'sex' | 'birth_date' | 'note' | 'phones'

function same(one: FormDraft, other: FormDraft, field: ChangedField): boolean {
  if (field !== 'phones') return one[field] === other[field]
  const told = (draft: FormDraft) => JSON.stringify(phonesToSend(draft.phones))
  return told(one) === told(other)
}

/**
 * A draft written on a record that somebody else saved meanwhile: what I changed stays mine, the rest becomes theirs.
 * `theirs`: fields that they changed; `both`: those of them that I changed too, where mine would replace theirs.
 */
export function merged(
  mine: FormDraft,
  before: Patient,
  now: Patient,
): { draft: FormDraft; theirs: ChangedField[]; both: ChangedField[] } {
  const [base, fresh] = [draftOf(before), draftOf(now)]
  const fields: ChangedField[] = ['name', 'sex', 'birth_date', 'note', 'phones']
  const theirs = fields.filter((field) => !same(base, fresh, field))
  const changed = fields.filter((field) => !same(base, mine, field))
  const draft = { ...fresh, ...Object.fromEntries(changed.map((field) => [field, mine[field]])) }
  return { draft, theirs, both: theirs.filter((field) => changed.includes(field)) }
}
