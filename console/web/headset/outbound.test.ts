import { describe, expect, it } from 'vitest'
import { parseFrame } from './frame'
import { PCMA, PCMU } from './g711'
import { Outbound } from './outbound'

const TONE = Float32Array.from({ length: 160 }, (_, i) => 0.5 * Math.sin(i))

describe('outbound packets', () => {
  it('count on over the wrap of sequence and timestamp', () => {
    const outbound = new Outbound(PCMA, 65534, 4294967296 - 160)
    const frames = [0, 20, 40].map((now) => parseFrame(outbound.packet(TONE, false, now).buffer))
    expect(frames.map((frame) => frame.sequence)).toEqual([65534, 65535, 0])
    expect(frames.map((frame) => frame.timestamp)).toEqual([4294967136, 0, 160])
    expect(frames.map((frame) => frame.marker)).toEqual([true, false, false])
  })

  it('are silence while muted', () => {
    const muted = parseFrame(new Outbound(PCMU, 0, 0).packet(TONE, true, 0).buffer)
    expect(new Set(muted.payload)).toEqual(new Set([0xff]))
    const loud = parseFrame(new Outbound(PCMU, 0, 0).packet(TONE, false, 0).buffer)
    expect(new Set(loud.payload).size).toBeGreaterThan(20)
  })

  it('keep time over a suspended audio engine, but not over a stall whose frames still come', () => {
    const outbound = new Outbound(PCMA, 0, 0)
    const at = (now: number) => parseFrame(outbound.packet(TONE, false, now).buffer)
    at(0)
    expect(at(200)).toMatchObject({ timestamp: 160, marker: false })
    expect(at(3220)).toMatchObject({ timestamp: 320 + 150 * 160, marker: true, sequence: 2 })
    outbound.skip()
    expect(at(3260)).toMatchObject({ timestamp: 640 + 150 * 160, sequence: 4 })
  })
})
