import { describe, expect, it } from 'vitest'
import type { Patient } from '@/api/patients'
import { draftOf, merged, phonesToSend } from './patient_draft'

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

describe('a record that somebody else saved while I wrote', () => {
  const before = {
    id: 'p1',
    record_number: 'R1',
    name: '张三',
    sex: 'male',
    birth_date: '1970-01-01',
    note: '',
    phones: [{ id: 'f1', label: '本人', masked: '138****0001' }],
    version: 1,
  }

  it('keeps my changes, takes theirs, and names what both of us changed', () => {
    const mine = { ...draftOf(before), note: '青霉素过敏', name: '张叁' }
    const now = { ...before, note: '头孢过敏', birth_date: '1971-01-01', version: 2 }
    const after = merged(mine, before, now)
    expect(after.draft).toMatchObject({ name: '张叁', note: '青霉素过敏', birth_date: '1971-01-01' })
    expect(after.theirs).toEqual(['birth_date', 'note'])
    expect(after.both).toEqual(['note'])
  })

  it('takes their numbers when I left the numbers alone', () => {
    const now = { ...before, phones: [...before.phones, { id: 'f2', masked: '139****0002' }], version: 2 }
    const after = merged(draftOf(before), before, now)
    expect(after.draft.phones).toHaveLength(2)
    expect(after.both).toEqual([])
  })
})
