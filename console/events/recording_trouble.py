"""Which recordings lose audio now or lost some lately: the recorder's reports, for ``/healthz``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

#: seconds for which trouble that is over is still shown
LATELY = 3600.0


class RecordingTrouble:
    """Listens to the event stream. ``now``: reasons by call while the recorder struggles; ``lately``: how many calls
    had audio that could not be kept within the last hour."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.now: dict[str, str] = {}
        self._over: dict[str, float] = {}

    @property
    def lately(self) -> int:
        since = self._clock() - LATELY
        self._over = {call: at for call, at in self._over.items() if at > since}
        return len(self._over)

    def heard(self, event: dict[str, Any]) -> None:
        kind, call = event.get("type"), str(event.get("call", ""))
        if kind == "recording.failed":
            self._over.pop(call, None)
            reason = str(event.get("reason", ""))
            self.now[call] = reason
            if reason.startswith("resumed"):
                self._ended(call, bool(event.get("lost_seconds")))
        elif kind == "recording.closed":
            self._ended(call, True)
        elif kind == "call.ended" and call in self.now and not self.now[call].startswith(_STRUGGLES):
            # it never began: nothing will be closed
            self._ended(call, True)

    def _ended(self, call: str, lost: bool) -> None:
        if self.now.pop(call, None) is not None and lost:
            self._over[call] = self._clock()


#: what the recorder says of a recording that has begun (recordings.capture)
_STRUGGLES = ("disk_full", "write_error", "writer_stalled")
