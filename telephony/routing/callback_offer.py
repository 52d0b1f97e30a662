"""A caller who cannot be served now is asked: press 1 and we call you back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.clock import SECOND
from telephony.routing import spoken
from telephony.routing.activity import Activity

if TYPE_CHECKING:
    from telephony.routing.attendant import Attendant

#: the key that accepts, wherever a call-back is offered
ACCEPT = "1"
#: after the offer
_PATIENCE = 8 * SECOND


class CallbackOffer(Activity):
    def __init__(self, attendant: Attendant, queue: str) -> None:
        self._attendant = attendant
        self._queue = queue
        self._until: int | None = None

    def begin(self) -> None:
        self._attendant.say([spoken.CALLBACK_OFFER], "callback", self._offered)

    def digit(self, digit: str, now: int) -> None:
        if digit == ACCEPT:
            self._until = None
            self._attendant.hush()
            self._attendant.call_back(self._queue, now)

    def deadline(self) -> int | None:
        return self._until

    def due(self, now: int) -> None:
        self._until = None
        self._attendant.say([spoken.GOODBYE], "callback", lambda _: self._attendant.attended.end("no call-back wanted"))

    def _offered(self, now: int) -> None:
        self._until = now + _PATIENCE
