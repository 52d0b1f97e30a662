import { describe, expect, it } from 'vitest'
import { buildFrame, HEADER_BYTES, parseFrame } from './frame'
import { PCMA } from './g711'

describe('frame', () => {
  it('has the bytes of the contract', () => {
    const frame = buildFrame(PCMA, true, 0x1234, 0x89abcdef, 2)
    frame.set([7, 9], HEADER_BYTES)
    expect(Array.from(frame)).toEqual([8, 1, 0x12, 0x34, 0x89, 0xab, 0xcd, 0xef, 7, 9])
  })

  it('is read back as it was built', () => {
    const frame = buildFrame(PCMA, false, 65535, 4294967295, 160)
    expect(parseFrame(frame.buffer)).toEqual({
      payloadType: PCMA,
      marker: false,
      sequence: 65535,
      timestamp: 4294967295,
      payload: new Uint8Array(160),
    })
  })

  it('refuses what is empty, cut off, too long or not G.711', () => {
    for (const bytes of [0, 7, 8, 5000]) expect(() => parseFrame(new ArrayBuffer(bytes))).toThrow(RangeError)
    expect(() => parseFrame(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 1).buffer)).toThrow('payload type 9')
  })
})
