/** A patient's form and what it sends: numbers on record go by their id (the form never holds them whole). */
import type { Patient, PatientDraft } from '@/api/patients'

export interface FormPhone {
  id?: string
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

export function draftOf(patient: Patient | null, number: string): FormDraft {
  if (!patient) {
    return {
      name: '',
      sex: 'unknown',
      birth_date: '',
      note: '',
      phones: [{ number, label: '', masked: '' }],
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
    .filter((phone) => phone.id || phone.number.trim())
    .map((phone) =>
      phone.id ? { id: phone.id, label: phone.label } : { number: phone.number.trim(), label: phone.label },
    )
}
