"""The waveform of a recording: the loudest sample of each short stretch, by channel, in a small file.

The file is a header ``SSPK | version u8 | channels u8 | samples per peak u32 | sample rate u32 | peaks a channel u32``
(big endian), the party number of each channel, one byte each (not in version 1: 0 and 1), then each channel's peaks,
one byte each: 255 times the square root of the linear amplitude.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recordings.g711 import linear_of_size

_HEADER = struct.Struct(">4sBBIII")
_MAGIC = b"SSPK"
_VERSION = 2
#: without party numbers
_OF_TWO = 1

#: 20 ms; doubled for long recordings until no channel has more than ``MOST_PEAKS``
FINEST = 160
MOST_PEAKS = 20_000


class PeaksUnreadable(ValueError):
    """The file is no whole peaks file of a version that we know."""


@dataclass(frozen=True, slots=True)
class Peaks:
    rate: int
    samples_per_peak: int
    #: the party that each channel is of
    parties: tuple[int, ...]
    channels: tuple[bytes, ...]

    def linear(self) -> list[list[float]]:
        """Each channel's peaks as amplitudes from 0 to 1."""
        return [[_LINEAR[size] for size in channel] for channel in self.channels]

    def pack(self) -> bytes:
        count = len(self.channels[0]) if self.channels else 0
        head = _HEADER.pack(_MAGIC, _VERSION, len(self.channels), self.samples_per_peak, self.rate, count)
        return head + bytes(self.parties) + b"".join(self.channels)


_LINEAR = [round(linear_of_size(size), 4) for size in range(256)]


def read_peaks(path: Path) -> Peaks:
    """Raises PeaksUnreadable for a damaged file, OSError when it cannot be read."""
    data = path.read_bytes()
    if len(data) < _HEADER.size:
        raise PeaksUnreadable(f"{len(data)} bytes are no peaks file")
    magic, version, channels, samples_per_peak, rate, count = _HEADER.unpack_from(data)
    named = channels if version == _VERSION else 0
    begin = _HEADER.size + named
    if magic != _MAGIC or version not in (_OF_TWO, _VERSION) or len(data) != begin + channels * count:
        raise PeaksUnreadable("not a whole peaks file of a known version")
    parties = tuple(data[_HEADER.size : begin]) if named else tuple(range(channels))
    starts = range(begin, len(data), count) if count else [begin] * channels
    return Peaks(rate, samples_per_peak, parties, tuple(data[start : start + count] for start in starts))


class PeakMeter:
    """Collects peaks while the audio is rendered."""

    def __init__(self, parties: Sequence[int], rate: int, samples: int) -> None:
        self._rate = rate
        self._parties = tuple(parties)
        channels = len(self._parties)
        self._step = FINEST
        while samples > self._step * MOST_PEAKS:
            self._step *= 2
        self._peaks = [bytearray() for _ in range(channels)]
        self._rest = [b""] * channels

    def add(self, channel: int, sizes: bytes) -> None:
        """The next samples of a channel as ``g711.SIZE`` bytes."""
        sizes = self._rest[channel] + sizes
        step = self._step
        whole = len(sizes) - len(sizes) % step
        self._peaks[channel].extend(max(sizes[at : at + step]) for at in range(0, whole, step))
        self._rest[channel] = sizes[whole:]

    def peaks(self) -> Peaks:
        for channel, rest in enumerate(self._rest):
            if rest:
                self._peaks[channel].append(max(rest))
                self._rest[channel] = b""
        return Peaks(self._rate, self._step, self._parties, tuple(bytes(peaks) for peaks in self._peaks))
