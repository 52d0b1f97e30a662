import { expect, it } from 'vitest'
import { laneColour, lanesOf, presence, roleOf, there } from './lanes'

const story = {
  voices: [
    { party: 0, agent: '', number: '', name: '', stays: [{ from: 0, to: 10, role: 'caller' as const }] },
    {
      party: 4,
      agent: 'chief',
      number: '',
      name: '',
      stays: [{ from: 2, to: 6, role: 'listener' as const }],
    },
  ],
  routes: [],
  marks: [],
}

it('gives each channel a lane, and those on none a lane below', () => {
  const lanes = lanesOf([0, 1], story)
  expect(lanes.map((lane) => [lane.party, lane.channel])).toEqual([
    [0, 0],
    [1, 1],
    [4, -1],
  ])
  expect(lanes.map((lane) => presence(lane, 10))).toEqual([
    [{ left: 0, width: 1 }],
    [{ left: 0, width: 1 }],
    [{ left: 0.2, width: 0.4 }],
  ])
  expect(lanes.map((lane) => roleOf(lane, 3))).toEqual(['caller', '', 'listener'])
  expect(lanes.map((lane) => there(lane, 1))).toEqual([true, true, false])
})

it('has a colour for each of sixteen parties, neighbours apart', () => {
  const colours = Array.from({ length: 16 }, (_, party) => laneColour(party))
  expect(colours.slice(0, 3)).toEqual(['--channel-caller', '--channel-agent', '--channel-2'])
  expect(new Set(colours.slice(0, 8)).size).toBe(8)
})
