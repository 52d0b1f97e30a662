"""G.711 to 16-bit linear PCM and back, and from one law to the other (ITU-T G.711).

A-law holds 13 bits and mu-law 14, both are scaled to 16 bits here. Payload types: 0 PCMU, 8 PCMA.
``audioop`` is C and part of Python up to 3.12; from 3.13 on ``audioop-lts`` takes its place (a dependency).
"""

from __future__ import annotations

import audioop
from collections.abc import Callable

from telephony.media.silence import PCMA, PCMU

_DECODERS: dict[int, Callable[[bytes, int], bytes]] = {PCMU: audioop.ulaw2lin, PCMA: audioop.alaw2lin}
_ENCODERS: dict[int, Callable[[bytes, int], bytes]] = {PCMU: audioop.lin2ulaw, PCMA: audioop.lin2alaw}


def decode(payload: bytes, payload_type: int) -> bytes:
    """16-bit PCM in the machine's byte order (little-endian where this runs), two bytes a sample."""
    return _DECODERS[payload_type](payload, 2)


def encode(pcm: bytes, payload_type: int) -> bytes:
    """``pcm`` is 16 bit as ``decode`` gives it; raises ValueError for half a sample."""
    if len(pcm) & 1:
        raise ValueError(f"{len(pcm)} bytes are no whole number of 16-bit samples")
    return _ENCODERS[payload_type](pcm, 2)


_CODES = bytes(range(256))

#: for ``bytes.translate``, by the law that a payload is in and the one that is wanted
TRANSCODE: dict[tuple[int, int], bytes] = {
    (given, wanted): encode(decode(_CODES, given), wanted) for given in _DECODERS for wanted in _DECODERS
}


def transcode(payload: bytes, given: int, wanted: int) -> bytes:
    """``payload`` of the law ``given`` in the law ``wanted``."""
    return payload if given == wanted else payload.translate(TRANSCODE[given, wanted])
