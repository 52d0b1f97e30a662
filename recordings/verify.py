"""Is the finished file what was captured? It is decoded again and compared, channel by channel, with the raw audio."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from recordings import ffmpeg
from recordings.timeline import RATE

with warnings.catch_warnings():
    # pydub warns that no ffmpeg is on the PATH (it is given one below) and that audioop will leave the standard library
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

#: loudness is compared in windows of this length
WINDOW_MS = 100
#: quieter than this (RMS of 16-bit samples, -56 dBFS) counts as silence: line noise need not survive the codec
SILENCE_RMS = 50
LEAST_CORRELATION = 0.9
MOST_LEVEL_DB = 3.0
MOST_LENGTH_SECONDS = 0.025


class NotTheSame(ValueError):
    """The decoded file differs from the capture; the message says in what."""


class Verification(msgspec.Struct, frozen=True):
    """``correlation`` of the loudness curves and ``level_db`` (file less capture), by channel."""

    seconds: float
    correlation: list[float]
    level_db: list[float]


def verify(file: Path, pcm: Iterable[bytes], channels: int, seconds: float, most_seconds: float) -> Verification:
    """Decode ``file`` and compare it, channel by channel, with the PCM it was made from (``seconds`` long).

    Raises:
        NotTheSame: length, number of channels, loudness curve or level differ.
        ffmpeg.CodecFailed: the file cannot be decoded.
    """
    AudioSegment.converter = ffmpeg.executable()
    wanted = loudness(pcm, channels)
    with ffmpeg.decoding(file, channels, most_seconds) as decoded:
        counted = _Counted(decoded)
        got = loudness(counted, channels)
    found_seconds = counted.bytes / (2 * channels * RATE)
    if abs(found_seconds - seconds) > MOST_LENGTH_SECONDS:
        raise NotTheSame(f"the file plays {found_seconds:.3f} s, the capture {seconds:.3f} s")
    correlations, levels = [], []
    for channel, (raw, heard) in enumerate(zip(wanted, got, strict=True)):
        alike, level = _alike(raw, heard), _level(raw, heard)
        if alike < LEAST_CORRELATION or abs(level) > MOST_LEVEL_DB:
            raise NotTheSame(f"channel {channel} is not what was captured: correlation {alike:.3f}, {level:+.1f} dB")
        correlations.append(round(alike, 4))
        levels.append(round(level, 2))
    return Verification(round(found_seconds, 3), correlations, levels)


def loudness(pcm: Iterable[bytes], channels: int) -> list[list[float]]:
    """RMS of each window, by channel, not less than ``SILENCE_RMS``."""
    curves: list[list[float]] = [[] for _ in range(channels)]
    for block in _windows(pcm, 2 * channels):
        segment = AudioSegment(data=block, sample_width=2, frame_rate=RATE, channels=channels)
        for curve, mono in zip(curves, segment.split_to_mono(), strict=True):
            curve.extend(max(SILENCE_RMS, mono[at : at + WINDOW_MS].rms) for at in range(0, len(mono), WINDOW_MS))
    return curves


def _windows(pcm: Iterable[bytes], frame: int) -> Iterator[bytes]:
    """The same bytes in blocks of whole windows (10 s); a ``frame`` is one sample of each channel."""
    size = frame * RATE * 10
    rest = b""
    for block in pcm:
        rest += block
        while len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]
    whole = len(rest) - len(rest) % frame
    if whole:
        yield rest[:whole]


class _Counted:
    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.bytes += len(block)
            yield block


def _alike(raw: list[float], heard: list[float]) -> float:
    """Correlation of two loudness curves; of steady ones (a tone, silence) the cosine, which then says more."""
    pairs = list(zip(raw, heard, strict=False))
    if not pairs:
        return 1.0
    count = len(pairs)
    mean_raw, mean_heard = sum(a for a, _ in pairs) / count, sum(b for _, b in pairs) / count
    spread = math.sqrt(sum((a - mean_raw) ** 2 for a, _ in pairs) / count)
    if spread < 0.3 * mean_raw:
        mean_raw = mean_heard = 0.0
    both = sum((a - mean_raw) * (b - mean_heard) for a, b in pairs)
    size = math.sqrt(sum((a - mean_raw) ** 2 for a, _ in pairs) * sum((b - mean_heard) ** 2 for _, b in pairs))
    return both / size if size else 0.0


def _level(raw: list[float], heard: list[float]) -> float:
    """How much louder (dB) the second is."""
    energy_raw, energy_heard = sum(a * a for a in raw), sum(b * b for b in heard)
    if not energy_raw or not energy_heard:
        return 0.0
    return 10 * math.log10(energy_heard / energy_raw)
