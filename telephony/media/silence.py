"""G.711 silence: what goes to a peer when the headset has nothing to say.

The codes decode to the smallest step of each law (ITU-T G.711 tables 1a and 2a): 0xD5 is A-law +8 of 32768, 0xFF
is mu-law 0.
"""

from __future__ import annotations

PCMU = 0
PCMA = 8
G711 = (PCMA, PCMU)

#: 8 kHz samples in one packet of 20 ms
FRAME_SAMPLES = 160

#: longest G.711 payload that is taken for one packet (120 ms); longer ones fit no telephone's packet time
MOST_SAMPLES = 960

SILENCE_CODE = {PCMU: 0xFF, PCMA: 0xD5}

_LONGEST = {payload_type: bytes([code]) * MOST_SAMPLES for payload_type, code in SILENCE_CODE.items()}
_FRAME = {payload_type: longest[:FRAME_SAMPLES] for payload_type, longest in _LONGEST.items()}


def silence(payload_type: int, samples: int = FRAME_SAMPLES) -> bytes:
    """``samples`` (at most 960) of silence in the law of ``payload_type`` (0 or 8)."""
    if samples == FRAME_SAMPLES:
        return _FRAME[payload_type]
    return _LONGEST[payload_type][:samples]
