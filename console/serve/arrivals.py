"""What a supervisor without threads waits for: signals, and the end of its standard input."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections import deque
from types import FrameType

#: ask for an orderly end
STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_HEARD = (*STOPS, signal.SIGCHLD)


class Arrivals:
    """Signals as they arrive, one at a time. Only in the main thread.

    A forked child calls ``forget`` at once, while the signals are ``held``: one that was sent to it must neither get
    lost nor be read by its parent.
    """

    def __init__(self, input_: int | None = None) -> None:
        """``input_``: a file whose end counts as SIGTERM."""
        self._reading, self._writing = os.pipe()
        for end in (self._reading, self._writing):
            os.set_blocking(end, False)
        self._input = input_
        self._came: deque[int] = deque()
        # Python writes the number of every signal that has a handler there (signal.set_wakeup_fd)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in _HEARD:
            signal.signal(number, _heard)

    def wait(self, seconds: float | None) -> int | None:
        """The next signal; None when none came in time."""
        if not self._came:
            files = [self._reading] if self._input is None else [self._reading, self._input]
            ready, _, _ = select.select(files, [], [], seconds)
            if self._reading in ready:
                self._came.extend(os.read(self._reading, 4096))
            if self._input is not None and self._input in ready and not _more(self._input):
                self._input = None
                self._came.append(signal.SIGTERM)
        return self._came.popleft() if self._came else None

    @staticmethod
    def hold() -> None:
        """Let signals wait, for the moment of a fork."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)

    @staticmethod
    def let_go() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)

    def forget(self) -> None:
        """In a forked child: signals do again what they do in a process that was just started."""
        signal.set_wakeup_fd(-1)
        for number in _HEARD:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        for end in (self._reading, self._writing):
            os.close(end)


def _heard(_number: int, _frame: FrameType | None) -> None:
    """The wakeup file has it."""


def _more(file: int) -> bool:
    with contextlib.suppress(OSError):
        return bool(os.read(file, 65536))
    return False
