"""Reads the spoken clips: 8 kHz mono A-law in a WAV file, ready to be sent as RTP payload type 8."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent.parent / "clips"

#: bytes of one 20 ms packet at 8 kHz
FRAME = 160
#: A-law code of silence (ITU-T G.711)
SILENCE = b"\xd5" * FRAME

_ALAW = 6


class BadClipError(ValueError):
    """The file is not an 8 kHz mono A-law WAV file; the message says what it is."""


def frames(path: Path) -> list[bytes]:
    """The clip as 20 ms packets; the last is filled up with silence.

    Raises :class:`BadClipError` for any other kind of file, ``OSError`` where it cannot be read.
    """
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise BadClipError(f"{path.name}: not a WAV file")
    samples = b""
    form: tuple[int, int, int] | None = None
    position = 12
    while position + 8 <= len(data):
        name = data[position : position + 4]
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + size]
        if len(body) < size:
            raise BadClipError(f"{path.name}: cut short in its {name.decode('ascii', 'replace')} part")
        if name == b"fmt " and size >= 16:
            form = (
                int.from_bytes(body[0:2], "little"),
                int.from_bytes(body[2:4], "little"),
                int.from_bytes(body[4:8], "little"),
            )
        elif name == b"data":
            samples = body
        position += 8 + size + size % 2
    if form != (_ALAW, 1, 8000):
        raise BadClipError(f"{path.name}: format, channels, rate are {form}, wanted {(_ALAW, 1, 8000)}")
    if not samples:
        raise BadClipError(f"{path.name}: holds no sound")
    return [samples[at : at + FRAME].ljust(FRAME, SILENCE[:1]) for at in range(0, len(samples), FRAME)]
