"""A caller speaks a message."""

from __future__ import annotations

from telephony.clock import SECOND
from telephony.routing.activity import Activity
from telephony.routing.attended import Attended

#: a message is long enough then
LONGEST_MESSAGE = 300 * SECOND


class MessageTaking(Activity):
    """From the announcement before the tone on; ``starts`` when the caller is recorded."""

    def __init__(self, attended: Attended) -> None:
        self._attended = attended
        self._until: int | None = None

    def starts(self, now: int) -> None:
        self._until = now + LONGEST_MESSAGE

    def deadline(self) -> int | None:
        return self._until

    def due(self, now: int) -> None:
        self._until = None
        self._attended.end("the message is long enough")
