"""Counting of what is refused, source by source, so that a flood makes one report a second and not a million."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_MAX_SOURCES = 1_000
#: requests whose repetitions are recognised
_MAX_RECENT = 1_000


class RefusalCounter:
    """Calls ``report(source, count, detail)`` at a source's first refusal, then at most once an ``interval`` (s)."""

    def __init__(self, report: Callable[[str, int, str], None], interval: float = 1.0) -> None:
        self._report = report
        self._interval = interval
        self._open: dict[str, tuple[int, str]] = {}
        self._recent: dict[str, None] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def note(self, source: str, detail: str, request: str = "") -> int:
        """Count one; gives the number counted for this source in the running interval, this one included.

        ``request`` names what was refused: a repetition of it is not counted again.
        """
        if request:
            key = f"{source} {request}"
            if key in self._recent:
                return self._open.get(source, (0, ""))[0] + 1
            self._recent[key] = None
            if len(self._recent) > _MAX_RECENT:
                del self._recent[next(iter(self._recent))]
        if source not in self._timers and len(self._timers) >= _MAX_SOURCES:
            source = "others"
        if source in self._timers:
            count = self._open.get(source, (0, ""))[0] + 1
            self._open[source] = (count, detail)
            return count + 1
        self._start(source)
        self._report(source, 1, detail)
        return 1

    def _start(self, source: str) -> None:
        self._timers[source] = asyncio.get_running_loop().call_later(self._interval, self._elapsed, source)

    def _elapsed(self, source: str) -> None:
        del self._timers[source]
        waiting = self._open.pop(source, None)
        if waiting is not None:
            self._start(source)
            self._report(source, *waiting)

    def close(self) -> None:
        """Report what is still counted and stop."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        waiting, self._open = self._open, {}
        for source, (count, detail) in waiting.items():
            self._report(source, count, detail)
