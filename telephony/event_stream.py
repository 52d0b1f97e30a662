"""Stamping and fanning out events: the journal first, then everybody who listens.

Until ``start`` and after ``stop`` an event is written and heard before ``publish`` returns. In between a thread writes
(``journal``), and an event is heard once it is written, all in their order: a fraction of a millisecond later. A
disk that does not take it within ``PATIENCE`` does not hold the calls up: the events are heard of, kept, and written
when the disk answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import msgspec

from telephony.afterwards import afterwards
from telephony.clock import Clock
from telephony.events import Event
from telephony.journal import Journal

log = logging.getLogger(__name__)

#: seconds that events wait for the disk before they are heard of unwritten
PATIENCE = 0.1

Listener = Callable[[Event], None]
#: msgpack bodies of events, in their order
BodyListener = Callable[[Sequence[bytes]], None]


class EventStream:
    """One node's events in order. A listener that fails is logged and does not disturb the others."""

    def __init__(self, node: str, clock: Clock, journal: Journal) -> None:
        self.node = node
        self.journal = journal
        self._clock = clock
        self._heeding: list[Listener] = []
        self._listeners: list[Listener] = []
        self._body_listeners: list[BodyListener] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        #: stamped, not yet heard
        self._pending: deque[tuple[Event, bytes]] = deque()
        self._handed = False
        #: the disk does not answer at the moment
        self._stalled = False
        self._impatient: asyncio.TimerHandle | None = None
        self._settling: deque[tuple[int, asyncio.Future[None]]] = deque()

    def start(self) -> None:
        """Let a thread write, from the running loop on."""
        self._loop = asyncio.get_running_loop()
        self.journal.write_in_thread(self._written)

    async def stop(self) -> None:
        """What is under way is heard; from then on ``publish`` writes itself again."""
        await self.settled()
        self._loop = None

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on; call what is returned to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def heed(self, listener: Listener) -> Callable[[], None]:
        """As ``listen``, but within ``publish``, written or not: for who acts on an event and keeps nothing of it."""
        self._heeding.append(listener)
        return lambda: self._heeding.remove(listener)

    def listen_to_bodies(self, listener: BodyListener) -> Callable[[], None]:
        """As ``listen``, encoded, and several at a time."""
        self._body_listeners.append(listener)
        return lambda: self._body_listeners.remove(listener)

    @property
    def heard(self) -> int:
        """Every event up to this sequence was told to the listeners."""
        return self._pending[0][0].sequence - 1 if self._pending else self.journal.sequence

    def replay(self, after: int) -> Iterator[bytes]:
        """Bodies of the events after ``after`` that were heard. It ends without a pause at the newest, so that one who
        listens then misses none and hears none twice."""
        return self.journal.after(after, lambda: self.heard)

    def publish(self, event: Event) -> Event:
        """Give the event its node, sequence and times, journal it, tell the listeners. Returns the stamped event."""
        stamped = msgspec.structs.replace(
            event,
            node=self.node,
            sequence=self.journal.sequence + 1,
            at=self._clock.wall(),
            monotonic=self._clock.monotonic(),
        )
        self._pending.append((stamped, self.journal.append(stamped)))
        self._tell_each(self._heeding, stamped)
        if self._loop is None:
            self.journal.flush()
            self._tell(stamped.sequence)
        elif not self._handed:
            self._handed = True
            afterwards(self._loop, self._hand_over)
        return stamped

    async def settled(self) -> None:
        """Until everything that was published before this is heard."""
        sequence = self.journal.sequence
        if self.heard < sequence:
            future = asyncio.get_running_loop().create_future()
            self._settling.append((sequence, future))
            await future

    def _hand_over(self) -> None:
        """Once for all events of a turn of the loop and the next one: the thread that writes then does not take the
        interpreter's turns while a call finds its agent."""
        self._handed = False
        self.journal.flush()
        if self._stalled:
            self._tell(self.journal.sequence)
        elif self._impatient is None and self._pending and self._loop is not None:
            waiting_for = self._pending[-1][0].sequence
            self._impatient = self._loop.call_later(PATIENCE, self._no_answer, waiting_for)

    def _no_answer(self, sequence: int) -> None:
        self._impatient = None
        if self.heard >= sequence:
            if self._pending:
                self._hand_over()
            return
        log.error("the journal's disk does not answer: events are heard of before they are written")
        self.journal.trouble = self.journal.trouble or "the disk does not answer"
        self._stalled = True
        self._tell(self.journal.sequence)

    def _written(self, sequence: int, trouble: str) -> None:
        """In the journal's thread."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._answered, sequence)
        except RuntimeError:
            log.warning("the loop is gone; events up to %d are written and were not told", sequence)

    def _answered(self, sequence: int) -> None:
        self._stalled = False
        self._tell(sequence)

    def _tell(self, sequence: int) -> None:
        pending = self._pending
        bodies: list[bytes] = []
        while pending and pending[0][0].sequence <= sequence:
            event, body = pending.popleft()
            bodies.append(body)
            self._tell_each(self._listeners, event)
        if bodies:
            for body_listener in list(self._body_listeners):
                try:
                    body_listener(bodies)
                except Exception:
                    log.exception("a listener failed on %d events", len(bodies))
        while self._settling and self._settling[0][0] <= self.heard:
            _, future = self._settling.popleft()
            if not future.done():
                future.set_result(None)

    def _tell_each(self, listeners: Sequence[Listener], event: Event) -> None:
        for listener in list(listeners):
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", event)
