/**
 * One packet on the headset socket: 8 bytes of header, then the G.711 payload (docs/architecture.md, "Headset tokens
 * and the headset socket"): payload type, flags, sequence u16, timestamp u32 (8 kHz), both big endian.
 */
import { isG711, type PayloadType } from './g711'

export const HEADER_BYTES = 8
export const FRAME_SAMPLES = 160
/** RFC 3551 lets a packet be of any length; beyond this it is no live audio. */
const MAX_SAMPLES = 1600
const MARKER = 1

export interface Frame {
  payloadType: PayloadType
  marker: boolean
  sequence: number
  timestamp: number
  payload: Uint8Array<ArrayBuffer>
}

/** Raises RangeError for a frame that is too short, too long or not G.711. */
export function parseFrame(data: ArrayBuffer): Frame {
  const samples = data.byteLength - HEADER_BYTES
  if (samples < 1 || samples > MAX_SAMPLES) throw new RangeError(`frame of ${data.byteLength} bytes`)
  const view = new DataView(data)
  const payloadType = view.getUint8(0)
  if (!isG711(payloadType)) throw new RangeError(`payload type ${payloadType}`)
  return {
    payloadType,
    marker: (view.getUint8(1) & MARKER) !== 0,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    payload: new Uint8Array(data, HEADER_BYTES),
  }
}

/** A frame with room for `samples` bytes of payload at `HEADER_BYTES`. */
export function buildFrame(
  payloadType: PayloadType,
  marker: boolean,
  sequence: number,
  timestamp: number,
  samples: number,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + samples)
  const view = new DataView(frame.buffer)
  view.setUint8(0, payloadType)
  view.setUint8(1, marker ? MARKER : 0)
  view.setUint16(2, sequence & 0xffff)
  view.setUint32(4, timestamp >>> 0)
  return frame
}
