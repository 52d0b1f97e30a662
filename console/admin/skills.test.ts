import { expect, it } from 'vitest'
import { rowsOf, skillsOf, wrongRow } from './skills'

it('shows the highest level first and keeps what it shows', () => {
  const rows = rowsOf({ english: 3, vip: 9 })
  expect(rows.map((one) => one.name)).toEqual(['vip', 'english'])
  expect(skillsOf(rows)).toEqual({ english: 3, vip: 9 })
  expect(rowsOf(undefined)).toEqual([])
})

it('names the row that cannot be kept', () => {
  expect(wrongRow([{ name: 'vip', level: 1 }])).toBeNull()
  expect(wrongRow([{ name: ' ', level: 1 }])).toEqual({ row: 0, why: 'nameNeeded' })
  expect(
    wrongRow([
      { name: 'vip', level: 1 },
      { name: 'vip ', level: 2 },
    ]),
  ).toEqual({ row: 1, why: 'twice' })
})
