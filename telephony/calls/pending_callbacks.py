"""Call-backs whose next try is not due yet. Told the time; no timers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PendingCallback:
    """``call`` is the one that did not reach anybody; ``waiting_since``: Unix seconds; ``due``: monotonic ns."""

    queue: str
    number: str
    patient_id: str
    requested_in: str
    waiting_since: float
    priority: int
    attempt: int
    due: int
    call: str = ""

    @property
    def wish(self) -> str:
        """What tells it from others, over all its tries."""
        return self.requested_in or self.call


class PendingCallbacks:
    """One for each wish."""

    def __init__(self) -> None:
        self._by_wish: dict[str, PendingCallback] = {}

    def __iter__(self) -> Iterator[PendingCallback]:
        return iter(list(self._by_wish.values()))

    def __bool__(self) -> bool:
        return bool(self._by_wish)

    def put(self, pending: PendingCallback) -> None:
        self._by_wish[pending.wish] = pending

    def take(self, call: str) -> PendingCallback | None:
        """Take out the one that was asked for in ``call``, or last tried as ``call``."""
        for wish, pending in self._by_wish.items():
            if call in (wish, pending.call):
                return self._by_wish.pop(wish)
        return None

    def deadline(self) -> int | None:
        return min((pending.due for pending in self), default=None)

    def due(self, now: int) -> list[PendingCallback]:
        """Take out those whose time has come, the first due first."""
        over = sorted((pending for pending in self if pending.due <= now), key=lambda pending: pending.due)
        for pending in over:
            self.take(pending.wish)
        return over
