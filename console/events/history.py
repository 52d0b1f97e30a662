"""Stored events for a console that comes back after longer than memory reaches."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from console.events.live_calls import Owners
from storage.event_log import events_after, events_of_call

#: a console that missed more than this starts from the snapshot alone
MOST = 2000


def stored_after(
    conn: Connection, after: dict[str, int], until: dict[str, int]
) -> list[tuple[dict[str, Any], frozenset[str]]] | None:
    """Events after one cursor up to another, each with the agents that it concerns; None when there are too many."""
    missed: list[dict[str, Any]] = []
    for node, sequence in after.items():
        if sequence >= until.get(node, -1):
            continue
        missed += [event for event in events_after(conn, node, sequence, MOST + 1) if event["sequence"] <= until[node]]
        if len(missed) > MOST:
            return None
    owners: dict[str, Owners] = {}
    begun = {event["call"] for event in missed if event["type"] == "call.started"}
    for event in missed:
        call = event.get("call", "")
        if call and call not in owners:
            owners[call] = Owners()
            if call not in begun:
                for earlier in events_of_call(conn, call):
                    if earlier["node"] == event["node"] and earlier["sequence"] >= event["sequence"]:
                        break
                    owners[call].move(earlier)
    found = []
    for event in missed:
        if event.get("call") and event["type"] != "agent.state":
            found.append((event, owners[event["call"]].move(event)))
        else:
            agent = event.get("agent")
            found.append((event, frozenset((agent,)) if agent else frozenset()))
    return found
