"""What the attendant is doing with a caller at the moment."""

from __future__ import annotations


class Activity:
    """Takes digits and has times of its own (monotonic ns). After ``due(now)`` its deadline lies after ``now``."""

    def digit(self, digit: str, now: int) -> None:
        """A key that means nothing here."""

    def deadline(self) -> int | None:
        return None

    def due(self, now: int) -> None:
        """Called at the deadline or later."""


class InQueue(Activity):
    """The call waits in ``queue``."""

    def __init__(self, queue: str) -> None:
        self.queue = queue

    def begin(self) -> None:
        """It has just come in."""
