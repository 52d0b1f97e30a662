/**
 * G.711 between linear samples and its two companding laws (ITU-T G.711, tables 1 and 2).
 *
 * Samples are floats, -1 to 1 (1 = 32768). A code is one byte: PCMU is RTP payload type 0, PCMA is 8 (RFC 3551).
 */

export type PayloadType = 0 | 8
export const PCMU = 0
export const PCMA = 8

export function isG711(payloadType: number): payloadType is PayloadType {
  return payloadType === PCMU || payloadType === PCMA
}

const MU_BIAS = 132
const MU_CLIP = 32635
const SCALE = 32768

function decodeMu(code: number): number {
  const bits = ~code & 0xff
  const exponent = (bits >> 4) & 7
  const magnitude = ((((bits & 15) << 3) + MU_BIAS) << exponent) - MU_BIAS
  return bits & 0x80 ? -magnitude : magnitude
}

function decodeA(code: number): number {
  const bits = code ^ 0x55
  const exponent = (bits >> 4) & 7
  const mantissa = (bits & 15) << 4
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1)
  return bits & 0x80 ? magnitude : -magnitude
}

function table(decode: (code: number) => number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, code) => decode(code) / SCALE)
}

const LINEAR: Record<PayloadType, Float32Array> = { [PCMU]: table(decodeMu), [PCMA]: table(decodeA) }

/** The code of one 16-bit sample by the mu-law. */
export function encodeMu(sample: number): number {
  const negative = sample < 0
  const magnitude = Math.min(negative ? -sample : sample, MU_CLIP) + MU_BIAS
  const exponent = 24 - Math.clz32(magnitude)
  const code = (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)
  return ~(negative ? code | 0x80 : code) & 0xff
}

/** The code of one 16-bit sample by the A-law. */
export function encodeA(sample: number): number {
  const negative = sample < 0
  const magnitude = Math.min(negative ? -sample - 1 : sample, 32767)
  const exponent = Math.max(0, 24 - Math.clz32(magnitude))
  const mantissa = (magnitude >> (exponent === 0 ? 4 : exponent + 3)) & 15
  const code = (exponent << 4) | mantissa
  return (negative ? code : code | 0x80) ^ 0x55
}

/** Writes the codes of `samples` into `codes` from `offset` on. Samples beyond full scale are clipped, NaN is silence. */
export function encode(samples: Float32Array, payloadType: PayloadType, codes: Uint8Array, offset = 0): void {
  const law = payloadType === PCMU ? encodeMu : encodeA
  for (let i = 0; i < samples.length; i++) {
    const value = Math.round((samples[i] ?? 0) * SCALE)
    codes[offset + i] = law(value > 32767 ? 32767 : value < -32768 ? -32768 : value | 0)
  }
}

/** The samples of `codes`. */
export function decode(codes: Uint8Array, payloadType: PayloadType): Float32Array<ArrayBuffer> {
  const linear = LINEAR[payloadType]
  const samples = new Float32Array(codes.length)
  for (let i = 0; i < codes.length; i++) samples[i] = linear[codes[i] ?? 0] ?? 0
  return samples
}

/** The code that sounds like nothing. */
export function silence(payloadType: PayloadType): number {
  return payloadType === PCMU ? 0xff : 0xd5
}
