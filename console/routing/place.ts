/** Places in the document, as refusals name them: `queues[2].overflow[0].to.queue`. */

export type Section = 'entries' | 'menus' | 'queues' | 'hours' | 'prompts'

/** One part of the document: what is shown as a box and edited by itself. */
export interface Part {
  section: Section
  index: number
}

/** Why the document cannot be saved, and where. */
export interface Problem {
  place: string
  message: string
}

const PART = /^(entries|menus|queues|hours|prompts)\[(\d+)\]/

/** The part that a place is in; null for what belongs to the whole document. */
export function partOf(place: string): Part | null {
  const found = PART.exec(place)
  return found ? { section: found[1] as Section, index: Number(found[2]) } : null
}

export const placeOf = (part: Part) => `${part.section}[${part.index}]`

/** Is `place` the field `at`, or inside of it? */
export function isWithin(place: string, at: string): boolean {
  return place === at || (place.startsWith(at) && ['.', '['].includes(place[at.length] ?? ''))
}

/** What to say at the field `at`; empty where it is not to blame. */
export function messageAt(problem: Problem | null, at: string): string {
  return problem && isWithin(problem.place, at) ? problem.message : ''
}
