"""Keeps the phone's events in the database: in batches, exactly once, however long the database is away."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.database import transaction
from storage.event_log import append_events
from storage.known_callers import link_known_callers
from storage.phone_numbers import NumberingPlan

log = structlog.get_logger("console.events")

#: seconds that events wait for company: pops go first, and one transaction takes them all
LINGER = 0.025
#: seconds from one transaction to the next while events keep coming: one that takes many costs hardly more
APART = 0.1
BATCH = 500
#: events that wait in memory while the database is away; beyond, the phone's journal has to give them again
WAITING = 20_000
_LONGEST_PAUSE = 5.0


class EventStore:
    """``stored(sequence)`` is called on the loop after each commit. ``overflowed``: events were not taken any more;
    once ``waiting`` is 0 the caller resets it and gives everything after ``stored_through`` again.

    An event that the database refuses for what it is (not for being away) is written to ``set_aside`` and passed over,
    so that it does not hold up the others.
    """

    def __init__(self, engine: Engine, plan: NumberingPlan, set_aside: Path, stored: Callable[[int], None]) -> None:
        self._engine = engine
        self._plan = plan
        self._set_aside = set_aside
        self._stored = stored
        self._waiting: deque[dict[str, Any]] = deque()
        self._arrived = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._task: asyncio.Task[None] | None = None
        self.stored_through = 0
        self.stored_count = 0
        self.overflowed = False
        self.trouble = ""
        self.refused = 0
        self._moved_at = 0.0
        #: those who wait until an event is stored, by its sequence
        self._readers: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="event store")

    async def stop(self) -> None:
        """Store what is waiting if the database takes it at once, then stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._waiting and not self.trouble:
            await self._store(list(self._waiting)[:BATCH])
        self._executor.shutdown(wait=True)

    def put(self, event: dict[str, Any]) -> None:
        if self.overflowed or event["sequence"] <= self.stored_through:
            return
        if len(self._waiting) >= WAITING:
            log.error("too many events wait for the database; the journal keeps the rest", waiting=len(self._waiting))
            self.overflowed = True
            return
        if not self._waiting:
            self._moved_at = time.monotonic()
        self._waiting.append(event)
        self._arrived.set()

    async def caught_up(self, within: float) -> bool:
        """Wait until everything put so far is stored: who was told of an event and reads the log finds it there. False
        when ``within`` seconds have gone by, or events cannot be stored now."""
        if not self._waiting:
            return not self.overflowed
        if self.trouble:
            return False
        stored = asyncio.get_running_loop().create_future()
        self._readers.append((self._waiting[-1]["sequence"], stored))
        try:
            await asyncio.wait_for(stored, within)
        except TimeoutError:
            return False
        return True

    def lag_seconds(self) -> float:
        """Age of the oldest event that is not stored; 0 when all are."""
        if not self._waiting:
            return 0.0
        return max(0.0, time.time() - float(self._waiting[0].get("at") or time.time()))

    def stuck_seconds(self) -> float:
        """So long events have been waiting without one being stored; 0 when none waits. A database that is locked by
        somebody else shows here long before it gives up."""
        return time.monotonic() - self._moved_at if self._waiting else 0.0

    async def _run(self) -> None:
        pause = 0.1
        begun = 0.0
        while True:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            await asyncio.sleep(max(LINGER, begun + APART - time.monotonic()))
            begun = time.monotonic()
            batch = [self._waiting[index] for index in range(min(BATCH, len(self._waiting)))]
            if not batch:
                continue
            if await self._store(batch):
                pause = 0.1
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _store(self, batch: list[dict[str, Any]]) -> bool:
        """True when the batch is out of the line: stored, or set aside."""
        loop = asyncio.get_running_loop()
        try:
            new = await loop.run_in_executor(self._executor, self._append, batch)
        except Exception as error:
            # whatever it is, the events stay in line: nothing may be lost here
            if not self.trouble:
                log.error("events cannot be stored, they wait", waiting=len(self._waiting), exc_info=error)
            self.trouble = str(error) or type(error).__name__
            return False
        if self.trouble:
            log.info("events are stored again", waiting=len(self._waiting))
            self.trouble = ""
        for _ in batch:
            self._waiting.popleft()
        self._moved_at = time.monotonic()
        self.stored_count += new
        self.stored_through = max(self.stored_through, batch[-1]["sequence"])
        while self._readers and self._readers[0][0] <= self.stored_through:
            _, reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(None)
        self._stored(self.stored_through)
        return True

    def _append(self, batch: list[dict[str, Any]]) -> int:
        try:
            with transaction(self._engine) as connection:
                stored = append_events(connection, batch, self._plan)
                if stored:
                    link_known_callers(connection, batch, self._plan)
                return stored
        except (OperationalError, InterfaceError, InternalError, PoolTimeout):
            raise
        except Exception as error:
            if len(batch) > 1:
                return sum(self._append([event]) for event in batch)
            log.error(
                "an event is refused by the database and set aside",
                type=batch[0].get("type"),
                sequence=batch[0].get("sequence"),
                exc_info=error,
            )
            with self._set_aside.open("ab") as file:
                file.write(msgspec.json.encode(batch[0]) + b"\n")
            self.refused += 1
            return 0
