"""Wall and monotonic time behind one small interface, so that rules are tested with a clock of the test's own."""

from __future__ import annotations

import time
from typing import Protocol

SECOND = 1_000_000_000


class Clock(Protocol):
    def wall(self) -> float:
        """Unix seconds, UTC."""

    def monotonic(self) -> int:
        """Nanoseconds; never steps."""


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> int:
        return time.monotonic_ns()
