"""The attendant's voice: plays to the caller and knows when it has played, or that it was interrupted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from telephony.clock import SECOND, Clock
from telephony.events import AnnouncementPlayed
from telephony.routing.attended import Attended

log = logging.getLogger(__name__)

#: an announcement whose end is never reported counts as played
LONGEST_PROMPT = 120 * SECOND


class Announcer:
    def __init__(self, attended: Attended, clock: Clock) -> None:
        self._attended = attended
        self._clock = clock
        #: counts what was said, so that the end of something that was interrupted is known as such
        self._saying = 0
        self._then: Callable[[int], None] | None = None
        self._until: int | None = None

    @property
    def speaking(self) -> bool:
        return self._then is not None

    def say(self, prompts: Sequence[str], why: str, then: Callable[[int], None]) -> None:
        """``then(now)`` when it has played; what was being said before has no consequences any more."""
        self._attended.publish(AnnouncementPlayed(call=self._attended.call.id, prompt=prompts[0], why=why))
        self._saying += 1
        self._then, self._until = then, self._clock.monotonic() + LONGEST_PROMPT
        self._attended.play(prompts, partial(self._said, self._saying))

    def hush(self) -> None:
        """Stop what is being said; nothing follows from it."""
        if self.speaking:
            self.forget()
            self._attended.stop_playing()

    def forget(self) -> None:
        """Nothing follows from what is being said."""
        self._saying += 1
        self._then = self._until = None

    def deadline(self) -> int | None:
        return self._until

    def due(self, now: int) -> None:
        if self._until is not None and now >= self._until:
            log.warning("call %s: the end of an announcement was not reported", self._attended.call.id)
            self._said(self._saying)

    def _said(self, saying: int) -> None:
        if saying == self._saying and self._then is not None:
            then, self._then, self._until = self._then, None, None
            then(self._clock.monotonic())
