"""Stamping and fanning out events: the journal first, then everybody who listens."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from telephony.clock import Clock
from telephony.events import Event
from telephony.journal import Journal

log = logging.getLogger(__name__)

Listener = Callable[[Event], None]


class EventStream:
    """One node's events in order. A listener that fails is logged and does not disturb the others."""

    def __init__(self, node: str, clock: Clock, journal: Journal) -> None:
        self.node = node
        self.journal = journal
        self._clock = clock
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on; call what is returned to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, event: Event) -> Event:
        """Give the event its node, sequence and times, journal it, tell the listeners. Returns the stamped event."""
        stamped = msgspec.structs.replace(
            event,
            node=self.node,
            sequence=self.journal.sequence + 1,
            at=self._clock.wall(),
            monotonic=self._clock.monotonic(),
        )
        self.journal.append(stamped)
        for listener in list(self._listeners):
            try:
                listener(stamped)
            except Exception:
                log.exception("a listener failed on %s", stamped)
        return stamped
