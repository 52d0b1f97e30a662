"""The phone's side of the seam: events out to every client, commands in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from telephony.afterwards import afterwards
from telephony.event_stream import EventStream
from telephony.events import CallStarted, Event
from telephony.seam import frames

log = logging.getLogger(__name__)

#: a client that lets this much pile up is let go; it resumes from the journal
MAX_BACKLOG = 16 << 20

Handler = Callable[[str, dict[str, Any]], Awaitable[Any]]


class CommandFailed(Exception):
    """A command was understood and refused. ``code`` is for programs, the message for people; ``facts`` say more."""

    def __init__(self, code: str, message: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.facts = facts or {}


class SeamServer:
    def __init__(self, path: Path, stream: EventStream, version: str, handle: Handler) -> None:
        self._path = path
        self._stream = stream
        self._version = version
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        previous = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._accept, str(self._path))
        finally:
            os.umask(previous)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for task in list(self._clients):
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        undo: list[Callable[[], None]] = []
        loop = asyncio.get_running_loop()
        commands: set[asyncio.Task[None]] = set()
        try:
            hello = (await frames.read(reader)).get("hello")
            if not isinstance(hello, dict) or not isinstance(hello.get("after"), int):
                raise frames.SeamError("a client must say hello first")
            journal = self._stream.journal
            journal.skip_to(hello["after"])
            writer.write(
                frames.encode(
                    {"welcome": {"node": self._stream.node, "sequence": journal.sequence, "version": self._version}}
                )
            )
            if hello["after"] >= 0:
                await self._replay(writer, hello["after"])

            def forward(bodies: Sequence[bytes]) -> None:
                if writer.transport.get_write_buffer_size() > MAX_BACKLOG:
                    writer.transport.abort()
                else:
                    writer.write(b"".join([frames.event(body) for body in bodies]))

            def tell_coming(event: CallStarted) -> None:
                if not writer.is_closing():
                    writer.write(frames.coming(event.call, event.number, event.patient_id))

            def foretell(event: Event) -> None:
                # after the ring, as all that can wait; the journal's thread is woken behind it
                if isinstance(event, CallStarted):
                    afterwards(loop, tell_coming, event)

            undo += [self._stream.listen_to_bodies(forward), self._stream.heed(foretell)]
            while True:
                message = await frames.read(reader)
                if isinstance(command := message.get("command"), dict):
                    task = asyncio.ensure_future(self._answer(writer, command))
                    commands.add(task)
                    task.add_done_callback(commands.discard)
                elif isinstance(stored := message.get("stored"), int):
                    journal.forget(stored)
                else:
                    raise frames.SeamError(f"unknown message {sorted(message)}")
        except (asyncio.IncompleteReadError, ConnectionError):
            log.debug("a seam client left")
        except frames.SeamError as error:
            log.warning("a seam client is let go: %s", error)
        finally:
            for stop in undo:
                stop()
            for task in commands:
                task.cancel()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _replay(self, writer: asyncio.StreamWriter, after: int) -> None:
        """Send what is in the journal. It ends without a pause at the newest event, so that none slips between."""
        for sent, body in enumerate(self._stream.replay(after), start=1):
            writer.write(frames.event(body))
            if sent % 128 == 0:
                await writer.drain()
                await asyncio.sleep(0)

    async def _answer(self, writer: asyncio.StreamWriter, command: dict[str, Any]) -> None:
        reply: dict[str, Any] = {"id": command.get("id")}
        name, arguments = command.get("name"), command.get("arguments", {})
        try:
            if not isinstance(name, str) or not isinstance(arguments, dict):
                raise CommandFailed("bad_command", "A command has a name and arguments.")
            reply["result"] = await self._handle(name, arguments)
        except CommandFailed as error:
            reply["error"] = {"code": error.code, "message": str(error), **error.facts}
        except Exception as error:
            log.exception("command %s failed", name)
            reply["error"] = {"code": "internal", "message": f"{type(error).__name__} in the phone process"}
        await self._stream.settled()  # what the command brought about is heard of before its reply
        if not writer.is_closing():
            writer.write(frames.encode({"reply": reply}))
