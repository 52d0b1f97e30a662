"""Ready recordings in the database of a house, without their files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from storage import recordings
from storage.database import transaction
from storage.event_log import append_events

AT = 1_772_352_000.0


def _recorded_calls(house: Any, count: int, agent: str = "agent1", first: int = 0, ready: bool = True) -> list[str]:
    ids = [f"call-{n:03}" for n in range(first, first + count)]
    events: list[dict[str, Any]] = []
    for n, call in enumerate(ids, first):
        at = AT + n * 60
        path = f"recordings/raw/2026/03/01/{call}.cap"
        story: list[tuple[str, float, dict[str, Any]]] = [
            ("call.started", at, {"direction": "inbound", "line": "trunk", "number": "13812340001"}),
            ("call.answered", at + 3, {"agent": agent, "agent_rings": 1}),
            ("recording.started", at + 3, {"path": path}),
            ("call.ended", at + 33, {"by": "caller", "sip_status": 200, "reason": "bye", "talk_seconds": 30.0}),
            ("recording.closed", at + 34, {"path": path, "bytes": 1000, "packets": 10}),
        ]
        for kind, when, more in story:
            base = {"type": kind, "node": f"n{first}", "sequence": len(events) + 1, "at": when, "call": call}
            events.append(base | more)
    with transaction(house.desk.engine) as conn:
        append_events(conn, events)
        while ready and (row := recordings.claim_next(conn, "w")) is not None:
            recordings.finished(
                conn,
                row.id,
                "w",
                path=f"recordings/finished/{row.call}.webm",
                peaks_path="",
                codec="opus-32k",
                seconds=30.0,
                channels=2,
                sha256="0" * 64,
                size=1,
            )
    return ids


@pytest.fixture
def recorded_calls() -> Callable[..., list[str]]:
    """``recorded_calls(house, count, agent, first, ready)``: answered, ended calls with recordings; gives their ids."""
    return _recorded_calls
