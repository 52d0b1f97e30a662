/** Who takes part in a call, and who of them hear each other: docs/call-control.md, read from the events. */
import type { CallFact, PartyRoleName, Target } from './types'

export interface CallParty {
  party: number
  role: PartyRoleName
  kind: 'line' | 'headset' | 'phone'
  agent: string
  number: string
  name: string
  state: 'ringing' | 'joined'
  group: 'main' | 'side'
  muted: boolean
  /** Nothing comes from them, though somebody should hear them: audio in one direction only. */
  silent: boolean
  /** Why their headset is away; empty: it is there. */
  away: string
  /** Who wanted them in the call. */
  by: string
  /** Unix seconds from which it rings or is there. */
  since: number
}

/** From each party's number, as text, to those it hears. */
export type Hears = Readonly<Record<string, readonly number[]>>

const SUPERVISING = new Set<PartyRoleName>(['listener', 'whisperer'])

/** Somebody whose voice is for the whole call. */
export const speaks = (one: CallParty) => !SUPERVISING.has(one.role)

function invited(party: number, role: PartyRoleName, target: Target, by: string, at: number): CallParty {
  return {
    party,
    role,
    kind: target.kind === 'agent' ? 'headset' : 'line',
    agent: target.agent ?? '',
    number: target.number ?? '',
    name: target.name ?? '',
    state: 'ringing',
    group: role === 'consulted' ? 'side' : 'main',
    muted: false,
    silent: false,
    away: '',
    by,
    since: at,
  }
}

/** Everybody where the audio says that they are: apart from the caller is who is asked, and whoever talks to them. */
export function grouped(parties: readonly CallParty[], hears: Hears): readonly CallParty[] {
  const asked = parties.filter((one) => one.role === 'consulted')
  const hearsOf = (party: number) => hears[String(party)] ?? []
  return parties.map((one) => {
    let group: CallParty['group'] = 'main'
    if (one.role === 'consulted') group = 'side'
    else if (asked.length > 0 && one.party !== 0 && one.agent) {
      const withAsked = asked.some(
        (other) => hearsOf(one.party).includes(other.party) || hearsOf(other.party).includes(one.party),
      )
      const withCaller = hearsOf(one.party).includes(0) || hearsOf(0).includes(one.party)
      group = withAsked || !withCaller ? 'side' : 'main'
    }
    return group === one.group ? one : { ...one, group }
  })
}

/** Does anybody who speaks hear the caller? Nobody does while the caller is held. */
export function callerIsHeard(parties: readonly CallParty[], hears: Hears): boolean {
  return parties.some((one) => one.party !== 0 && speaks(one) && (hears[String(one.party)] ?? []).includes(0))
}

function put(parties: readonly CallParty[], party: CallParty): readonly CallParty[] {
  return [...parties.filter((one) => one.party !== party.party), party].sort((a, b) => a.party - b.party)
}

/** The parties after one fact; the same array when it changes none. */
export function partiesAfter(parties: readonly CallParty[], fact: CallFact): readonly CallParty[] {
  switch (fact.type) {
    case 'party.invited':
      return put(parties, invited(fact.party, fact.role, fact.target, fact.by, fact.at))
    case 'party.joined': {
      const known = parties.find((one) => one.party === fact.party)
      return put(parties, {
        party: fact.party,
        role: fact.role,
        kind: fact.agent ? 'headset' : 'line',
        agent: fact.agent ?? '',
        number: fact.number || known?.number || '',
        name: fact.name || known?.name || '',
        state: 'joined',
        group: fact.role === 'consulted' ? 'side' : 'main',
        muted: false,
        silent: false,
        away: '',
        by: known?.by ?? '',
        since: fact.at,
      })
    }
    case 'party.role':
      return parties.map((one) =>
        one.party === fact.party
          ? { ...one, role: fact.role, group: fact.role === 'consulted' ? 'side' : 'main' }
          : one,
      )
    case 'party.left':
      return parties.some((one) => one.party === fact.party)
        ? parties.filter((one) => one.party !== fact.party)
        : parties
    case 'call.muted':
      return parties.map((one) => (one.agent === fact.agent ? { ...one, muted: fact.muted } : one))
    case 'media.one_way':
      return parties.map((one) => (one.party === fact.party ? { ...one, silent: fact.silent } : one))
    case 'party.away':
      return parties.map((one) =>
        one.party === fact.party ? { ...one, away: fact.away ? fact.reason || 'closed' : '' } : one,
      )
    case 'call.audio':
      return grouped(parties, fact.hears)
    default:
      return parties
  }
}
