import { expect, it } from 'vitest'
import type { Patient } from '@/api/patients'
import { draftOf, phonesToSend } from './patient_draft'

const patient: Patient = {
  id: 'p1',
  record_number: 'D00000001',
  name: '张三',
  sex: 'male',
  birth_date: '1968-03-12',
  note: '',
  version: 3,
  phones: [{ id: 'n1', label: '本人', masked: '138****1001' }],
}

it('begins a new record with the number that calls', () => {
  const { phones } = draftOf(null, { call: 'c1', masked: '138****1001' })
  expect(phones).toEqual([{ call: 'c1', number: '', label: '', masked: '138****1001' }])
  expect(phonesToSend(phones)).toEqual([{ call: 'c1', label: '' }])
})

it('sends numbers on record by their id and never their mask, new ones by what was typed', () => {
  const draft = draftOf(patient)
  draft.phones.push(
    { number: ' 0571 8888 1001 ', label: '家', masked: '' },
    { number: '  ', label: 'x', masked: '' },
  )
  expect(phonesToSend(draft.phones)).toEqual([
    { id: 'n1', label: '本人' },
    { number: '0571 8888 1001', label: '家' },
  ])
})
