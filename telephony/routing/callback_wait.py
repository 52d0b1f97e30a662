"""One call-back in one queue (D116): nobody hears anything; it overflows as callers do, where that leads to agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.routing.activity import InQueue
from telephony.routing.overflow import Overflow
from telephony.routing.steps import ToQueue

if TYPE_CHECKING:
    from telephony.routing.attendant import Attendant


class CallbackWait(InQueue):
    def __init__(self, attendant: Attendant, queue: str, now: int) -> None:
        super().__init__(queue)
        self._attendant = attendant
        self._overflow = Overflow(attendant, queue, now)

    def deadline(self) -> int | None:
        return self._overflow.at()

    def due(self, now: int) -> None:
        # all else is for somebody who holds the line; and no queue is come back to, as documents have no loops of these
        while (step := self._overflow.due(now)) is not None:
            if isinstance(step, ToQueue):
                self._attendant.wait(self._attendant.routing.queue(step.queue), step.priority or 0, now)
                return
