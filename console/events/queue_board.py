"""How many wait in each queue, told to every console whenever it changes: agents between calls see what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from console.floor.waiting import calls_back, stops_waiting, waited, waits

#: somebody has the caller, or what they left
_SERVED = frozenset({"call.answered", "call.transferred", "voicemail.left", "callback.requested"})
#: seconds in which several changes are told as one
_TOGETHER = 0.25


@dataclass(slots=True)
class _Waiting:
    queue: str
    since: float
    callback: bool


class QueueBoard:
    """Reads the event stream; ``tell(frame)`` goes to all consoles."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._waiting: dict[str, _Waiting] = {}
        #: calls that call back (D116)
        self._callbacks: set[str] = set()
        self._soon: asyncio.TimerHandle | None = None
        #: callers, in a menu or waiting, whom nobody has spoken to and who have left nothing behind
        self._unanswered: set[str] = set()
        #: those of them so far whose call ended
        self._given_up = 0

    def begin(self, calls: list[dict[str, Any]], now: float) -> None:
        """As a snapshot of the phone has it (``waiting_since`` in seconds). ``now``: Unix seconds."""
        self._waiting = {
            one["call"]: _Waiting(one["queue"], now - waited(one), calls_back(one)) for one in calls if waits(one)
        }
        self._unanswered = {one["call"] for one in calls if one.get("phase") == "menu"}
        self._unanswered |= {call for call, one in self._waiting.items() if not one.callback}
        self._changed()

    def heard(self, event: dict[str, Any]) -> None:
        kind, call = event["type"], event.get("call", "")
        if self._follow(kind, call, event):
            self._given_up += 1
            self._changed()
        if kind == "call.queued":
            before = self._waiting.get(call)
            since = before.since if before else float(event["at"])
            self._waiting[call] = _Waiting(event["queue"], since, call in self._callbacks)
        elif kind == "callback.started":
            self._callbacks.add(call)
            if call in self._waiting:
                self._waiting[call].callback = True
        elif stops_waiting(event):
            if kind == "call.ended":
                self._callbacks.discard(call)
            if self._waiting.pop(call, None) is None:
                return
        else:
            return
        self._changed()

    def _follow(self, kind: str, call: str, event: dict[str, Any]) -> bool:
        """Who has not been spoken to; True: a call ended like this."""
        comes_in = kind == "call.started" and event.get("direction") == "inbound"
        if comes_in or (kind == "call.queued" and call not in self._callbacks):
            self._unanswered.add(call)
        elif kind == "call.ended":
            gave_up = call in self._unanswered
            self._unanswered.discard(call)
            return gave_up
        elif kind in _SERVED or (kind == "call.offer_ended" and event.get("outcome") == "answered"):
            self._unanswered.discard(call)
        return False

    def counts(self) -> list[dict[str, Any]]:
        """By queue: ``waiting`` callers, ``callbacks``, and ``since`` when (Unix seconds) the longest has waited."""
        found: dict[str, dict[str, Any]] = {}
        for one in self._waiting.values():
            row = found.setdefault(one.queue, {"queue": one.queue, "waiting": 0, "callbacks": 0, "since": None})
            if one.callback:
                row["callbacks"] += 1
                continue
            row["waiting"] += 1
            row["since"] = one.since if row["since"] is None else min(row["since"], one.since)
        return [found[name] for name in sorted(found)]

    def close(self) -> None:
        if self._soon is not None:
            self._soon.cancel()

    def _changed(self) -> None:
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(_TOGETHER, self._now)

    def _now(self) -> None:
        self._soon = None
        self._tell({"type": "queues", "queues": self.counts(), "given_up": self._given_up})
