"""Which 20 ms frames of a stream are due, however evenly the clock's calls come."""

from __future__ import annotations

#: ns of one frame
FRAME_NS = 20_000_000
#: a call this much early counts: the clock's own grid is the frame's
_EARLY = FRAME_NS // 2
#: what a loop that was held up for longer has missed is not made up for: that would arrive as delay
_MOST_LATE = 2 * FRAME_NS + _EARLY


class Beat:
    """Fifty frames a second in the long run. ``now`` is monotonic ns."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    @property
    def wakes_at(self) -> int:
        """No frame is due before this time."""
        return self._next - _EARLY

    def due(self, now: int) -> int:
        """How many frames are to go now; the first call begins the beat."""
        behind = now - self._next
        if behind > _MOST_LATE:
            self._next = now
            behind = 0
        if behind < -_EARLY:
            return 0
        frames = (behind + _EARLY) // FRAME_NS + 1
        self._next += frames * FRAME_NS
        return frames
