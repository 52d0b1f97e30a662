"""Who waits in a queue: one rule for every board, whether it reads the phone's snapshot or its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def waits(call: Mapping[str, Any]) -> bool:
    """Of a call in the phone's snapshot: it is in a queue, ringing at somebody or not. One in a menu does not wait yet;
    one that was answered does again once it is back in a queue."""
    return bool(call.get("queue")) and call.get("phase") in ("queued", "ringing")


def calls_back(call: Mapping[str, Any]) -> bool:
    """Nobody holds the line: the call is one that an agent is to make (D116)."""
    return not call.get("line")


def waited(call: Mapping[str, Any]) -> float:
    """Seconds, over all queues."""
    return float(call.get("waiting_since") or call.get("seconds", 0.0))


def stops_waiting(event: Mapping[str, Any]) -> bool:
    """Of an event of a call that waited: it does not any more. The answer of an offer says so, too, as a second agent's
    answer, and that of a call-back, are no ``call.answered``."""
    kind = event["type"]
    taken = kind == "call.offer_ended" and event.get("outcome") == "answered"
    return taken or kind in ("call.answered", "call.dequeued", "call.ended")
