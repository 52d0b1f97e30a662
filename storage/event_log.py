"""The event log: every event of every phone node exactly once, and the readings that follow from it.

An event is a plain map (``telephony/events.py``): ``type``, ``node``, ``sequence``, ``at``, ``monotonic`` and what
its type adds. ``append_events`` stores it under ``(node, sequence)`` and, in the same transaction, moves the call
log and the recordings on. What the desk adds to a call (disposition, patient) is an event too, of node ``desk``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage import call_log, callbacks, recordings, tickets
from storage.call_projection import DESK
from storage.database import is_sqlite
from storage.metadata import Instant, Json, metadata
from storage.phone_numbers import NumberingPlan

MAX_SEQUENCE = 2**63 - 1
#: events read at once where all are read
AT_ONCE = 1000

call_events = Table(
    "call_events",
    metadata,
    Column("node", String, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("type", String, nullable=False),
    Column("call", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("monotonic", BigInteger, nullable=False),
    Column("body", Json, nullable=False),
    Index(None, "call", "node", "sequence"),
    Index(None, "at"),
)

#: built once: making a statement costs more than running it
_LAST = select(func.max(call_events.c.sequence)).where(call_events.c.node == bindparam("node"))
_OF_CALL = (
    select(call_events.c.body)
    .where(call_events.c.call == bindparam("call"))
    .order_by(call_events.c.node, call_events.c.sequence)
)

Event = dict[str, Any]


class EventError(ValueError):
    """An event cannot be stored: it has no type, node, or usable sequence number."""


def append_events(conn: Connection, events: Iterable[Mapping[str, Any]], plan: NumberingPlan | None = None) -> int:
    """Store events that are not stored yet and apply them; gives how many were new.

    Unknown types are stored and otherwise ignored; events may come late, twice or in any order. ``plan`` says how
    the hospital dials (for reading numbers). Raises ``EventError`` before anything is written.
    """
    rows = [_row(event) for event in events]
    if not rows:
        return 0
    if not is_sqlite(conn):
        # One writer per node at a time: two web processes must not project the same call at once.
        for node in sorted({row["node"] for row in rows}):
            conn.execute(text("SELECT pg_advisory_xact_lock(hashtext(:node))"), {"node": f"events:{node}"})
    unique = {(row["node"], row["sequence"]): row for row in reversed(rows)}
    stored = {(node, sequence) for node, sequence in conn.execute(_insert_new(is_sqlite(conn)), list(unique.values()))}
    fresh = sorted((unique[key]["body"] for key in stored), key=lambda body: (body["node"], body["sequence"]))
    if fresh:
        call_log.apply(conn, fresh, plan or NumberingPlan(), lambda call: events_of_call(conn, call))
        recordings.apply(conn, fresh)
        tickets.apply(conn, fresh)
        callbacks.apply(conn, fresh, plan or NumberingPlan())
    return len(fresh)


def append_desk_event(conn: Connection, event: Mapping[str, Any], plan: NumberingPlan | None = None) -> Event:
    """Store what somebody at the desk added to a call. Gives the event with its ``node`` and ``sequence``."""
    return append_desk_events(conn, [event], plan)[0]


def append_desk_events(
    conn: Connection, events: Sequence[Mapping[str, Any]], plan: NumberingPlan | None = None
) -> list[Event]:
    """The same for several, in their order."""
    if not events:
        return []
    if not is_sqlite(conn):
        conn.execute(text("SELECT pg_advisory_xact_lock(hashtext(:node))"), {"node": f"events:{DESK}"})
    first = last_sequence(conn, DESK) + 1
    full = [{**event, "node": DESK, "sequence": first + n, "monotonic": 0} for n, event in enumerate(events)]
    append_events(conn, full, plan)
    return full


def last_sequence(conn: Connection, node: str) -> int:
    """The greatest sequence number stored of a node; 0 when there is none."""
    found = conn.execute(_LAST, {"node": node}).scalar()
    return int(found or 0)


def last_sequences(conn: Connection) -> dict[str, int]:
    """The same for every node that has events."""
    query = select(call_events.c.node, func.max(call_events.c.sequence)).group_by(call_events.c.node)
    return {node: int(sequence) for node, sequence in conn.execute(query)}


def events_after(conn: Connection, node: str, sequence: int, limit: int = 1000) -> list[Event]:
    """Events of a node with a greater sequence number, in order."""
    query = (
        select(call_events.c.body)
        .where(call_events.c.node == node, call_events.c.sequence > min(max(sequence, -1), MAX_SEQUENCE))
        .order_by(call_events.c.sequence)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def events_of_call(conn: Connection, call: str) -> list[Event]:
    """Every event of one call, by node and sequence number."""
    return list(conn.execute(_OF_CALL, {"call": call}).scalars())


def rebuild(conn: Connection, plan: NumberingPlan | None = None) -> int:
    """Make the call log, tickets and call-backs anew from the stored events; gives the number of calls. Recordings keep
    their state."""
    plan = plan or NumberingPlan()
    tickets.rebuild(conn, events_of_types(conn, tickets.EVENT_TYPES))
    callbacks.rebuild(conn, events_of_types(conn, callbacks.EVENT_TYPES), plan)
    calls = conn.execute(select(call_events.c.call).where(call_events.c.call != "").distinct()).scalars().all()
    return call_log.rebuild(conn, plan, calls, lambda call: events_of_call(conn, call))


def events_of_types(conn: Connection, types: Sequence[str], at_once: int = AT_ONCE) -> Iterator[list[Event]]:
    """Events of some types, by node and sequence number, those of the desk last: what it says is of what the phones
    told. Lists of ``at_once`` at most, so that a log of years needs no more memory than that of a day."""
    of = call_events.c
    for node in sorted(last_sequences(conn), key=lambda node: (node == DESK, node)):
        after = -1
        while True:
            query = select(of.sequence, of.body).where(of.node == node, of.sequence > after, of.type.in_(types))
            rows = conn.execute(query.order_by(of.sequence).limit(at_once)).all()
            if not rows:
                break
            yield [body for _, body in rows]
            after = rows[-1].sequence


@cache
def _insert_new(sqlite: bool) -> Any:
    """Gives the keys of the rows that were not there yet. Built once: making it costs more than running it."""
    statement = sqlite_insert(call_events) if sqlite else postgresql_insert(call_events)
    return statement.on_conflict_do_nothing().returning(call_events.c.node, call_events.c.sequence)


def _row(event: Mapping[str, Any]) -> dict[str, Any]:
    body = _storable(event)
    kind, node, sequence = body.get("type"), body.get("node"), body.get("sequence")
    if not isinstance(kind, str) or not kind or not isinstance(node, str) or not node:
        raise EventError("an event needs a type and a node")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 <= sequence <= MAX_SEQUENCE:
        raise EventError(f"event {kind} of {node}: {sequence!r} is no sequence number")
    at, monotonic = body.get("at"), body.get("monotonic")
    call, agent = body.get("call"), body.get("agent")
    return {
        "node": node,
        "sequence": sequence,
        "type": kind,
        "call": call if isinstance(call, str) else "",
        "agent": agent if isinstance(agent, str) else "",
        "at": float(at) if isinstance(at, int | float) else 0.0,
        "monotonic": monotonic if isinstance(monotonic, int) and abs(monotonic) <= MAX_SEQUENCE else 0,
        "body": body,
    }


def _storable(value: Any) -> Any:
    """A copy that both databases can hold as JSON: no NUL, lone surrogates, bytes, NaN or infinities."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return _storable(str(value))
