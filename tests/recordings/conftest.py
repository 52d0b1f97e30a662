"""Captures made to measure: tones on each leg, written through the real format, and an ear for the finished files."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from recordings.capture_format import END, END_NOTE, RECORD, CaptureHeader
from recordings.ffmpeg import executable
from recordings.g711 import LINEAR

#: monotonic clock of the made-up machine when the recording was opened
ZERO_NS = 5_000_000_000_000
#: wall clock at the same instant: 2026-03-01 08:00:00 UTC
WALL_NS = 1_772_352_000 * 10**9


def _codes_of(law: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.array(LINEAR[law])
    order = np.argsort(values, kind="stable")
    return values[order], order.astype(np.uint8)


_TABLES = {law: _codes_of(law) for law in (0, 8)}


def g711(samples: np.ndarray, law: int) -> bytes:
    """Encode 16-bit samples by looking up the nearest value that the law can say."""
    values, codes = _TABLES[law]
    at = np.clip(np.searchsorted(values, samples), 1, len(values) - 1)
    nearest = np.where(np.abs(values[at] - samples) < np.abs(values[at - 1] - samples), at, at - 1)
    return codes[nearest].tobytes()


def tone(hertz: float, seconds: float, level: float, law: int) -> bytes:
    """``level`` is the amplitude, 0 to 1."""
    t = np.arange(round(seconds * 8000)) / 8000
    return g711(np.round(32767 * level * np.sin(2 * np.pi * hertz * t)), law)


def speech(seconds: float, law: int, seed: int) -> bytes:
    """Noise in bursts of a quarter to three quarters of a second: as lively as speech, and never twice the same."""
    random = np.random.default_rng(seed)
    count = round(seconds * 8000)
    envelope = np.repeat(random.choice([0.0, 0.05, 0.15, 0.3], count // 2000 + 1), 2000)[:count]
    t = np.arange(count) / 8000
    voice = sum(np.sin(2 * np.pi * f * t + random.random() * 6) for f in (160, 320, 480, 800, 1200)) / 5
    return g711(np.round(32767 * envelope * voice), law)


@dataclass
class MadePacket:
    leg: int
    law: int
    timestamp: int
    payload: bytes
    arrival_ns: int

    def pack(self) -> bytes:
        head = RECORD.pack(self.leg, self.law, len(self.payload), self.timestamp & 0xFFFFFFFF, self.arrival_ns)
        return head + self.payload


@dataclass
class MadeCapture:
    """A call's capture, put together packet by packet."""

    call: str = "0195-call"
    wall_ns: int = WALL_NS
    packets: list[MadePacket] = field(default_factory=list)

    def leg(
        self,
        leg: int,
        law: int,
        codes: bytes,
        *,
        starts: float = 0.0,
        timestamp: int = 1000,
        delay: Callable[[int], float] = lambda n: 0.0,
        keep: Callable[[int], bool] = lambda n: True,
    ) -> None:
        """20 ms packets from second ``starts`` on; ``delay(n)`` in seconds, ``keep(n)`` false loses packet n."""
        for n in range(len(codes) // 160):
            if keep(n):
                arrival = ZERO_NS + round((starts + n * 0.02 + delay(n)) * 1e9)
                payload = codes[n * 160 : n * 160 + 160]
                self.packets.append(MadePacket(leg, law, timestamp + n * 160, payload, arrival))

    def pack(self, ended_at: float | None = None, packets: Iterable[MadePacket] | None = None) -> bytes:
        ordered = sorted(self.packets if packets is None else packets, key=lambda packet: packet.arrival_ns)
        data = CaptureHeader(self.call, self.wall_ns, ZERO_NS).pack() + b"".join(p.pack() for p in ordered)
        if ended_at is not None:
            at = ZERO_NS + round(ended_at * 1e9)
            data += RECORD.pack(END_NOTE, 0, END.size, 0, at) + END.pack(len(ordered), 0)
        return data

    def write(self, data: Path, ended_at: float | None = None) -> str:
        """Put it where the recorder would; gives the path relative to the data folder."""
        path = f"recordings/raw/2026/03/01/{self.call}.cap"
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(self.pack(ended_at))
        return path


@dataclass
class Heard:
    """A decoded file: samples as floats from -1 to 1, one row a channel."""

    channels: np.ndarray

    @property
    def seconds(self) -> float:
        return self.channels.shape[1] / 8000

    def level(self, channel: int, hertz: float, start: float, stop: float) -> float:
        """Level (dB full scale) of one frequency in a stretch."""
        stretch = self.channels[channel, round(start * 8000) : round(stop * 8000)]
        window = np.hanning(len(stretch))
        t = np.arange(len(stretch)) / 8000
        amplitude = abs(np.sum(stretch * window * np.exp(-2j * np.pi * hertz * t))) / window.sum() * 2
        return 20 * math.log10(max(amplitude, 1e-7))

    def loudest(self, channel: int, start: float, stop: float) -> float:
        """The strongest frequency (Hz) of a stretch."""
        stretch = self.channels[channel, round(start * 8000) : round(stop * 8000)]
        spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch)), 65536))
        return float(np.argmax(spectrum) * 8000 / 65536)

    def rms(self, channel: int, start: float, stop: float) -> float:
        """Level (dB full scale) of everything in a stretch."""
        stretch = self.channels[channel, round(start * 8000) : round(stop * 8000)]
        return 20 * math.log10(max(float(np.sqrt(np.mean(stretch**2))), 1e-7))


def listen(file: Path, channels: int = 2) -> Heard:
    raw = ("-f", "s16le", "-ar", "8000", "-ac", str(channels), "pipe:1")
    command = [executable(), "-v", "error", "-i", str(file), *raw]
    pcm = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120).stdout
    return Heard(np.frombuffer(pcm, "<i2").reshape(-1, channels).T / 32768)


@pytest.fixture
def made() -> MadeCapture:
    return MadeCapture()


@pytest.fixture
def make_tone() -> Callable[[float, float, float, int], bytes]:
    return tone


@pytest.fixture
def make_speech() -> Callable[[float, int, int], bytes]:
    return speech


@pytest.fixture
def hear() -> Callable[..., Heard]:
    """``hear(file, channels=2)``: the file as samples."""
    return listen
