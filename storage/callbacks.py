"""Call-backs that callers asked for in a queue: waiting, called, reached or cancelled.

The table is a reading of the event log. ``callback.requested`` opens a row; the call that calls back
(``callback.started``) moves it; that a supervisor cancelled it is an event of node ``desk``. A call-back whose call
ended before anybody dialled (a phone process that died) waits again and has no call.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, String, Table, bindparam, delete, func, or_, select

from storage.database import is_sqlite
from storage.event_fields import Event, number, text
from storage.metadata import Instant, Key, LongText, metadata
from storage.phone_numbers import NumberingPlan, normalise
from storage.upsert import upsert

STATES = ("waiting", "called", "reached", "cancelled")

callbacks = Table(
    "callbacks",
    metadata,
    Column("requested_in", Key, primary_key=True),
    Column("queue", String, nullable=False),
    Column("number", String, nullable=False),
    Column("e164", Key, nullable=False),
    Column("masked", String, nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("waiting_since", Instant, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("call", Key, nullable=False, index=True),
    Column("agent", String, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("cancelled_by", String, nullable=False),
    Column("note", LongText, nullable=False),
    Index(None, "state", "waiting_since"),
)
#: built once: making a statement costs more than running it
_OF_CALLS = select(callbacks).where(
    or_(
        callbacks.c.requested_in.in_(bindparam("ids", expanding=True)),
        callbacks.c.call.in_(bindparam("ids", expanding=True)),
    )
)

_OF_REQUEST = frozenset({"callback.requested", "callback.cancelled"})
_OF_CALL = frozenset({"call.offer_ended", "call.progress", "call.answered", "party.joined", "call.ended"})
#: the types of events that this table is read from
EVENT_TYPES = (*sorted(_OF_REQUEST), "callback.started", *sorted(_OF_CALL))


class CallbackError(ValueError):
    """``code``: ``not_found`` or ``wrong_state``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Callback:
    """``requested_in`` is the call in which it was asked for, ``call`` the newest that calls back; ``attempts``: how
    often the number was dialled. Times are Unix seconds."""

    requested_in: str
    queue: str
    number: str
    e164: str
    masked: str
    requested_at: float
    waiting_since: float
    state: str = "waiting"
    attempts: int = 0
    call: str = ""
    agent: str = ""
    changed_at: float = 0.0
    cancelled_by: str = ""
    note: str = ""


def apply(conn: Connection, events: Sequence[Event], plan: NumberingPlan) -> None:
    """Follow events that were just stored, in their order."""
    mine = [event for event in events if event.get("type") in EVENT_TYPES and isinstance(event.get("call"), str)]
    if not mine:
        return
    known = _load(conn, mine)
    changed: dict[str, Callback] = {}
    by_call = {row.call: row.requested_in for row in known.values() if row.call}
    for event in mine:
        kind, call = event["type"], str(event["call"])
        key = call if kind in _OF_REQUEST else text(event, "requested_in") or by_call.get(call, "")
        before = known.get(key)
        after = _requested(event, plan) if before is None and kind == "callback.requested" else before
        if after is not None and (after := _moved(after, event)) != before:
            known[key] = changed[key] = after
            if after.call:
                by_call[after.call] = key
    if changed:
        rows = [{name: getattr(row, name) for name in Callback.__slots__} for row in changed.values()]
        conn.execute(upsert(callbacks, is_sqlite(conn)), rows)


def rebuild(conn: Connection, events: Iterable[Sequence[Event]], plan: NumberingPlan) -> None:
    """Make the table anew from the stored events of its types, those of the desk last, some at a time."""
    conn.execute(delete(callbacks))
    for some in events:
        apply(conn, some, plan)


def get_callback(conn: Connection, requested_in: str) -> Callback | None:
    row = conn.execute(select(callbacks).where(callbacks.c.requested_in == requested_in)).first()
    return None if row is None else Callback(*row)


def list_callbacks(
    conn: Connection, *, state: str = "", queue: str = "", since: float | None = None, limit: int = 200
) -> list[Callback]:
    """Those that wait first, the longest wait first; then the others, the newest change first."""
    waits = callbacks.c.state != "waiting"
    query = select(callbacks)
    if state:
        query = query.where(callbacks.c.state == state)
    if queue:
        query = query.where(callbacks.c.queue == queue)
    if since is not None:
        query = query.where(or_(callbacks.c.state == "waiting", callbacks.c.requested_at >= since))
    first = (waits, func.coalesce(callbacks.c.changed_at, 0).desc(), callbacks.c.requested_in)
    rows = [Callback(*row) for row in conn.execute(query.order_by(*first).limit(limit))]
    waiting = sorted((row for row in rows if row.state == "waiting"), key=lambda row: row.waiting_since)
    return waiting + [row for row in rows if row.state != "waiting"]


def cancel(conn: Connection, requested_in: str, by: str, note: str = "") -> dict[str, Any]:
    """The event that cancels a call-back which still waits, to be stored. Raises ``CallbackError``."""
    found = get_callback(conn, requested_in)
    if found is None:
        raise CallbackError("not_found", "there is no such call-back")
    if found.state != "waiting":
        raise CallbackError("wrong_state", f"the call-back is {found.state}")
    return {"type": "callback.cancelled", "call": requested_in, "by": by, "note": note, "at": time.time()}


def _load(conn: Connection, events: Sequence[Event]) -> dict[str, Callback]:
    ids = {str(event["call"]) for event in events} | {text(event, "requested_in") for event in events}
    found: dict[str, Callback] = {}
    wanted = sorted(ids - {""})
    for start in range(0, len(wanted), 400):
        some = wanted[start : start + 400]
        found |= {row.requested_in: Callback(*row) for row in conn.execute(_OF_CALLS, {"ids": some})}
    return found


def _requested(event: Event, plan: NumberingPlan) -> Callback:
    raw, at = text(event, "number"), number(event, "at")
    read = normalise(raw, plan.region, plan.area_code)
    return Callback(
        requested_in=str(event["call"]),
        queue=text(event, "queue"),
        number=raw,
        e164=read.e164,
        masked=read.masked,
        requested_at=at,
        waiting_since=number(event, "waiting_since") or at,
        changed_at=at,
    )


def _moved(row: Callback, event: Event) -> Callback:
    kind, at = event["type"], number(event, "at")
    if kind == "callback.cancelled":
        if row.state != "waiting":
            return row
        return replace(row, state="cancelled", cancelled_by=text(event, "by"), note=text(event, "note"), changed_at=at)
    if kind == "callback.started":
        return replace(row, call=str(event["call"]), changed_at=at)
    if event["call"] != row.call or row.state in ("reached", "cancelled"):
        return row
    if kind == "call.offer_ended" and event.get("outcome") == "answered":
        # the agent has it: the number is dialled now
        return replace(row, state="called", attempts=row.attempts + 1, agent=text(event, "agent"), changed_at=at)
    if kind == "call.answered" or (kind == "party.joined" and event.get("role") == "caller"):
        return replace(row, state="reached", agent=text(event, "agent") or row.agent, changed_at=at)
    if kind == "call.ended" and row.state == "waiting":
        return replace(row, call="", changed_at=at)
    return row
