"""WAV files in and out: what the headless agent says and what it hears."""

from __future__ import annotations

import sys
import wave
from array import array
from pathlib import Path

from telephony.media import g711
from telephony.media.silence import FRAME_SAMPLES, silence

RATE = 8000

#: a timestamp this far (samples) from where it is expected is a source that starts anew
MOST_JUMP = 4 * RATE
#: longest recording kept, in samples (4 hours)
MOST_SAMPLES = 4 * 3600 * RATE


class UnreadableSound(ValueError):
    """A file that is no PCM WAV; the message says why."""


def load(path: Path) -> bytes:
    """A PCM WAV (8, 16, 24 or 32 bits, any rate and channels) as 8 kHz mono, 16-bit little-endian.

    Raises UnreadableSound, or OSError when it cannot be opened.
    """
    try:
        with wave.open(str(path), "rb") as reader:
            width, channels, rate = reader.getsampwidth(), reader.getnchannels(), reader.getframerate()
            data = reader.readframes(reader.getnframes())
    except (wave.Error, EOFError) as error:
        raise UnreadableSound(f"{path} is no PCM WAV: {error}") from error
    samples = _to_16_bits(data, width)
    usable = len(samples) // channels
    if usable == 0 or rate <= 0:
        raise UnreadableSound(f"{path} holds no sound")
    mono = [sum(samples[at * channels : (at + 1) * channels]) // channels for at in range(usable)]
    return _little_endian(array("h", _resample(mono, rate)))


def frames(pcm: bytes, payload_type: int) -> list[bytes]:
    """G.711 payloads of 20 ms, the last one filled up with silence."""
    coded = g711.encode(pcm, payload_type)
    cut = [coded[at : at + FRAME_SAMPLES] for at in range(0, len(coded), FRAME_SAMPLES)]
    if cut and len(cut[-1]) < FRAME_SAMPLES:
        cut[-1] += silence(payload_type, FRAME_SAMPLES - len(cut[-1]))
    return cut or [silence(payload_type)]


class Heard:
    """What came from the phone, each payload at the place its timestamp says; gaps stay silent."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._first: int | None = None
        #: sample at which the current source began
        self._start = 0

    def packet(self, payload_type: int, timestamp: int, payload: bytes) -> None:
        """``timestamp`` in 8 kHz units (u32, it may wrap)."""
        written = len(self._pcm) // 2
        if self._first is None:
            self._first = timestamp
        offset = (timestamp - self._first + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        place = self._start + offset
        if place < 0 or abs(place - written) > MOST_JUMP:
            self._first, self._start, place = timestamp, written, written
        if place + len(payload) > MOST_SAMPLES:
            return
        if place > written:
            self._pcm.extend(bytes(2 * (place - written)))
        self._pcm[2 * place : 2 * (place + len(payload))] = g711.decode(payload, payload_type)
        # keep the reference near, so that a wrap of the timestamp is no matter
        self._first, self._start = timestamp, place

    @property
    def pcm(self) -> bytes:
        """8 kHz mono, 16-bit little-endian."""
        return bytes(self._pcm)

    def save(self, path: Path) -> None:
        """Raises OSError."""
        with wave.open(str(path), "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(RATE)
            writer.writeframes(self._pcm)


def _to_16_bits(data: bytes, width: int) -> array[int]:
    if width == 1:  # unsigned, as WAV has it
        return array("h", ((byte - 128) << 8 for byte in data))
    samples = array("h")
    data = data[: len(data) - len(data) % width]
    if width > 2:
        kept = bytearray(2 * (len(data) // width))
        kept[0::2] = data[width - 2 :: width]
        kept[1::2] = data[width - 1 :: width]
        data = bytes(kept)
    samples.frombytes(data)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _resample(samples: list[int], rate: int) -> list[int]:
    """To 8 kHz: a mean over what one output sample covers (no aliases when going down), else linear interpolation."""
    if rate == RATE:
        return samples
    count = max(1, len(samples) * RATE // rate)
    step = rate / RATE
    if step > 1:
        return [_mean(samples, at * step, (at + 1) * step) for at in range(count)]
    result = []
    last = len(samples) - 1
    for at in range(count):
        whole, part = divmod(at * step, 1)
        left = samples[min(int(whole), last)]
        right = samples[min(int(whole) + 1, last)]
        result.append(round(left + (right - left) * part))
    return result


def _mean(samples: list[int], begin: float, end: float) -> int:
    first, last = int(begin), min(int(end), len(samples) - 1)
    if first >= last:
        return samples[min(first, len(samples) - 1)]
    total = samples[first] * (first + 1 - begin) + sum(samples[first + 1 : last]) + samples[last] * (end - last)
    return round(total / ((first + 1 - begin) + (last - first - 1) + (end - last)))


def _little_endian(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
