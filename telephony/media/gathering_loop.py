"""The phone's event loop: uvloop, with the connections that are watched by ``add_reader`` behind one descriptor.

The headset sockets' transports ask their loop to call them whenever there is something. uvloop reports each socket by
itself, through a handle and a context for each; here they are read in rounds, as the RTP sockets are (``rtp_reader``).
Datagram sockets that are watched (SIP) are not: theirs are many callers' messages, taken one in a turn of the loop, and
a round of 2 ms for each would be 500 a second.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import uvloop

from telephony.media.rtp_reader import RtpReader


class GatheringLoop(uvloop.Loop):
    """Its callbacks run in the context of the loop's own handle, and not each in a copy of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._gathered = RtpReader(super().add_reader, super().remove_reader)
        #: descriptors that uvloop watches by themselves; it does not say so when they are removed
        self._alone: set[int] = set()

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        """As of any loop."""
        number = _number(fd)
        if _takes_datagrams(number):
            self._gathered.forget(number)  # of a socket that had the number before
            super().add_reader(fd, callback, *args)
            self._alone.add(number)
        else:
            if number in self._alone:
                self.remove_reader(number)
            self._gathered.watch(number, callback, args, self)

    def remove_reader(self, fd: Any) -> bool:  # type: ignore[override]
        """Whether it was watched."""
        number = _number(fd)
        if number not in self._alone:
            return self._gathered.forget(number)
        self._alone.discard(number)
        super().remove_reader(fd)
        return True


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


def _takes_datagrams(number: int) -> bool:
    try:
        known = socket.socket(fileno=number)
    except OSError:  # no socket: the epoll descriptor of the RTP sockets
        return False
    datagrams = known.type == socket.SOCK_DGRAM
    known.detach()
    return datagrams
