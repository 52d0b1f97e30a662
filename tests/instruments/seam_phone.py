"""A phone process that is only its seam: it keeps the commands that came, and refuses what it is told to refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from telephony.clock import SystemClock
from telephony.event_stream import EventStream
from telephony.events import Event
from telephony.journal import Journal
from telephony.seam.server import CommandFailed, SeamServer

NO_STATE = {
    "agent": "agent1",
    "name": "",
    "status": "not_ready",
    "reason": "",
    "call": "",
    "headset": True,
    "queues": ["default"],
    "seconds": 0.0,
}


class SeamPhone:
    """``told``: the commands besides the console's own housekeeping, as (name, arguments)."""

    def __init__(self, desk: Any) -> None:
        settings = desk.config.phone()
        self.told: list[tuple[str, dict[str, Any]]] = []
        #: commands that are refused, by name: with what code, or with what exactly
        self.refuses: dict[str, str | CommandFailed] = {}
        self.calls: list[dict[str, Any]] = []
        self._stream = EventStream(desk.config.node, SystemClock(), Journal(desk.folder / "journal", 2000))
        self.server = SeamServer(settings.seam_path, self._stream, "test", self._handle)

    def publish(self, event: Event) -> None:
        self._stream.publish(event)

    async def _handle(self, name: str, arguments: dict[str, Any]) -> Any:
        if name == "snapshot":
            return {
                "node": self._stream.node,
                "sequence": self._stream.journal.sequence,
                "agents": [],
                "calls": self.calls,
                "lines": [],
                "rules": None,
            }
        if name in ("agent.sign_in", "agent.sign_out", "rules.set", "routing.set"):
            return NO_STATE
        self.told.append((name, arguments))
        if name in self.refuses:
            refused = self.refuses[name]
            raise refused if isinstance(refused, CommandFailed) else CommandFailed(refused, "Refused for the test.")
        if name.startswith("agent."):
            return {**NO_STATE, "agent": arguments["agent"]}
        return {"party": 2} if name == "call.consult" else None


@asynccontextmanager
async def seam_phone(desk: Any) -> AsyncIterator[SeamPhone]:
    """``async with seam_phone(desk) as phone`` in a house without a phone; the web process has its link to it."""
    phone = SeamPhone(desk)
    await phone.server.start()
    try:
        await desk.phone_there()
        yield phone
    finally:
        await phone.server.stop()
