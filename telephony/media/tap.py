"""What the media path tells a recorder. Implemented in the recordings room, injected by the wiring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

#: which side a packet came from; also the channel of the finished file
CALLER_LEG = 0
AGENT_LEG = 1


class Tap(Protocol):
    """One call's recorder. Never blocks, never raises: trouble goes to the ``on_trouble`` callback."""

    def packet(self, leg: int, payload_type: int, timestamp: int, payload: bytes, monotonic_ns: int) -> None:
        """One 8 kHz G.711 payload as it passed: RTP payload type 0 or 8, RTP timestamp (u32), arrival time."""

    def close(self) -> None:
        """No more packets. The ``on_closed`` callback follows when all is on disk."""


class Recorder(Protocol):
    def open(
        self,
        call: str,
        on_closed: Callable[[str, int, int], None],
        on_trouble: Callable[[str, float], None],
    ) -> tuple[Tap, str]:
        """Start recording ``call``; gives the tap and the file's path relative to the data folder.

        ``on_closed(path, bytes, packets)`` and ``on_trouble(reason, lost_seconds)`` come on the loop's thread.
        """
