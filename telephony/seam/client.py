"""The other side of the seam: hear events, give commands."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from telephony.seam import frames

COMMAND_SECONDS = 5.0


class CommandError(Exception):
    """The phone refused a command. ``code`` is one of those in docs/call-control.md; ``facts``: what more it said."""

    def __init__(self, code: str, message: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.facts = facts or {}


class SeamClosed(ConnectionError):
    """The phone process is away."""


class SeamClient:
    """One connection. Iterate ``events()`` in one task and call ``command()`` from any other.

    Raises SeamClosed from both once the phone is away; make a new client then. ``coming(call, number, patient_id)``
    is called when a call begins, mostly before its first event is there (``frames.coming``).
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, welcome: dict[str, Any]) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.coming: Callable[[str, str, str], None] | None = None
        self._task = asyncio.ensure_future(self._read())
        self.node: str = welcome["node"]
        self.sequence: int = welcome["sequence"]
        self.version: str = welcome["version"]

    @classmethod
    async def connect(cls, path: Path, after: int = -1) -> SeamClient:
        """Connect and say hello; ``after`` as in docs/architecture.md. Raises SeamClosed when nobody answers."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 20)
            writer.write(frames.encode({"hello": {"after": after}}))
            welcome = (await frames.read(reader))["welcome"]
        except (OSError, asyncio.IncompleteReadError, KeyError, frames.SeamError) as error:
            raise SeamClosed(f"the phone process does not answer at {path.name}: {error}") from error
        return cls(reader, writer, welcome)

    async def _read(self) -> None:
        try:
            while True:
                message = await frames.read(self._reader)
                if (event := message.get("event")) is not None:
                    self._events.put_nowait(event)
                elif (told := message.get("coming")) is not None:
                    if self.coming is not None:
                        self.coming(told["call"], told["number"], told["patient_id"])
                elif (reply := message.get("reply")) is not None:
                    future = self._waiting.pop(reply.get("id"), None)
                    if future is None or future.done():
                        continue
                    if error := reply.get("error"):
                        facts = {name: value for name, value in error.items() if name not in ("code", "message")}
                        future.set_exception(CommandError(error["code"], error["message"], facts))
                    else:
                        future.set_result(reply.get("result"))
        except (OSError, asyncio.IncompleteReadError, frames.SeamError):
            pass
        finally:
            self._events.put_nowait(None)
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(SeamClosed("the phone process went away"))
            self._waiting.clear()
            self._writer.close()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Each event as a map with its ``type``. Ends with SeamClosed."""
        while (event := await self._events.get()) is not None:
            yield event
        raise SeamClosed("the phone process went away")

    def waiting_events(self) -> list[dict[str, Any]]:
        """What has arrived and was not yet iterated, for storing in batches."""
        batch = []
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                event = self._events.get_nowait()
                if event is None:
                    self._events.put_nowait(None)
                    break
                batch.append(event)
        return batch

    async def command(self, name: str, /, **arguments: Any) -> Any:
        """Give a command and wait for its result, 5 s at most. Raises CommandError, SeamClosed, TimeoutError."""
        if self._task.done():
            raise SeamClosed("the phone process is away")
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._writer.write(frames.encode({"command": {"id": number, "name": name, "arguments": arguments}}))
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                return await future
        finally:
            self._waiting.pop(number, None)

    def stored(self, sequence: int) -> None:
        """Tell the phone that everything up to ``sequence`` is safe, so that its journal may forget it."""
        if not self._task.done():
            self._writer.write(frames.encode({"stored": sequence}))

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
