"""Takes the phone's events in: looks callers up at their first sign, hands events to the consoles in order, and to the
store. Comes back by itself when the phone process was away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from console.events.event_store import EventStore
from console.events.hub import EventHub, carries_pop, rings
from console.events.live_calls import LiveCalls
from console.events.phone_link import PhoneLink
from console.events.pop import Pop
from telephony.seam.client import CommandError, SeamClient, SeamClosed

log = structlog.get_logger("console.events")

#: seconds between two attempts to reach the phone process. Short: requests of users wait for it
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.25
#: seconds until a phone process that answers wrongly is asked again
_WRONG_ANSWER_PAUSE = 1.0


class Intake:
    """``last_stored`` reads the greatest stored sequence of a node. ``connected(snapshot)`` is awaited each time the
    phone has (again) been reached, ``gone()`` is called when it is away."""

    def __init__(
        self,
        socket: Path,
        node: str,
        link: PhoneLink,
        hub: EventHub,
        calls: LiveCalls,
        store: EventStore,
        last_stored: Callable[[str], Awaitable[int]],
        connected: Callable[[dict[str, Any]], Awaitable[None]],
        gone: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._node = node
        self._link = link
        self._hub = hub
        self._calls = calls
        self._store = store
        self._last_stored = last_stored
        self._connected = connected
        self._gone = gone
        self._line: deque[dict[str, Any]] = deque()
        self._awaited: asyncio.Future[Pop] | None = None
        #: what is in line goes on in the next turn of the loop
        self._resting = False
        self._task: asyncio.Task[None] | None = None
        self._restart: asyncio.Future[None] | None = None
        #: trouble with the phone's journal that needs a person
        self.trouble = ""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="intake")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def stored(self, sequence: int) -> None:
        """The store has everything up to ``sequence``: the journal may forget it."""
        client = self._link.client
        if client is None:
            return
        client.stored(sequence)
        if self._store.overflowed and not self._store.waiting and self._restart is None:
            self._restart = asyncio.ensure_future(client.close())

    async def _run(self) -> None:
        after = await self._first_position()
        pause = _FIRST_PAUSE
        away = False
        while True:
            try:
                client = await SeamClient.connect(self._socket, after)
            except SeamClosed as error:
                if not away:
                    away = True
                    log.warning("the phone process is not there", reason=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            away, pause = False, _FIRST_PAUSE
            try:
                await self._listen(client, after)
            except SeamClosed:
                log.warning("the phone process went away")
            except (CommandError, TimeoutError) as error:
                log.error("the phone process does not say how things stand", reason=str(error))
                await asyncio.sleep(_WRONG_ANSWER_PAUSE)
            finally:
                self._link.lost()
                self._gone()
                await client.close()
            if self._restart is not None:
                # what the store did not take comes out of the journal again
                self._restart = None
                self._store.overflowed = False
                after = self._store.stored_through
            else:
                after = max(self._seen(), after)

    async def _first_position(self) -> int:
        """Where the store stands. Waits for the database: without it nobody could sign in either."""
        pause = _FIRST_PAUSE
        while True:
            try:
                after = await self._last_stored(self._node)
            except Exception as error:
                log.error("the database does not say where its events end", reason=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                continue
            self._store.stored_through = after
            self._hub.cursor.setdefault(self._node, after)
            return after

    def _seen(self) -> int:
        """The last event taken in; those that still wait for a pop are in line already."""
        last = self._line[-1]["sequence"] if self._line else 0
        return max(last, self._hub.cursor.get(self._node, 0))

    async def _listen(self, client: SeamClient, after: int) -> None:
        if client.node != self._node:
            log.error("another phone answers here", node=client.node, wanted=self._node)
        if client.sequence < after:
            self.trouble = f"the phone's journal ends at {client.sequence}, the database has events up to {after}"
            log.error("the phone's journal is behind the database", journal=client.sequence, database=after)
        else:
            self.trouble = ""
        client.coming = self._calls.expect
        snapshot = await client.command("snapshot")
        for call in snapshot.get("calls", ()):
            self._calls.begin(call)
        self._calls.forget_all_but({call["call"] for call in snapshot.get("calls", ())})
        self._link.reached(client)
        await self._connected(snapshot)
        self._link.has_settled()
        async for event in client.events():
            self._arrived(event)

    def _arrived(self, event: dict[str, Any]) -> None:
        if event.get("type") == "call.started":
            self._calls.begin(event)
        self._store.put(event)
        self._line.append(event)
        if self._awaited is None and not self._resting:
            self._drain()

    def _drain(self, _: object = None) -> None:
        """Publish in order. An event with a pop waits for it (half a second at most), and so do those behind it. One
        that makes a console ring is on its socket before the others are looked at."""
        self._awaited, self._resting = None, False
        while self._line:
            event = self._line[0]
            if carries_pop(event):
                seen = self._calls.find(event["call"])
                if seen is not None and seen.pop is not None and not seen.pop.done():
                    self._awaited = seen.pop
                    seen.pop.add_done_callback(self._drain)
                    return
            self._line.popleft()
            self._hub.publish(event)
            if self._line and rings(event):
                self._resting = True
                asyncio.get_running_loop().call_soon(self._drain)
                return
