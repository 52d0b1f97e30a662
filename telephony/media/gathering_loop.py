"""The phone's event loop: uvloop, with all sockets that are watched by ``add_reader`` behind one descriptor.

The headset sockets' transports ask their loop to call them whenever there is something. uvloop reports each socket by
itself, through a handle and a context for each; here they are read in rounds, as the RTP sockets are (``rtp_reader``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import uvloop

from telephony.media.rtp_reader import RtpReader


class GatheringLoop(uvloop.Loop):
    """Its callbacks run in the context of the loop's own handle, and not each in a copy of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._gathered = RtpReader(super().add_reader, super().remove_reader)

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        """As of any loop."""
        self._gathered.watch(_number(fd), callback, args, self)

    def remove_reader(self, fd: Any) -> bool:  # type: ignore[override]
        """Whether it was watched."""
        return self._gathered.forget(_number(fd))


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())
