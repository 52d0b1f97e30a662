"""Mixes for those who hear several: every 20 ms each ear gets the sum of its speakers, never its own voice."""

from __future__ import annotations

import asyncio
import audioop
from collections.abc import Mapping
from typing import Protocol

from telephony.media import g711
from telephony.media.beat import Beat
from telephony.media.fades import fade_in, fade_out
from telephony.media.media_clock import MediaClock
from telephony.media.silence import silence
from telephony.media.voice import Voice


class Ear(Protocol):
    """Somebody who hears: ``law`` is the payload type (0 or 8) that ``hear`` takes."""

    @property
    def law(self) -> int: ...

    def hear(self, payload: bytes) -> None:
        """20 ms of G.711."""


#: numbers of the speakers of one mix, in order
Speakers = tuple[int, ...]


class Mixer:
    """Runs (``media_clock.Clocked``) while there are mixes to make.

    Sums saturate (``audioop.add``). A speaker who comes into a mix fades in, one who leaves it fades out.
    """

    def __init__(self, clock: MediaClock) -> None:
        self._clock = clock
        self._beat = Beat()
        self._ears: dict[Ear, Speakers] = {}
        #: what each ear's mix was one frame ago
        self._before: dict[Ear, Speakers] = {}
        self._voices: dict[int, Voice] = {}
        #: those who are in no mix any more, for the frame in which they fade out
        self._leaving: dict[int, Voice] = {}
        self.wakes_at = 0

    def mix(self, ears: Mapping[Ear, Speakers]) -> None:
        """From now on; whoever is not in ``ears`` gets nothing from here."""
        running = bool(self._ears)
        self._ears = dict(ears)
        speakers = {speaker for mixed in ears.values() for speaker in mixed}
        known = {**self._leaving, **self._voices}
        leaving = {speaker for ear in ears for speaker in self._before.get(ear, ())} - speakers
        self._voices = {speaker: known.get(speaker) or Voice() for speaker in sorted(speakers)}
        self._leaving = {speaker: known[speaker] for speaker in leaving if speaker in known}
        if ears and not running:
            self._beat = Beat()
            self.wakes_at = 0
            self._clock.add(self, asyncio.get_running_loop())
        elif running and not ears:
            self._before.clear()
            self._clock.remove(self)

    def voice(self, speaker: int) -> Voice | None:
        """Where this party's packets go, if somebody hears it in a mix."""
        return self._voices.get(speaker)

    @property
    def running(self) -> bool:
        return bool(self._ears)

    def frame_due(self, now: int) -> None:
        for _ in range(self._beat.due(now)):
            self._frame()
        self.wakes_at = self._beat.wakes_at

    def tick(self, now: int) -> None:
        """Never busy."""

    def _frame(self) -> None:
        frames = {speaker: voice.pull() for speaker, voice in {**self._leaving, **self._voices}.items()}
        self._leaving = {}
        made: dict[tuple[Speakers, int], bytes] = {}
        for ear, speakers in self._ears.items():
            before = self._before.get(ear, ())
            if before != speakers:
                self._before[ear] = speakers
                ear.hear(_encode(_changing(frames, before, speakers), ear.law))
                continue
            key = (speakers, ear.law)
            payload = made.get(key)
            if payload is None:
                payload = made[key] = _encode([frames[speaker] for speaker in speakers], ear.law)
            ear.hear(payload)
        if len(self._before) > len(self._ears):
            self._before = {ear: self._before[ear] for ear in self._ears}


def _changing(frames: Mapping[int, bytes | None], before: Speakers, after: Speakers) -> list[bytes | None]:
    parts: list[bytes | None] = []
    for speaker in {*before, *after}:
        frame = frames.get(speaker)
        if frame is not None and speaker not in before:
            frame = fade_in(frame)
        elif frame is not None and speaker not in after:
            frame = fade_out(frame)
        parts.append(frame)
    return parts


def _encode(frames: list[bytes | None], law: int) -> bytes:
    total: bytes | None = None
    for frame in frames:
        if frame is not None:
            total = frame if total is None else audioop.add(total, frame, 2)
    return silence(law) if total is None else g711.encode(total, law)
