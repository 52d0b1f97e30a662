"""Tickets: what somebody has to see to after a call: the voicemails of a queue, and the call-backs that reached nobody.

The table is a reading of the event log: ``voicemail.left`` opens a ticket, and so does the last ``callback.unreached``
of a call-back (of the call in which it was asked for); what people do with it
(``ticket.taken``, ``ticket.done``, ``ticket.reopened``) are events of node ``desk``, which are its history.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, String, Table, and_, delete, func, or_, select, update

from storage.database import is_sqlite
from storage.event_fields import Event, number, text
from storage.insert_missing import insert_missing
from storage.metadata import Instant, Key, LongText, metadata

KINDS = ("voicemail", "callback")
STATES = ("open", "taken", "done")
MAX_NOTE = 2000

tickets = Table(
    "tickets",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", String, nullable=False),
    Column("call", Key, nullable=False, index=True),
    Column("queue", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("starts", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("state", String, nullable=False),
    Column("assignee", String, nullable=False),
    Column("note", LongText, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", String, nullable=False),
    Index(None, "state", "created_at"),
)

#: what is done, from which states, and to which it leads
STEPS: dict[str, tuple[tuple[str, ...], str]] = {
    "ticket.taken": (("open", "taken"), "taken"),
    "ticket.done": (("open", "taken"), "done"),
    "ticket.reopened": (("taken", "done"), "open"),
}


class TicketError(ValueError):
    """``code``: ``not_found``, ``wrong_state``, ``taken`` (by somebody else) or ``bad_note``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Ticket:
    """``starts`` and ``seconds``: where in the call's recording the message is, 0 where there is none. Times are Unix
    seconds."""

    id: str
    kind: str
    call: str
    queue: str
    created_at: float
    starts: float
    seconds: float
    state: str
    assignee: str
    note: str
    changed_at: float
    changed_by: str


def apply(conn: Connection, events: Sequence[Event]) -> None:
    """Follow events that were just stored, in their order."""
    for event in events:
        kind, call = event.get("type"), event.get("call")
        if not isinstance(call, str) or not call:
            continue
        if kind == "voicemail.left":
            conn.execute(insert_missing(tickets, is_sqlite(conn)), _opened(event, "voicemail", call))
        elif kind == "callback.unreached" and not number(event, "retry_in"):
            asked_in = text(event, "requested_in") or call
            conn.execute(insert_missing(tickets, is_sqlite(conn)), _opened(event, "callback", asked_in))
        elif kind in STEPS:
            _step(conn, event)


def rebuild(conn: Connection, events: Iterable[Sequence[Event]]) -> None:
    """Make the table anew from the stored events of its types, those of the desk last, some at a time."""
    conn.execute(delete(tickets))
    for some in events:
        apply(conn, some)


#: the types of events that this table is read from
EVENT_TYPES = ("voicemail.left", "callback.unreached", *STEPS)


def step(conn: Connection, ticket: str, kind: str, by: str, note: str = "", over: bool = False) -> dict[str, Any]:
    """The event of something done with a ticket (a key of ``STEPS``), to be stored. ``over``: also where somebody else
    has taken it. Raises ``TicketError``."""
    found = get_ticket(conn, ticket)
    if found is None:
        raise TicketError("not_found", "there is no such ticket")
    before, _ = STEPS[kind]
    if found.state not in before:
        raise TicketError("wrong_state", f"the ticket is {found.state}")
    if found.state == "taken" and found.assignee != by and not over:
        raise TicketError("taken", f"{found.assignee} has taken it")
    if len(note) > MAX_NOTE:
        raise TicketError("bad_note", f"a note has at most {MAX_NOTE} characters")
    return {"type": kind, "call": found.call, "ticket": ticket, "by": by, "note": note, "at": time.time()}


def get_ticket(conn: Connection, ticket: str) -> Ticket | None:
    row = conn.execute(select(tickets).where(tickets.c.id == ticket)).first()
    return None if row is None else Ticket(*row)


def list_tickets(
    conn: Connection,
    *,
    state: str = "",
    queues: Sequence[str] | None = None,
    assignee: str = "",
    before: str = "",
    limit: int = 50,
) -> list[Ticket]:
    """The newest first; ``before`` is the id of the last ticket of the page before."""
    query = select(tickets).order_by(tickets.c.created_at.desc(), tickets.c.id.desc()).limit(limit)
    if state:
        query = query.where(tickets.c.state == state)
    if queues is not None:
        query = query.where(tickets.c.queue.in_(list(queues)))
    if assignee:
        query = query.where(tickets.c.assignee == assignee)
    if before:
        page = select(tickets.c.created_at).where(tickets.c.id == before).scalar_subquery()
        query = query.where(or_(tickets.c.created_at < page, and_(tickets.c.created_at == page, tickets.c.id < before)))
    return [Ticket(*row) for row in conn.execute(query)]


def count_open(conn: Connection) -> dict[str, int]:
    """Open tickets by queue."""
    query = select(tickets.c.queue, func.count()).where(tickets.c.state == "open").group_by(tickets.c.queue)
    return {queue: int(n) for queue, n in conn.execute(query)}


def tickets_of_calls(conn: Connection, calls: Iterable[str]) -> dict[str, Ticket]:
    """The ticket of each call that has one."""
    found = conn.execute(select(tickets).where(tickets.c.call.in_(list(calls))).order_by(tickets.c.created_at))
    return {row.call: Ticket(*row) for row in found}


def _opened(event: Event, kind: str, call: str) -> dict[str, Any]:
    at = number(event, "at")
    return {
        # the same event makes the same ticket
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"ticket:{event['node']}:{event['sequence']}")),
        "kind": kind,
        "call": call,
        "queue": text(event, "queue"),
        "created_at": at,
        "starts": number(event, "starts"),
        "seconds": number(event, "seconds"),
        "state": "open",
        "assignee": "",
        "note": "",
        "changed_at": at,
        "changed_by": "",
    }


def _step(conn: Connection, event: Event) -> None:
    kind, by = str(event["type"]), text(event, "by")
    _, after = STEPS[kind]
    values: dict[str, Any] = {
        "state": after,
        "assignee": "" if after == "open" else by,
        "changed_at": number(event, "at"),
        "changed_by": by,
    }
    if note := text(event, "note"):
        values["note"] = note
    conn.execute(update(tickets).where(tickets.c.id == text(event, "ticket")).values(values))
