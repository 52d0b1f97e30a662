import { expect, it } from 'vitest'
import { maskedNumber } from './caller'
import { isDialable } from './dialable'

it('masks a number that came whole and leaves one alone that is masked already', () => {
  expect(maskedNumber('+8613812345678')).toBe('138****5678')
  expect(maskedNumber('138****5678')).toBe('138****5678')
  expect(maskedNumber('0571-****1002')).toBe('0571-****1002')
  expect(maskedNumber('10086')).toBe('10086')
})

it.each(['13812345678', '+86 138 1234 5678', '0571-88881001', '*57#', '120'])(
  'lets %s be dialled',
  (text) => {
    expect(isDialable(text)).toBe(true)
  },
)

it.each(['', '12', 'abc', '138****5678x', '*#*', '1'.repeat(40), 'sip:1@x'])('does not dial %j', (text) => {
  expect(isDialable(text)).toBe(false)
})
