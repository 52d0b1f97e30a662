"""Counting rings by the clock: the first begins at once, each next one a cadence later (D3)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class RingCounter:
    """Rings that began since ``started`` (monotonic ns). ``reported`` is how many were told so far."""

    started: int
    cadence: int
    reported: int = 0

    def begun(self, now: int) -> int:
        """How many rings have begun by ``now``; at least 1."""
        return 1 + max(0, now - self.started) // self.cadence

    def next_at(self) -> int:
        """When the first ring that is not yet reported begins."""
        return self.started + self.reported * self.cadence

    def due(self, now: int) -> range:
        """The rings to report now; they count as reported afterwards."""
        first, last = self.reported + 1, self.begun(now)
        self.reported = max(self.reported, last)
        return range(first, last + 1)

    def within(self, now: int, rings: int) -> bool:
        """True while fewer than ``rings + 1`` rings have begun: three rings means before 15 s have passed."""
        return now - self.started < rings * self.cadence
