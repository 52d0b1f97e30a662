import { expect, it } from 'vitest'
import { inOrder, moved, type Placed } from './order'

const entry = (id: string, position: number, emergency = false): Placed => ({ id, position, emergency })
const after = (entries: Placed[], id: string, by: -1 | 1): string[] => {
  const positions = moved(entries, id, by)
  return inOrder(entries.map((one) => ({ ...one, position: positions.get(one.id) ?? one.position }))).map(
    (one) => one.id,
  )
}

it('lists emergency desks first, then by position', () => {
  expect(inOrder([entry('a', 20), entry('b', 10), entry('c', 30, true)]).map((one) => one.id)).toEqual([
    'c',
    'b',
    'a',
  ])
})

it('moves an entry by one, and saves only the two that change', () => {
  const entries = [entry('a', 10), entry('b', 20), entry('c', 30)]
  expect([...moved(entries, 'c', -1)]).toEqual([
    ['c', 20],
    ['b', 30],
  ])
  expect(after(entries, 'c', -1)).toEqual(['a', 'c', 'b'])
  expect(after(entries, 'a', 1)).toEqual(['b', 'a', 'c'])
})

it('numbers entries anew where some share a position', () => {
  const entries = [entry('a', 0), entry('b', 0), entry('c', 0), entry('d', 5)]
  expect(after(entries, 'b', 1)).toEqual(['a', 'c', 'b', 'd'])
  expect(after(entries, 'd', -1)).toEqual(['a', 'b', 'd', 'c'])
})

it('moves nothing beyond the ends, nor between emergency desks and the others', () => {
  const entries = [entry('x', 10, true), entry('a', 10), entry('b', 20)]
  for (const [id, by] of [
    ['x', -1],
    ['x', 1],
    ['a', -1],
    ['b', 1],
    ['gone', 1],
  ] as const)
    expect(moved(entries, id, by).size).toBe(0)
})
