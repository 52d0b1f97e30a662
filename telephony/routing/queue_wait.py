"""One caller in one queue: what they hear, what they are told and offered, when they overflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.clock import SECOND
from telephony.routing import spoken
from telephony.routing.activity import Activity
from telephony.routing.callback_offer import ACCEPT
from telephony.routing.settings import Queue
from telephony.routing.steps import Step, ToCallback, ToQueue

if TYPE_CHECKING:
    from telephony.routing.attendant import Attendant

#: an overflow that cannot be carried out yet is looked at again after this long
_AGAIN = 5 * SECOND


class QueueWait(Activity):
    """Times count from the entry into this queue; the caller's waiting time as a whole is the call's."""

    def __init__(self, attendant: Attendant, queue: str, now: int) -> None:
        self.queue = queue
        self._attendant = attendant
        self._entered = now
        self._announce_from = now
        self._overflow_from = now
        #: rules of overflow that were carried out already, and came to nothing
        self._overflowed = 0
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
        times = [self._overflow_at(), self._offer_at(), self._announce_at()]
        return min((time for time in times if time is not None), default=None)

    def due(self, now: int) -> None:
        if _reached(self._overflow_at(), now) and self._overflow(now):
            return
        if _reached(self._offer_at(), now):
            self._offer(self.queue)
        elif _reached(self._announce_at(), now):
            self._announce(now)

    def _settings(self) -> Queue:
        return self._attendant.routing.queue(self.queue)

    # ---- overflow

    def _overflow_at(self) -> int | None:
        rules = self._settings().overflow
        if self._overflowed >= len(rules):
            return None
        return max(self._entered + int(rules[self._overflowed].after * SECOND), self._overflow_from)

    def _overflow(self, now: int) -> bool:
        """True when the caller left this queue."""
        if not self._attendant.attended.call.wants_agent():
            # it rings at somebody just now
            self._overflow_from = now + SECOND
            return False
        step = self._settings().overflow[self._overflowed].to
        if not self._leads_on(step):
            self._overflow_from = now + _AGAIN
            return False
        self._overflowed += 1
        if isinstance(step, ToCallback):
            if self._attendant.can_be_called_back():
                self._offer(step.queue)
            return False
        self._attendant.go(step, "overflow", now)
        return True

    def _leads_on(self, step: Step) -> bool:
        """A caller is better off here than in a queue that would turn them away."""
        if not isinstance(step, ToQueue):
            return True
        target = self._attendant.routing.queue(step.queue)
        return target.name != self.queue and self._attendant.turned_away(target) is None

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
