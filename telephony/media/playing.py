"""Sounds on their way to one ear, paced by the media clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from telephony.media.beat import Beat
from telephony.media.media_clock import MediaClock
from telephony.media.mixer import Ear
from telephony.media.silence import FRAME_SAMPLES, silence
from telephony.media.sound import Sound


class Playing:
    """Runs (``media_clock.Clocked``) from its making until the sounds end or ``stop``.

    ``on_end`` is called once, on the loop, after the last frame has had its time; not when it was stopped.
    """

    def __init__(
        self, clock: MediaClock, ear: Ear, sounds: Sequence[Sound], *, loop: bool, on_end: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._ear = ear
        self._sounds = tuple(sounds)
        self._loop = loop and any(len(sound) for sound in sounds)
        self._on_end = on_end
        self._beat = Beat()
        self._turn = 0
        self._at = 0
        self._law = -1
        self._codes = b""
        self._running = True
        self.wakes_at = 0
        clock.add(self, asyncio.get_running_loop())

    def stop(self) -> None:
        """At once. May be called again."""
        if self._running:
            self._running = False
            self._clock.remove(self)

    def frame_due(self, now: int) -> None:
        for _ in range(self._beat.due(now)):
            if not self._running:
                return  # stopped by something else in the same tick
            frame = self._frame()
            if frame is None:
                self.stop()
                self._on_end()
                return
            self._ear.hear(frame)
        self.wakes_at = self._beat.wakes_at

    def tick(self, now: int) -> None:
        """Never busy."""

    def _frame(self) -> bytes | None:
        law = self._ear.law
        if law != self._law:
            self._law = law
            self._codes = self._sounds[self._turn].coded(law) if self._turn < len(self._sounds) else b""
        frame = self._codes[self._at : self._at + FRAME_SAMPLES]
        self._at += FRAME_SAMPLES
        return frame if len(frame) == FRAME_SAMPLES else self._over_the_end(frame, law)

    def _over_the_end(self, frame: bytes, law: int) -> bytes | None:
        """The frame that begins with the end of one sound and goes on with the next; None when nothing is left."""
        while len(frame) < FRAME_SAMPLES:
            self._turn += 1
            if self._turn >= len(self._sounds):
                if not self._loop:
                    self._turn, self._codes, self._at = len(self._sounds), b"", 0
                    return frame + silence(law, FRAME_SAMPLES - len(frame)) if frame else None
                self._turn = 0
            self._codes = self._sounds[self._turn].coded(law)
            self._at = FRAME_SAMPLES - len(frame)
            frame += self._codes[: self._at]
        return frame
