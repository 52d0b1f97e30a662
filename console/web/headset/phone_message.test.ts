import { describe, expect, it } from 'vitest'
import { parsePhoneMessage } from './phone_message'

describe('message of the phone', () => {
  it('is read when it is whole', () => {
    const start = { type: 'start', call: 'c1', payload_type: 8, direction: 'inbound' }
    expect(parsePhoneMessage(JSON.stringify(start))).toEqual({
      type: 'start',
      call: 'c1',
      payloadType: 8,
      direction: 'inbound',
    })
    expect(parsePhoneMessage('{"type":"welcome","agent":"a"}')).toEqual({ type: 'welcome', agent: 'a' })
    expect(parsePhoneMessage('{"type":"stop","call":"c1"}')).toEqual({ type: 'stop', call: 'c1' })
    expect(parsePhoneMessage('{"type":"mute","muted":true}')).toEqual({ type: 'mute', muted: true })
    expect(parsePhoneMessage('{"type":"probe","n":3}')).toEqual({ type: 'probe', n: 3 })
    expect(parsePhoneMessage('{"type":"ring","call":"c1","on":true}')).toEqual({
      type: 'ring',
      call: 'c1',
      on: true,
    })
    expect(parsePhoneMessage('{"type":"replaced"}')).toEqual({ type: 'replaced' })
  })

  it('is passed over when its type is of a newer phone', () => {
    expect(parsePhoneMessage('{"type":"whisper","x":1}')).toBeNull()
  })

  it('is refused when it is broken', () => {
    for (const bad of [
      '',
      '{',
      'null',
      '3',
      '{"type":"start","call":"c","payload_type":9,"direction":"in"}',
    ]) {
      expect(() => parsePhoneMessage(bad)).toThrow()
    }
    for (const bad of [
      '{"type":"stop"}',
      '{"type":"mute","muted":1}',
      '{"type":"probe","n":"1"}',
      '{"type":"ring","call":"c"}',
    ]) {
      expect(() => parsePhoneMessage(bad)).toThrow(TypeError)
    }
  })
})
