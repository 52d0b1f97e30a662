"""Reading the RTP sockets of a process: one wake-up of the loop serves all of them.

A loop that wakes up for each packet spends more on waking than on the packet. All RTP sockets stand behind one epoll
descriptor, the loop watches that one alone, and rounds of reading begin at least ``ROUND`` apart. With a few calls no
round ever comes so soon after the last; with many, what else the loop has to do gathers into rounds, too.
"""

from __future__ import annotations

import asyncio
import logging
import select
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)

#: ns from the beginning of one round to the next: what a packet may wait on a busy phone
ROUND = 2_000_000

#: ns between rounds after which more than one packet of a stream may wait, and how many are then read at once
HELD_UP = 15_000_000
MOST_PASSES = 8

#: ``reader(now)``: monotonic ns of the round's beginning
Reader = Callable[[int], None]


class RtpReader:
    """Calls a reader for each of its sockets that has something. Belongs to one loop, as long as it has sockets."""

    def __init__(self) -> None:
        self._readers: dict[int, Reader] = {}
        self._epoll: select.epoll | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_round = 0

    def read(self, descriptor: int, reader: Reader, loop: asyncio.AbstractEventLoop) -> None:
        """Call ``reader`` whenever ``descriptor`` has something; in place of the reader that it had. Raises OSError."""
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop = loop
            loop.add_reader(self._epoll.fileno(), self._round)
        if descriptor not in self._readers:
            self._epoll.register(descriptor, select.EPOLLIN)
        self._readers[descriptor] = reader

    def forget(self, descriptor: int) -> None:
        """No more reading; before the socket is closed."""
        if self._readers.pop(descriptor, None) is None or self._epoll is None:
            return
        self._epoll.unregister(descriptor)
        if not self._readers and self._loop is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = self._loop = None

    def _round(self) -> None:
        now = time.monotonic_ns()
        # one packet of each socket; a loop that was held up finds several, and would never catch up one by one
        behind = now - self._last_round
        for _ in range(1 if behind < HELD_UP else MOST_PASSES):
            if self._epoll is None or not self._pass(self._epoll, now):
                break
        if behind < 2 * ROUND and self._loop is not None:
            self._loop.call_soon(self._rest)
        self._last_round = now

    def _pass(self, epoll: select.epoll, now: int) -> bool:
        """Call the readers of all sockets that have something; whether there were any."""
        readers = self._readers
        ready = epoll.poll(0)
        for descriptor, _ in ready:
            reader = readers.get(descriptor)
            if reader is None:
                continue  # one before it closed this one
            try:
                reader(now)
            except Exception:
                _log.exception("reading an RTP socket failed")
        return bool(ready)

    def _rest(self) -> None:
        """Before the loop looks for what has come: all of it, from headsets and elsewhere, then is one round."""
        early = self._last_round + ROUND - time.monotonic_ns()
        if early > 0:
            time.sleep(early / 1e9)
