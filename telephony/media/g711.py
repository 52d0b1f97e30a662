"""G.711 to 16-bit linear PCM and back (ITU-T G.711), by tables.

A-law holds 13 bits and mu-law 14, both are scaled to 16 bits here. Payload types: 0 PCMU, 8 PCMA.
"""

from __future__ import annotations

import sys
from array import array

from telephony.media.silence import PCMA, PCMU


def _decode_alaw(code: int) -> int:
    code ^= 0x55
    segment = (code >> 4) & 7
    step = (code & 0x0F) << 4
    magnitude = step + 8 if segment == 0 else (step + 0x108) << (segment - 1)
    return magnitude if code & 0x80 else -magnitude


def _decode_ulaw(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code >> 4) & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _encode_alaw(sample: int) -> int:
    # negative values are mirrored at -1: -1 and 0 are the two smallest steps
    sign, magnitude = (0x80, sample) if sample >= 0 else (0, ~sample)
    magnitude >>= 4
    segment = max(0, magnitude.bit_length() - 4)
    step = (magnitude >> max(0, segment - 1)) & 0x0F
    return (sign | segment << 4 | step) ^ 0x55


def _encode_ulaw(sample: int) -> int:
    sign, magnitude = (0, sample) if sample >= 0 else (0x80, -sample)
    magnitude = min(magnitude, 32635) + 0x84
    segment = magnitude.bit_length() - 8
    return ~(sign | segment << 4 | (magnitude >> (segment + 3)) & 0x0F) & 0xFF


_DECODED = {
    PCMU: [_decode_ulaw(code) for code in range(256)],
    PCMA: [_decode_alaw(code) for code in range(256)],
}
#: the low and the high byte of each decoded code, for bytes.translate
_LOW = {law: bytes(sample & 0xFF for sample in samples) for law, samples in _DECODED.items()}
_HIGH = {law: bytes(sample >> 8 & 0xFF for sample in samples) for law, samples in _DECODED.items()}
#: by the sample taken as unsigned 16 bits
_ENCODED = {
    PCMU: bytes(_encode_ulaw(value - 0x10000 if value & 0x8000 else value) for value in range(0x10000)),
    PCMA: bytes(_encode_alaw(value - 0x10000 if value & 0x8000 else value) for value in range(0x10000)),
}


def decode(payload: bytes, payload_type: int) -> bytes:
    """16-bit little-endian PCM, two bytes a sample."""
    pcm = bytearray(2 * len(payload))
    pcm[0::2] = payload.translate(_LOW[payload_type])
    pcm[1::2] = payload.translate(_HIGH[payload_type])
    return bytes(pcm)


def encode(pcm: bytes, payload_type: int) -> bytes:
    """``pcm`` is 16-bit little-endian; raises ValueError for half a sample."""
    samples = array("H")
    samples.frombytes(pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return bytes(map(_ENCODED[payload_type].__getitem__, samples))
