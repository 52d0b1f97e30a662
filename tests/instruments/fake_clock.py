"""A clock that moves when the test says so."""

from __future__ import annotations

from telephony.clock import SECOND


class FakeClock:
    """``now``: seconds since it began, as ``monotonic`` counts; ``began``: Unix seconds at 0."""

    def __init__(self, now: float = 1000.0, began: float = 1_780_000_000.0) -> None:
        self.now = now
        self.began = began

    def wall(self) -> float:
        return self.began + self.now

    def monotonic(self) -> int:
        return int(self.now * SECOND)
