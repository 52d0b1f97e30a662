"""One timer for all legs of a process: a call costs no timer of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

_log = logging.getLogger(__name__)

#: seconds between two ticks
TICK = 0.005
#: every so many ticks all legs are looked at; on the others only the busy ones
TICKS_IN_FRAME = 4


class Clocked(Protocol):
    #: monotonic ns before which ``frame_due`` need not be called
    wakes_at: int

    def frame_due(self, now: int) -> None:
        """Called each 20 ms from ``wakes_at`` on, with monotonic ns."""

    def tick(self, now: int) -> None:
        """Called each 5 ms while this one is busy."""


class MediaClock:
    """Ticks while it has anybody to tick for."""

    def __init__(self) -> None:
        self._all: dict[Clocked, None] = {}
        self._busy: dict[Clocked, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0.0
        self._count = 0

    def add(self, clocked: Clocked, loop: asyncio.AbstractEventLoop) -> None:
        self._all[clocked] = None
        if self._timer is None:
            self._loop = loop
            self._next = loop.time() + TICK
            self._timer = loop.call_at(self._next, self._tick)

    def remove(self, clocked: Clocked) -> None:
        self._all.pop(clocked, None)
        self._busy.pop(clocked, None)
        if not self._all and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def busy(self, clocked: Clocked) -> None:
        """Call its ``tick`` each 5 ms until ``idle``."""
        self._busy[clocked] = None

    def idle(self, clocked: Clocked) -> None:
        self._busy.pop(clocked, None)

    def _tick(self) -> None:
        assert self._loop is not None
        now = time.monotonic_ns()
        self._count += 1
        for clocked in list(self._busy):
            try:
                clocked.tick(now)
            except Exception:
                _log.exception("media tick failed")
        if self._count % TICKS_IN_FRAME == 0:
            for clocked in [one for one in self._all if now >= one.wakes_at]:
                try:
                    clocked.frame_due(now)
                except Exception:
                    _log.exception("media frame failed")
        # a loop that was held up takes the ticks that it missed as one
        self._next = max(self._next + TICK, self._loop.time())
        self._timer = self._loop.call_at(self._next, self._tick) if self._all else None
