"""Tells consoles when a call's recording is finished, so that no page has to ask again and again.

The worker says so in the database alone. One look at the recordings that are awaited, here, stands for one from each
open page; while none is awaited there is no look at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from storage.recordings import of_calls, unfinished_calls

log = structlog.get_logger("console.calls")

#: seconds between two looks; the longer the worker takes, the rarer they are
FIRST_PAUSE, LONGEST_PAUSE = 0.4, 5.0
#: calls that are awaited at once; of more, the oldest are left to whoever opens them
MOST = 400
_OVER = frozenset({"ready", "failed"})

Read = Callable[[Callable[[Connection], dict[str, str]]], Awaitable[dict[str, str]]]


class FinishedRecordings:
    """Listens to the event stream. ``read(work)`` runs ``work`` with a connection in a thread; ``tell(frame)`` goes to
    all consoles: ``{"type": "recording.finished", "call", "state": "ready" | "failed"}``."""

    def __init__(self, read: Read, tell: Callable[[dict[str, Any]], None]) -> None:
        self._read = read
        self._tell = tell
        self._awaited: dict[str, None] = {}
        self._news = asyncio.Event()
        self._pause = FIRST_PAUSE
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="finished recordings")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def heard(self, event: dict[str, Any]) -> None:
        if event.get("type") == "recording.closed" and event.get("call"):
            self._await(str(event["call"]))
            self._pause = FIRST_PAUSE
            self._news.set()

    def _await(self, call: str) -> None:
        self._awaited[call] = None
        while len(self._awaited) > MOST:
            self._awaited.pop(next(iter(self._awaited)))

    async def _run(self) -> None:
        begun = False
        while True:
            if begun and not self._awaited:
                self._news.clear()
                await self._news.wait()
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 1.5, LONGEST_PAUSE)
            try:
                if not begun:
                    # those that were under way when this process began
                    for call in await self._read(lambda conn: dict.fromkeys(unfinished_calls(conn, MOST), "")):
                        self._await(call)
                    begun = True
                await self._look()
            except SQLAlchemyError as error:
                log.warning("it could not be seen which recordings are finished", reason=str(error))

    async def _look(self) -> None:
        awaited = list(self._awaited)
        if not awaited:
            return
        for call, state in (await self._read(lambda conn: _finished(conn, awaited))).items():
            self._awaited.pop(call, None)
            self._pause = FIRST_PAUSE
            self._tell({"type": "recording.finished", "call": call, "state": state})


def _finished(conn: Connection, calls: list[str]) -> dict[str, str]:
    """Of these calls, those whose recordings are all over, with the state of the last."""
    return {
        call: found[-1].state
        for call, found in of_calls(conn, calls).items()
        if all(one.state in _OVER for one in found)
    }
