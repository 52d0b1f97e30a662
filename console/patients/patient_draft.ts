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
