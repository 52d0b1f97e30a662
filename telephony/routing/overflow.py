"""When a call overflows from its queue, and where to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.clock import SECOND
from telephony.routing.steps import Step, ToQueue

if TYPE_CHECKING:
    from telephony.routing.attendant import Attendant

#: an overflow that cannot be carried out yet is looked at again after this long
_AGAIN = 5 * SECOND


class Overflow:
    """One stay in one queue: its rules in their order, each once. Times count from the entry into this queue."""

    def __init__(self, attendant: Attendant, queue: str, now: int) -> None:
        self._attendant = attendant
        self._queue = queue
        self._entered = now
        self._not_before = now
        #: rules that were carried out already, and came to nothing
        self._done = 0

    def at(self) -> int | None:
        rules = self._attendant.routing.queue(self._queue).overflow
        if self._done >= len(rules):
            return None
        return max(self._entered + int(rules[self._done].after * SECOND), self._not_before)

    def due(self, now: int) -> Step | None:
        """The step to take now, if one is due and leads somewhere."""
        at = self.at()
        if at is None or now < at:
            return None
        if not self._attendant.attended.call.wants_agent():
            # it rings at somebody just now
            self._not_before = now + SECOND
            return None
        step = self._attendant.routing.queue(self._queue).overflow[self._done].to
        if not self._leads_on(step):
            self._not_before = now + _AGAIN
            return None
        self._done += 1
        return step

    def _leads_on(self, step: Step) -> bool:
        """A caller is better off here than in a queue that would turn them away."""
        if not isinstance(step, ToQueue):
            return True
        target = self._attendant.routing.queue(step.queue)
        return target.name != self._queue and self._attendant.turned_away(target) is None
