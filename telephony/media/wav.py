"""WAV files of 8 kHz telephone sound: A-law, mu-law or 16-bit PCM, one channel (RIFF WAVE; RFC 2361 for the tags)."""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass

from telephony.media.silence import PCMA, PCMU

RATE = 8000
#: no prompt is longer: ten minutes
MOST_SAMPLES = 600 * RATE

_PCM, _ALAW, _ULAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE
_LAWS = {_ALAW: PCMA, _ULAW: PCMU}


class BadSound(ValueError):
    """No 8 kHz mono WAV of A-law, mu-law or 16-bit PCM; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Wav:
    """``law`` is 0 (mu-law) or 8 (A-law) where ``data`` is G.711, and None where it is 16-bit PCM in native order."""

    law: int | None
    data: bytes


def parse_wav(content: bytes) -> Wav:
    """Raises BadSound."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise BadSound("not a WAV file")
    tag = -1
    at = 12
    while at + 8 <= len(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        body = content[at + 8 : at + 8 + size]
        if len(body) < size:
            raise BadSound(f"the file is cut short: a part of {size} bytes has {len(body)}")
        if kind == b"fmt ":
            tag = _format(body)
        elif kind == b"data":
            if tag < 0:
                raise BadSound("the audio comes before its format")
            return _wav(tag, body)
        at += 8 + size + size % 2
    raise BadSound("the file holds no audio")


def _format(body: bytes) -> int:
    if len(body) < 16:
        raise BadSound(f"a format of {len(body)} bytes, expected at least 16")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        tag = int.from_bytes(body[24:26], "little")
    if channels != 1:
        raise BadSound(f"{channels} channels, expected one")
    if rate != RATE:
        raise BadSound(f"{rate} samples a second, expected {RATE}")
    if (tag, bits) not in ((_PCM, 16), (_ALAW, 8), (_ULAW, 8)):
        raise BadSound(f"format {tag} with {bits} bits, expected A-law, mu-law or 16-bit PCM")
    return int(tag)


def _wav(tag: int, data: bytes) -> Wav:
    samples = len(data) // 2 if tag == _PCM else len(data)
    if samples == 0:
        raise BadSound("the file holds no audio")
    if samples > MOST_SAMPLES:
        raise BadSound(f"{samples // RATE} s, expected at most {MOST_SAMPLES // RATE}")
    if tag != _PCM:
        return Wav(_LAWS[tag], data)
    pcm = array("h", data[: 2 * samples])
    if sys.byteorder == "big":
        pcm.byteswap()
    return Wav(None, pcm.tobytes())
