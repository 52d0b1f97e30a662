"""Tones: written into WAV files, and measured in what arrived. Levels are dBFS RMS of 8 kHz sound."""

from __future__ import annotations

import array
import math
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from recordings.ffmpeg import executable

RATE = 8000
#: samples of one measurement: whole periods of every multiple of 4 Hz
BLOCK = 2000
#: dB by which the coder of finished recordings, made for speech, may change the level of a steady tone
SPEECH_CODER = 3.0


def write_tone(path: Path, hertz: float, dbfs: float, seconds: float = 60.0) -> None:
    """A sine of ``dbfs`` RMS (0 dBFS: the RMS of a full-scale square wave), 8 kHz mono 16 bit."""
    amplitude = 32768 * 10 ** (dbfs / 20) * math.sqrt(2)
    turns = hertz * np.arange(int(seconds * RATE)) / RATE
    samples = np.rint(amplitude * np.sin(2 * math.pi * turns)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


@dataclass(frozen=True)
class Heard:
    """Sound as it arrived. Levels are dBFS RMS; ``seconds`` is the whole length, levels leave out the edges."""

    seconds: float
    level: float
    samples: array.array[int]

    def part(self, begin: float, end: float) -> Heard:
        """Without the edges, from ``begin`` to ``end`` (seconds; below 0: from the end)."""
        samples = self.samples[round(begin * RATE) : round(end * RATE)]
        return _heard(samples, 0.0)

    def tone(self, hertz: float) -> float:
        """The level of one frequency in dBFS RMS: the median of blocks, as one late packet that shifts the
        tone's phase would cancel it over the whole."""
        return median(self._blocks(hertz))

    def loudest(self, hertz: float) -> float:
        """The level of one frequency in the quarter of a second in which it is loudest: for what must not be heard."""
        return max(self._blocks(hertz))

    def _blocks(self, hertz: float) -> list[float]:
        blocks = [self.samples[start : start + BLOCK] for start in range(0, len(self.samples) - BLOCK + 1, BLOCK)]
        return [level_of(block, hertz) for block in blocks or [self.samples]]


def level_of(samples: array.array[int], hertz: float) -> float:
    """The level of one frequency in dBFS RMS; whole periods of it in ``samples``."""
    wave = np.exp(-2j * math.pi * hertz * np.arange(len(samples)) / RATE)
    amplitude = 2 * max(abs(np.dot(samples, wave)), 1e-9**0.5) / max(1, len(samples))
    return 20 * math.log10(amplitude / math.sqrt(2) / 32768)


def hear_wav(path: Path, edge: float = 0.4) -> Heard:
    """Reads a mono 8 kHz 16-bit WAV file, leaving out ``edge`` seconds at both ends for the levels."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE), path
        samples = array.array("h", file.readframes(file.getnframes()))
    return _heard(samples, edge)


def hear_pcm(pcm: bytes, edge: float = 0.4) -> Heard:
    """As ``hear_wav``, of 8 kHz mono 16-bit samples in memory."""
    return _heard(array.array("h", pcm), edge)


def hear_recording(path: Path, edge: float = 0.4, channels: int = 2) -> list[Heard]:
    """Each channel of a finished recording (any container) of so many, decoded with ffmpeg."""
    command = [executable(), "-v", "error", "-i", str(path), "-f", "s16le", "-ar", str(RATE), "pipe:1"]
    pcm = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60).stdout
    samples = array.array("h", pcm)
    return [_heard(samples[channel::channels], edge) for channel in range(channels)]


def _heard(samples: array.array[int], edge: float) -> Heard:
    cut = int(edge * RATE)
    middle = samples[cut : len(samples) - cut]
    power = float(np.square(middle, dtype=float).mean()) if middle else 0.0
    return Heard(len(samples) / RATE, 10 * math.log10(max(power, 1e-9) / 32768**2), middle)
