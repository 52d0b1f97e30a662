"""One caller in one queue: what they hear, what they are told and offered, when they overflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.clock import SECOND
from telephony.routing import spoken
from telephony.routing.activity import InQueue
from telephony.routing.callback_offer import ACCEPT
from telephony.routing.overflow import Overflow
from telephony.routing.settings import Queue
from telephony.routing.steps import ToCallback

if TYPE_CHECKING:
    from telephony.routing.attendant import Attendant


class QueueWait(InQueue):
    """Times count from the entry into this queue; the caller's waiting time as a whole is the call's."""

    def __init__(self, attendant: Attendant, queue: str, now: int) -> None:
        super().__init__(queue)
        self._attendant = attendant
        self._entered = now
        self._announce_from = now
        self._overflow = Overflow(attendant, queue, now)
        #: the queue whose agents call back, once that was offered
        self._offered = ""

    def begin(self) -> None:
        attended = self._attendant.attended
        settings = self._settings()
        if settings.waiting == "music":
            attended.pick_up()
            attended.play([settings.music], loop=True)
        elif attended.picked_up:
            attended.play([spoken.RINGBACK], loop=True)

    def digit(self, digit: str, now: int) -> None:
        if digit == ACCEPT and self._offered:
            self._attendant.hush()
            self._attendant.call_back(self._offered, now)

    def deadline(self) -> int | None:
        times = [self._overflow.at(), self._offer_at(), self._announce_at()]
        return min((time for time in times if time is not None), default=None)

    def due(self, now: int) -> None:
        if self._go_elsewhere(now):
            return
        if _reached(self._offer_at(), now):
            self._offer(self.queue)
        elif _reached(self._announce_at(), now):
            self._announce(now)

    def _settings(self) -> Queue:
        return self._attendant.routing.queue(self.queue)

    # ---- overflow

    def _go_elsewhere(self, now: int) -> bool:
        """True when the caller left this queue."""
        step = self._overflow.due(now)
        if isinstance(step, ToCallback):
            if self._attendant.can_be_called_back():
                self._offer(step.queue)
            return False
        if step is not None:
            self._attendant.go(step, "overflow", now)
        return step is not None

    # ---- offers and announcements

    def _offer_at(self) -> int | None:
        after = self._settings().callback_offer_after
        if not after or self._offered or self._attendant.speaking or not self._attendant.can_be_called_back():
            return None
        return self._entered + int(after * SECOND)

    def _offer(self, queue: str) -> None:
        self._offered = queue
        self._attendant.say([spoken.CALLBACK_OFFER], "callback", self._go_on)

    def _announce_at(self) -> int | None:
        settings = self._settings()
        if self._attendant.speaking or not (settings.announce_position or settings.announce_wait):
            return None
        return self._announce_from + int(settings.announce_every * SECOND)

    def _announce(self, now: int) -> None:
        self._announce_from = now
        settings, outlook = self._settings(), self._attendant.outlook
        place = outlook.position(self._attendant.attended.call.id)
        if not place:
            return
        prompts: list[str] = []
        if settings.announce_position:
            prompts += spoken.position(place)
        seconds = outlook.expected_wait(self.queue, place) if settings.announce_wait else None
        if seconds is not None:
            prompts += spoken.expected_wait(seconds)
        if prompts:
            self._attendant.say(prompts, "position" if settings.announce_position else "wait", self._go_on)

    def _go_on(self, now: int) -> None:
        self._announce_from = now
        self.begin()


def _reached(time: int | None, now: int) -> bool:
    return time is not None and now >= time
