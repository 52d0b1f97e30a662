/**
 * What happened in a call on its recording's clock: who was there when, who heard whom, and what is worth a mark.
 * Read from the call's events (docs/call-control.md); seconds count from the recording's beginning.
 */
import type { DeskEvent, PartyRoleName } from '@/events/types'

export interface Stay {
  from: number
  to: number
  role: PartyRoleName
}

export interface Voice {
  party: number
  agent: string
  number: string
  name: string
  /** When they were there, a stretch for each role they had. */
  stays: Stay[]
}

/** From `from` on: who hears whom, from each party's number, as text, to those it hears. */
export interface Route {
  from: number
  hears: Readonly<Record<string, readonly number[]>>
}

export type MarkKind =
  | 'hold'
  | 'resume'
  | 'consult'
  | 'conference'
  | 'transfer'
  | 'take_over'
  | 'failed'
  | 'listen'
  | 'whisper'
  | 'barge'
  | 'digit'
  | 'marked'

export interface StoryMark {
  at: number
  kind: MarkKind
  /** The digit, or the mark's own code. */
  detail: string
}

export interface CallStory {
  voices: Voice[]
  routes: Route[]
  marks: StoryMark[]
}

const SUPERVISING: Partial<Record<PartyRoleName, MarkKind>> = {
  listener: 'listen',
  whisperer: 'whisper',
  barger: 'barge',
}

/** What began with the recording's first sample: its own event, the answer where that is missing. */
function beginning(events: readonly DeskEvent[]): DeskEvent | undefined {
  return (
    events.find((event) => event.type === 'recording.started') ??
    events.find((event) => event.type === 'call.answered') ??
    events[0]
  )
}

/** Seconds from `zero` to `event`, by the clock that is never set where both were told by it. */
function since(zero: DeskEvent, event: DeskEvent): number {
  if (zero.monotonic && event.monotonic && zero.node === event.node) {
    return (event.monotonic - zero.monotonic) / 1e9
  }
  return event.at - zero.at
}

/** `seconds`: how long the recording is. */
export function storyOf(events: readonly DeskEvent[], seconds: number): CallStory {
  const zero = beginning(events)
  const voices = new Map<number, Voice>()
  const open = new Map<number, Stay>()
  const routes: Route[] = []
  const marks: StoryMark[] = []
  const after = (event: DeskEvent) => (zero ? since(zero, event) : 0)
  const place = (at: number) => Math.max(0, Math.min(seconds, at))
  const mark = (event: DeskEvent, kind: MarkKind, detail = '') =>
    marks.push({ at: place(after(event)), kind, detail })

  const leaves = (party: number, at: number) => {
    const stay = open.get(party)
    if (!stay) return
    stay.to = place(at)
    open.delete(party)
  }
  const comes = (party: number, role: PartyRoleName, at: number) => {
    leaves(party, at)
    const stay = { from: place(at), to: seconds, role }
    open.set(party, stay)
    voices.get(party)?.stays.push(stay)
  }

  for (const event of [...events].sort((a, b) => after(a) - after(b) || a.sequence - b.sequence)) {
    switch (event.type) {
      case 'party.joined': {
        const { party, agent = '', number = '', name = '' } = event
        const known = voices.get(party)
        voices.set(party, { party, agent, number, name, stays: known?.stays ?? [] })
        comes(party, event.role, after(event))
        tellRole(event, event.role)
        break
      }
      case 'party.role':
        comes(event.party, event.role, after(event))
        tellRole(event, event.role)
        break
      case 'party.left':
        leaves(event.party, after(event))
        break
      case 'party.invited':
        if (event.role === 'consulted') mark(event, 'consult')
        break
      case 'call.audio':
        routes.push({ from: place(after(event)), hears: event.hears })
        break
      case 'call.held':
        mark(event, 'hold')
        break
      case 'call.resumed':
        mark(event, 'resume')
        break
      case 'call.transferred':
        mark(event, event.kind === 'take_over' ? 'take_over' : 'transfer')
        break
      case 'call.transfer_failed':
        mark(event, 'failed')
        break
      case 'call.digit':
        mark(event, 'digit', event.digit)
        break
      case 'call.marked':
        mark(event, 'marked', event.mark)
        break
      case 'call.ended':
        for (const party of [...open.keys()]) leaves(party, after(event))
        break
      default:
        break
    }
  }
  return { voices: [...voices.values()].sort((a, b) => a.party - b.party), routes, marks }

  function tellRole(event: DeskEvent, role: PartyRoleName): void {
    const kind = SUPERVISING[role]
    if (kind) mark(event, kind)
    else if (role === 'member' && marks.at(-1)?.kind !== 'conference') mark(event, 'conference')
  }
}

/** The role that a party had at this second; their first or last one while they were not there. */
export function roleAt(voice: Voice, at: number): PartyRoleName | '' {
  const past = voice.stays.filter((stay) => stay.from <= at).at(-1)
  return (past ?? voice.stays[0])?.role ?? ''
}

export const isThere = (voice: Voice, at: number) =>
  voice.stays.some((stay) => stay.from <= at && at < stay.to)

export interface Hearing {
  /** Heard by `by`; both hear each other where `mutual`. */
  heard: number
  by: number
  mutual: boolean
}

/** Who could hear whom at this second: each pair once. */
export function hearingAt(routes: readonly Route[], at: number): Hearing[] {
  const hears = routes.filter((route) => route.from <= at).at(-1)?.hears ?? {}
  const found: Hearing[] = []
  const listens = (by: number, heard: number) => (hears[String(by)] ?? []).includes(heard)
  const hearers = Object.keys(hears)
    .map(Number)
    .sort((a, b) => a - b)
  for (const by of hearers) {
    for (const heard of [...(hears[String(by)] ?? [])].sort((a, b) => a - b)) {
      const mutual = listens(heard, by)
      if (!mutual || by < heard) found.push({ heard, by, mutual })
    }
  }
  return found.sort((a, b) => Number(b.mutual) - Number(a.mutual))
}

/** Those who are there and hear nobody: held, with music in their ear, or alone. */
export function hearNobody(story: CallStory, at: number): number[] {
  const hears = story.routes.filter((route) => route.from <= at).at(-1)?.hears
  if (!hears) return []
  return story.voices
    .filter((voice) => isThere(voice, at) && (hears[String(voice.party)] ?? []).length === 0)
    .map((voice) => voice.party)
}

/** In which of `rows` lines each mark stands so that neighbours do not cover each other; one without room has no words. */
export function stacked(
  marks: readonly StoryMark[],
  seconds: number,
  rows: number,
  width = 0.09,
): { row: number; bare: boolean }[] {
  const ends = Array.from({ length: rows }, () => -1)
  return marks.map((mark) => {
    const at = seconds > 0 ? mark.at / seconds : 0
    const free = ends.findIndex((end) => end <= at)
    if (free < 0) return { row: ends.indexOf(Math.min(...ends)), bare: true }
    ends[free] = at + (mark.kind === 'digit' ? width / 3 : width)
    return { row: free, bare: false }
  })
}
