"""Who of the directory is free: entries that are agents or queues, by how the floor stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from storage.directory import Entry

#: an agent's status on the floor as whoever wants to transfer reads it
_OF_STATUS = {"ready": "free", "not_ready": "away", "offline": "away"}


class PresenceView(msgspec.Struct):
    """``state``: ``free``, ``busy`` or ``away`` (of a queue: somebody free; all busy; nobody there). ``reason``: why an
    agent is not ready. ``waiting``: callers in the queue."""

    state: str
    reason: str = ""
    waiting: int = 0


class FloorPresence:
    """``snapshot`` is the phone's; empty while it is away: nothing is known then."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self._agents = {one["agent"]: one for one in snapshot.get("agents", ())}
        self._calls: Iterable[Mapping[str, Any]] = snapshot.get("calls", ())
        self._known = bool(snapshot)

    def of(self, entry: Entry) -> PresenceView | None:
        """None for an entry that is a telephone number, and while the phone is away."""
        if not self._known or entry.number:
            return None
        return self._of_agent(entry.agent) if entry.agent else self._of_queue(entry.queue)

    def _of_agent(self, agent: str) -> PresenceView:
        found = self._agents.get(agent)
        if found is None:
            return PresenceView("away")
        return PresenceView(_OF_STATUS.get(found["status"], "busy"), found.get("reason", ""))

    def _of_queue(self, queue: str) -> PresenceView:
        states = {
            _OF_STATUS.get(one["status"], "busy") for one in self._agents.values() if queue in one.get("queues", ())
        }
        state = "free" if "free" in states else "busy" if "busy" in states else "away"
        waiting = sum(one["queue"] == queue and one["phase"] in ("queued", "ringing") for one in self._calls)
        return PresenceView(state, waiting=waiting)
