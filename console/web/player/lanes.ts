/** The lanes of a recording: a voice for each channel, then those who were in the call and are on no channel. */
import { isThere, roleAt, type CallStory, type Voice } from './call_story'

export interface Lane {
  party: number
  /** -1: somebody whom nobody was to hear, and who is therefore not recorded. */
  channel: number
  voice: Voice | null
}

export function lanesOf(parties: readonly number[], story: CallStory): Lane[] {
  const voiceOf = (party: number) => story.voices.find((voice) => voice.party === party) ?? null
  const heard = parties.map((party, channel) => ({ party, channel, voice: voiceOf(party) }))
  const unheard = story.voices
    .filter((voice) => !parties.includes(voice.party))
    .map((voice) => ({ party: voice.party, channel: -1, voice }))
  return [...heard, ...unheard]
}

const FURTHER = 6

/** The colour's name: the caller and the first agent have their own, the others take turns. */
export function laneColour(party: number): string {
  if (party === 0) return '--channel-caller'
  return party === 1 ? '--channel-agent' : `--channel-${2 + ((party - 2) % FURTHER)}`
}

/** Where the lane is lit, in parts of the whole: everywhere when no event tells who was there. */
export function presence(lane: Lane, seconds: number): { left: number; width: number }[] {
  if (!lane.voice || seconds <= 0) return [{ left: 0, width: 1 }]
  return lane.voice.stays.map((stay) => ({
    left: stay.from / seconds,
    width: (stay.to - stay.from) / seconds,
  }))
}

export const roleOf = (lane: Lane, at: number) => (lane.voice ? roleAt(lane.voice, at) : '')
export const there = (lane: Lane, at: number) => !lane.voice || isThere(lane.voice, at)
