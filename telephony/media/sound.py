"""Sounds that a call can hear: prompts, music, tones. Read once, coded once for each law, shared by all calls."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from telephony.media import g711
from telephony.media.silence import PCMA
from telephony.media.wav import RATE, BadSound, parse_wav

__all__ = ["BadSound", "NoSuchSound", "Sound", "SoundLibrary", "beep", "ringback"]

#: where the prompts that ship lie
SHIPPED = Path(__file__).parent.parent / "sounds"

#: the ring-back tone of China (GF 002-9002.1): 450 Hz, 1 s on, 4 s off
_RINGBACK_HZ, _RINGBACK_ON, _RINGBACK_OFF = 450, 1, 4
_BEEP_HZ, _BEEP_SECONDS = 1000, 0.4
#: -13 dBm0, where a full-scale sine is 3.14 dBm0 (ITU-T G.711)
_AMPLITUDE = 32256 * 10 ** ((-13 - 3.14) / 20)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)


class NoSuchSound(LookupError):
    """No prompt of this name, neither the house's nor one that ships."""


class Sound:
    """8 kHz mono. ``len()`` in samples."""

    def __init__(self, name: str, pcm: bytes = b"", *, law: int = PCMA, codes: bytes = b"") -> None:
        """Either ``pcm`` (16 bit, native order) or G.711 ``codes`` of payload type ``law``."""
        self.name = name
        self._pcm = pcm
        self._law = law
        self._coded = {law: codes} if codes else {}

    def __len__(self) -> int:
        return len(self._pcm) // 2 or len(self._coded.get(self._law, b""))

    @property
    def seconds(self) -> float:
        return len(self) / RATE

    def coded(self, law: int) -> bytes:
        """G.711 of payload type ``law`` (0 or 8), made at first use."""
        coded = self._coded.get(law)
        if coded is None:
            if self._pcm:
                coded = g711.encode(self._pcm, law)
            else:
                coded = g711.transcode(self._coded.get(self._law, b""), self._law, law)
            self._coded[law] = coded
        return coded


class SoundLibrary:
    """Sounds by their prompt names (docs/routing.md): the house's own first, then those that ship.

    ``ringback`` and ``beep`` are made, not read.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._own: dict[str, str] = {}
        self._read: dict[Path, Sound] = {}

    def use(self, prompts: Mapping[str, str]) -> None:
        """The routing document's prompts: name to file, relative to the data folder. Calls keep what they play."""
        self._own = dict(prompts)
        kept = {self._data / file for file in self._own.values()}
        self._read = {path: sound for path, sound in self._read.items() if path in kept or path.parent == SHIPPED}

    def sound(self, name: str) -> Sound:
        """Raises NoSuchSound, BadSound or OSError."""
        if name in self._own:
            return self._of(name, self._own_path(name))
        if name == "ringback":
            return ringback()
        if name == "beep":
            return beep()
        if not _NAME.fullmatch(name):
            raise NoSuchSound(f"{name!r} is no name of a prompt")
        return self._of(name, SHIPPED / f"{name}.wav")

    def _own_path(self, name: str) -> Path:
        path = self._data / self._own[name]
        if not path.resolve().is_relative_to(self._data.resolve()):
            raise NoSuchSound(f"prompt {name!r}: its file is outside the data folder")
        return path

    def _of(self, name: str, path: Path) -> Sound:
        sound = self._read.get(path)
        if sound is None:
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                raise NoSuchSound(f"there is no prompt {name!r}") from None
            try:
                wav = parse_wav(content)
            except BadSound as error:
                raise BadSound(f"prompt {name!r}: {error}") from error
            sound = Sound(name, wav.data) if wav.law is None else Sound(name, law=wav.law, codes=wav.data)
            self._read[path] = sound
        return sound


@cache
def ringback() -> Sound:
    """What a caller hears while it rings; to be looped."""
    return Sound("ringback", _tone(_RINGBACK_HZ, _RINGBACK_ON) + bytes(2 * RATE * _RINGBACK_OFF))


@cache
def beep() -> Sound:
    """Speak now."""
    return Sound("beep", _tone(_BEEP_HZ, _BEEP_SECONDS))


def _tone(hertz: float, seconds: float) -> bytes:
    """A sine that begins and ends with a ramp of 5 ms."""
    count = round(RATE * seconds)
    ramp = RATE // 200
    return array(
        "h",
        (
            round(_AMPLITUDE * min(1, at / ramp, (count - at) / ramp) * math.sin(2 * math.pi * hertz * at / RATE))
            for at in range(count)
        ),
    ).tobytes()
