"""Reading the RTP sockets of a process: one wake-up of the loop serves all of them.

A loop that wakes up for each packet spends more on waking than on the packet. All RTP sockets stand behind one epoll
descriptor, the loop watches that one alone, and rounds of reading begin at least ``ROUND`` apart. With a few calls no
round ever comes so soon after the last; with many, what else the loop has to do gathers into rounds, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from telephony.media.packet_path import serve

_log = logging.getLogger(__name__)

#: ns from the beginning of one round to the next: what a packet may wait on a busy phone
ROUND = 2_000_000

#: ns between rounds after which more than one packet of a stream may wait, and how many are then read at once
HELD_UP = 15_000_000
MOST_PASSES = 8

#: ``reader(now)``: monotonic ns of the round's beginning
Reader = Callable[[int], None]


class RtpReader:
    """Calls a reader for each of its sockets that has something. Belongs to one loop, as long as it has sockets.

    What a reader raises is logged, and the others are read.
    """

    def __init__(self, add: Callable[..., None] | None = None, remove: Callable[..., Any] | None = None) -> None:
        """``add`` and ``remove``: ``add_reader`` and ``remove_reader``, where not the loop's own."""
        self._add = add
        self._remove = remove
        self._readers: dict[int, Reader] = {}
        #: of descriptors whose reader wants no time
        self._callbacks: dict[int, Callable[[], Any]] = {}
        self._epoll: select.epoll | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_round = 0

    def read(self, descriptor: int, reader: Reader, loop: asyncio.AbstractEventLoop) -> None:
        """Call ``reader`` whenever ``descriptor`` has something; in place of the reader that it had. Raises OSError."""
        self._register(descriptor, loop)
        self._readers[descriptor] = reader

    def watch(
        self, descriptor: int, callback: Callable[..., Any], words: tuple[Any, ...], loop: asyncio.AbstractEventLoop
    ) -> None:
        """As ``read``, for a callback that is given ``words`` and not the time."""
        self._register(descriptor, loop)
        self._callbacks[descriptor] = partial(callback, *words) if words else callback

    def forget(self, descriptor: int) -> bool:
        """No more reading; before the socket is closed. False where it was not read."""
        known = self._readers.pop(descriptor, None) or self._callbacks.pop(descriptor, None)
        if known is None or self._epoll is None:
            return False
        with contextlib.suppress(OSError):  # closed before it was forgotten: the kernel forgot it then
            self._epoll.unregister(descriptor)
        if not self._readers and not self._callbacks and self._loop is not None:
            (self._remove or self._loop.remove_reader)(self._epoll.fileno())
            self._epoll.close()
            self._epoll = self._loop = None
        return True

    def _register(self, descriptor: int, loop: asyncio.AbstractEventLoop) -> None:
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop = loop
            (self._add or loop.add_reader)(self._epoll.fileno(), self._round)
        with contextlib.suppress(FileExistsError):  # another reader for the same socket
            self._epoll.register(descriptor, select.EPOLLIN)
        self._readers.pop(descriptor, None)
        self._callbacks.pop(descriptor, None)

    def _round(self) -> None:
        now = time.monotonic_ns()
        # one packet of each socket; a loop that was held up finds several, and would never catch up one by one
        behind = now - self._last_round
        for _ in range(1 if behind < HELD_UP else MOST_PASSES):
            if self._epoll is None or not serve(self._epoll, self._readers, self._callbacks, now, _failed):
                break
        if behind < 2 * ROUND and self._loop is not None:
            self._loop.call_soon(self._rest)
        self._last_round = now

    def _rest(self) -> None:
        """Before the loop looks for what has come: all of it, from headsets and elsewhere, then is one round."""
        early = self._last_round + ROUND - time.monotonic_ns()
        if early > 0:
            time.sleep(early / 1e9)


def _failed(error: Exception) -> None:
    _log.error("reading a socket failed", exc_info=error)
