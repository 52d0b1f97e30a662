"""Call-backs that callers asked for in a queue: waiting, called, tried again, reached, given up or cancelled.

The table is a reading of the event log. ``callback.requested`` opens a row; each call that calls back
(``callback.started``) moves it, and what follows when nobody was reached (``callback.unreached``). It is cancelled by
an event of node ``desk`` (a supervisor), or of the phone (who asked for it is here by themselves: ``call`` is that
call, and a call that calls back after it takes the cancelling back). A call-back whose call ended before anybody
dialled, or with the phone process, waits again and has no call.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, String, Table, and_, bindparam, delete, func, or_, select

from storage.call_row import MISSED
from storage.call_tables import calls
from storage.database import is_sqlite
from storage.event_fields import Event, number, priority, text, whole
from storage.metadata import Instant, Key, LongText, metadata
from storage.phone_numbers import NumberingPlan, normalise
from storage.upsert import upsert

STATES = ("waiting", "called", "retry", "reached", "unreached", "cancelled")
#: somebody is still to be called
OPEN = ("waiting", "retry")
#: who cancels the call-back of somebody who called in or was reached otherwise
BY_CALLER = "caller"
#: how a call ends that the phone process took with it (docs/architecture.md)
_LOST = 500

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
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant, nullable=True),
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
_OF_CALL = frozenset(
    {
        *("call.queued", "call.priority", "call.offer_ended", "call.progress", "call.answered", "party.joined"),
        *("callback.unreached", "call.ended"),
    }
)
#: the types of events that this table is read from
EVENT_TYPES = (*sorted(_OF_REQUEST), "callback.started", *sorted(_OF_CALL))


class CallbackError(ValueError):
    """``code``: ``not_found`` or ``wrong_state``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Callback:
    """``requested_in`` is the call in which it was asked for, ``call`` the newest that calls back, or in which they
    were here by themselves (``cancelled_by`` ``caller``); ``attempts``: how often the number was dialled; ``due_at``:
    when it is tried again (``retry``). Times are Unix seconds."""

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
    priority: int = 0
    due_at: float | None = None


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
    """Those that wait first, the longest wait first, then those to be tried again, the next first; then the others, the
    newest change first."""
    waits = callbacks.c.state.not_in(OPEN)
    query = select(callbacks)
    if state:
        query = query.where(callbacks.c.state == state)
    if queue:
        query = query.where(callbacks.c.queue == queue)
    if since is not None:
        query = query.where(or_(callbacks.c.state.in_(OPEN), callbacks.c.requested_at >= since))
    first = (waits, func.coalesce(callbacks.c.changed_at, 0).desc(), callbacks.c.requested_in)
    rows = [Callback(*row) for row in conn.execute(query.order_by(*first).limit(limit))]
    still = sorted((row for row in rows if row.state in OPEN), key=lambda row: (row.due_at or 0.0, row.waiting_since))
    return still + [row for row in rows if row.state not in OPEN]


def open_callbacks(conn: Connection, limit: int = 1000) -> list[Callback]:
    """Those whom somebody is still to call, the longest wait first."""
    query = select(callbacks).where(callbacks.c.state.in_(OPEN)).order_by(callbacks.c.waiting_since).limit(limit)
    return [Callback(*row) for row in conn.execute(query)]


def forgone_callbacks(conn: Connection, limit: int = 1000) -> list[Callback]:
    """Those cancelled because the caller was here by themselves, in a call that ended without anybody's answer."""
    unheard = and_(calls.c.direction == "inbound", calls.c.answered_at.is_(None), calls.c.outcome.in_(MISSED))
    query = (
        select(callbacks)
        .join(calls, calls.c.id == callbacks.c.call)
        .where(callbacks.c.state == "cancelled", callbacks.c.cancelled_by == BY_CALLER, unheard)
        .order_by(callbacks.c.waiting_since)
        .limit(limit)
    )
    return [Callback(*row) for row in conn.execute(query)]


def cancel(conn: Connection, requested_in: str, by: str, note: str = "") -> dict[str, Any]:
    """The event that cancels a call-back which still waits, in its queue or for its next try, to be stored. Raises
    ``CallbackError``."""
    found = get_callback(conn, requested_in)
    if found is None:
        raise CallbackError("not_found", "there is no such call-back")
    if found.state not in OPEN:
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
        priority=priority(event, "priority"),
    )


def _moved(row: Callback, event: Event) -> Callback:
    kind, at = event["type"], number(event, "at")
    if kind == "callback.cancelled":
        if row.state not in OPEN:
            return row
        by, note, call = text(event, "by"), text(event, "note"), text(event, "by_call") or row.call
        return replace(row, state="cancelled", cancelled_by=by, note=note, call=call, changed_at=at, due_at=None)
    if kind == "callback.started":
        if row.state == "cancelled" and row.cancelled_by == BY_CALLER:
            row = replace(row, state="waiting", cancelled_by="")
        state = "waiting" if row.state in ("called", *OPEN) else row.state
        queue = text(event, "queue") or row.queue
        return replace(row, state=state, queue=queue, call=str(event["call"]), changed_at=at, due_at=None)
    if event["call"] != row.call or row.state in ("reached", "cancelled"):
        return row
    if kind == "callback.unreached":
        seconds = number(event, "retry_in")
        due = at + seconds if seconds > 0 else None
        return replace(row, state="unreached" if due is None else "retry", due_at=due, changed_at=at)
    if kind == "call.priority":
        return replace(row, priority=priority(event, "priority"))
    if kind == "call.queued" and row.state == "waiting":
        return replace(row, queue=text(event, "queue") or row.queue)
    if kind == "call.offer_ended" and event.get("outcome") == "answered":
        # the agent has it: the number is dialled now
        return replace(row, state="called", attempts=row.attempts + 1, agent=text(event, "agent"), changed_at=at)
    if kind == "call.answered" or (kind == "party.joined" and event.get("role") == "caller"):
        return replace(row, state="reached", agent=text(event, "agent") or row.agent, changed_at=at)
    if kind == "call.ended" and (row.state == "waiting" or _taken_along(row, event)):
        return replace(row, state="waiting", call="", changed_at=at)
    return row


def _taken_along(row: Callback, event: Event) -> bool:
    """The phone process ended while the number was dialled: nobody can say what came of it."""
    return row.state == "called" and text(event, "by") == "system" and whole(event, "sip_status") == _LOST
