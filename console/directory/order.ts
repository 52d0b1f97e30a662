/** The order of the directory, set by hand: emergency desks first, then by position. */

export interface Placed {
  id: string
  position: number
  emergency: boolean
}

const STEP = 10

export function inOrder<T extends Placed>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => Number(b.emergency) - Number(a.emergency) || a.position - b.position)
}

/** New positions, by id, of the entries that have to change for one to go up (-1) or down (1); none where it cannot. */
export function moved(entries: readonly Placed[], id: string, by: -1 | 1): Map<string, number> {
  const one = entries.find((entry) => entry.id === id)
  const order = inOrder(entries).filter((entry) => entry.emergency === one?.emergency)
  const from = order.findIndex((entry) => entry.id === id)
  const other = order[from + by]
  if (!one || !other) return new Map()
  const apart = order.every(
    (entry, index) => index === 0 || entry.position > (order[index - 1]?.position ?? 0),
  )
  if (apart) {
    return new Map([
      [one.id, other.position],
      [other.id, one.position],
    ])
  }
  // some share a position: all are numbered anew
  order[from] = other
  order[from + by] = one
  return new Map(
    order
      .map((entry, index) => [entry, (index + 1) * STEP] as const)
      .filter(([entry, position]) => entry.position !== position)
      .map(([entry, position]) => [entry.id, position]),
  )
}
