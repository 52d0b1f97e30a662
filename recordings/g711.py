"""G.711 (ITU-T Rec. G.711) as byte tables, so that ``bytes.translate`` decodes at the speed of C.

Measured on one minute of both legs to interleaved 16-bit PCM: these tables 2.2 ms, numpy 3.2 ms (and 200 ms of import),
the ``audioop`` module (gone in Python 3.13) 8.7 ms, ``array`` with a list of values 42 ms. So no numpy at run time.
"""

from __future__ import annotations

import math

PCMU = 0
PCMA = 8


def _decode_ulaw(code: int) -> int:
    """One µ-law code as 16-bit linear (14-bit values, shifted left by 2)."""
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << (code >> 4 & 0x07)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _decode_alaw(code: int) -> int:
    """One A-law code as 16-bit linear (13-bit values, shifted left by 3)."""
    code ^= 0x55
    exponent = code >> 4 & 0x07
    magnitude = (code & 0x0F) << 4 | 0x08
    if exponent:
        magnitude = (magnitude | 0x100) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


#: 16-bit linear value of each code, by RTP payload type
LINEAR: dict[int, tuple[int, ...]] = {
    PCMU: tuple(_decode_ulaw(code) for code in range(256)),
    PCMA: tuple(_decode_alaw(code) for code in range(256)),
}

#: low and high byte of the two's complement, by payload type
LOW = {law: bytes(value & 0xFF for value in values) for law, values in LINEAR.items()}
HIGH = {law: bytes(value >> 8 & 0xFF for value in values) for law, values in LINEAR.items()}

#: size of a sample on a scale of 0 to 255 that is the square root of the linear one (fine where speech is quiet)
SIZE = {law: bytes(round(math.sqrt(abs(value) / 32768) * 255) for value in values) for law, values in LINEAR.items()}


def linear_of_size(size: int) -> float:
    """A ``SIZE`` value as linear amplitude, 0 to 1."""
    return (size / 255) ** 2
