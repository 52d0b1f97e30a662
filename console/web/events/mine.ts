/** A call from the point of view of one agent: is it theirs, does it ring at them, is it over for them. */
import type { LiveCall } from './livecall'

/** It rings at the agent, or the agent is in it. */
export function isWith(call: LiveCall, agent: string): boolean {
  if (call.stage === 'ended') return false
  if (call.parties.some((one) => one.agent === agent)) return true
  return call.agent === agent && !['menu', 'queued'].includes(call.stage) && !(agent in call.left)
}

export function ringsAt(call: LiveCall, agent: string): boolean {
  const party = call.parties.find((one) => one.agent === agent)
  if (party) return party.state === 'ringing'
  return call.stage === 'offered' && call.agent === agent
}

/** For who has left it a call is over, though it goes on for others. */
export function asLeft(call: LiveCall | null, agent: string): LiveCall | null {
  const left = call?.left[agent]
  if (!call || !left || call.stage === 'ended') return call
  return { ...call, stage: 'ended', endedAt: left.at, heldAt: null, heldBy: [], parties: [] }
}
