"""The call log: one row a call, there from the first ring on, read off the event stream (``call_projection``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    and_,
    bindparam,
    delete,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage.call_projection import Call, Event, Offer, applied_key, order_key, project, replay
from storage.database import is_sqlite
from storage.metadata import Instant, Key, LongText, metadata
from storage.phone_numbers import NumberingPlan, normalise

STATES = ("ringing", "queued", "talking", "held", "ended")
OUTCOMES = (
    "answered",
    "abandoned",
    "busy",
    "rejected",
    "not_found",
    "no_answer",
    "unavailable",
    "failed",
    "cancelled",
)

calls = Table(
    "calls",
    metadata,
    Column("id", Key, primary_key=True),
    Column("direction", String, nullable=False),
    Column("line", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("number", String, nullable=False),
    Column("e164", Key, nullable=False),
    Column("number_kind", String, nullable=False),
    Column("masked", String, nullable=False),
    Column("display_name", String, nullable=False),
    Column("dialled", String, nullable=False),
    Column("state", String, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("ended_at", Instant),
    Column("caller_rings", Integer, nullable=False),
    Column("agent_rings", Integer, nullable=False),
    Column("within_three_rings", Boolean),
    Column("rule_version", Integer),
    Column("hung_up_by", String, nullable=False),
    Column("sip_status", Integer),
    Column("end_reason", LongText, nullable=False),
    Column("sip_call_id", LongText, nullable=False),
    Column("agent", String, nullable=False),
    Column("patient_id", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("talk_seconds", Double, nullable=False),
    Column("wait_seconds", Double),
    Column("disposition", String, nullable=False),
    Column("disposition_note", LongText, nullable=False),
    Column("disposition_by", String, nullable=False),
    Column("disposition_at", Instant),
    Column("last_node", String, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Index(None, "started_at", "id"),
    Index(None, "e164", "started_at"),
    Index(None, "agent", "started_at"),
    Index(None, "patient_id", "started_at"),
)
Index(
    "ix_calls_live",
    calls.c.started_at,
    sqlite_where=calls.c.state != "ended",
    postgresql_where=calls.c.state != "ended",
)

call_offers = Table(
    "call_offers",
    metadata,
    Column("call", Key, ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    Column("offer", Integer, primary_key=True, autoincrement=False),
    Column("agent", String, nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", String, nullable=False),
    Column("rings", Integer, nullable=False),
    Index(None, "agent", "offered_at"),
)

EventsOf = Callable[[str], Sequence[Event]]
_FIELDS = tuple(field.name for field in fields(Call) if field.name != "offers")
_OFFER_FIELDS = tuple(field.name for field in fields(Offer))


def get_call(conn: Connection, call: str) -> Call | None:
    """One call with its offers."""
    return _load(conn, [call]).get(call)


def live_calls(conn: Connection) -> list[Call]:
    """Calls that have not ended, the oldest first."""
    rows = conn.execute(_query().where(calls.c.state != "ended").order_by(calls.c.started_at)).all()
    return _with_offers(conn, rows)


def list_calls(
    conn: Connection,
    *,
    number: str = "",
    since: float | None = None,
    until: float | None = None,
    agent: str = "",
    direction: str = "",
    outcome: str = "",
    state: str = "",
    patient_id: str = "",
    before: str = "",
    limit: int = 50,
    plan: NumberingPlan | None = None,
) -> list[Call]:
    """Calls that fit all that is given, the newest first.

    ``number`` in any spelling; ``since`` and ``until`` are Unix seconds of the start (until excluded); ``agent``
    also finds calls that only rang at that agent; ``before`` is the id of the last call of the page before.
    """
    wanted = {"direction": direction, "outcome": outcome, "state": state, "patient_id": patient_id}
    fits = [calls.c[column] == value for column, value in wanted.items() if value]
    if number:
        plan = plan or NumberingPlan()
        key = normalise(number, plan.region, plan.area_code).e164
        fits.append(calls.c.e164 == key if key else calls.c.number == number)
    if since is not None:
        fits.append(calls.c.started_at >= since)
    if until is not None:
        fits.append(calls.c.started_at < until)
    if before:
        page = select(calls.c.started_at).where(calls.c.id == before).scalar_subquery()
        fits.append(or_(calls.c.started_at < page, and_(calls.c.started_at == page, calls.c.id < before)))
    if agent:
        return _calls_of_agent(conn, agent, fits, limit)
    query = _query().where(*fits).order_by(calls.c.started_at.desc(), calls.c.id.desc()).limit(limit)
    return _with_offers(conn, conn.execute(query).all())


def _calls_of_agent(conn: Connection, agent: str, fits: Sequence[ColumnElement[bool]], limit: int) -> list[Call]:
    """Calls that the agent took, and those that rang there in vain: two short index walks instead of one long scan."""
    newest = (calls.c.started_at.desc(), calls.c.id.desc())
    page = select(calls.c.started_at, calls.c.id).where(*fits).order_by(*newest).limit(limit)
    in_vain = (call_offers.c.agent == agent, call_offers.c.outcome != "answered")
    taken = conn.execute(page.where(calls.c.agent == agent))
    rang = conn.execute(page.join(call_offers, call_offers.c.call == calls.c.id).where(*in_vain).distinct())
    ids = [call for _, call in sorted({tuple(row) for row in (*taken, *rang)}, reverse=True)[:limit]]
    found = _load(conn, ids)
    return [found[call] for call in ids]


def apply(conn: Connection, events: Sequence[Event], plan: NumberingPlan, events_of: EventsOf) -> None:
    """Move the log on by events that were just stored. Late ones make their call's row anew from all its events."""
    by_call: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event.get("call"), str) and event["call"]:
            by_call.setdefault(event["call"], []).append(event)
    known = _load(conn, list(by_call))
    changed: list[tuple[Call, Call | None]] = []
    for call, fresh in by_call.items():
        before = known.get(call)
        after = before
        in_order = sorted(fresh, key=order_key)
        if before is not None and order_key(in_order[0]) < applied_key(before):
            after = replay(call, events_of(call), plan)
        else:
            for event in in_order:
                after = project(after, event, plan)
        if after is not None and after != before:
            changed.append((after, before))
    _save(conn, changed)


def rebuild(conn: Connection, plan: NumberingPlan, known: Iterable[str], events_of: EventsOf) -> int:
    """Empty the log and fill it from the events of the calls ``known``; gives the number of rows."""
    conn.execute(delete(call_offers))
    conn.execute(delete(calls))
    count = 0
    for call in known:
        row = replay(call, events_of(call), plan)
        if row is not None:
            _save(conn, [(row, None)])
            count += 1
    return count


@cache
def _query() -> Any:
    return select(*(calls.c[name] for name in _FIELDS))


@cache
def _by_ids() -> Any:
    return _query().where(calls.c.id.in_(bindparam("ids", expanding=True)))


@cache
def _offers_by_calls() -> Any:
    query = select(call_offers).where(call_offers.c.call.in_(bindparam("ids", expanding=True)))
    return query.order_by(call_offers.c.call, call_offers.c.offer)


def _load(conn: Connection, ids: Sequence[str]) -> dict[str, Call]:
    found: dict[str, Call] = {}
    for start in range(0, len(ids), 500):
        rows = conn.execute(_by_ids(), {"ids": ids[start : start + 500]}).all()
        found |= {call.id: call for call in _with_offers(conn, rows)}
    return found


def _with_offers(conn: Connection, rows: Sequence[Row[Any]]) -> list[Call]:
    if not rows:
        return []
    offers: dict[str, list[Offer]] = {}
    for row in conn.execute(_offers_by_calls(), {"ids": [row.id for row in rows]}):
        offers.setdefault(row.call, []).append(Offer(*row[1:]))
    return [Call(*row, offers=tuple(offers.get(row.id, ()))) for row in rows]


def _save(conn: Connection, changed: Sequence[tuple[Call, Call | None]]) -> None:
    """Write rows that differ from what was there, and of their offers those that differ."""
    gone: list[tuple[str, int]] = []
    offers: list[dict[str, Any]] = []
    for row, before in changed:
        old = {offer.offer: offer for offer in before.offers} if before is not None else {}
        for offer in row.offers:
            if old.pop(offer.offer, None) != offer:
                offers.append({"call": row.id, **{name: getattr(offer, name) for name in _OFFER_FIELDS}})
        gone += [(row.id, number) for number in old]
    if changed:
        values = [{name: getattr(row, name) for name in _FIELDS} for row, _ in changed]
        conn.execute(_upsert(calls, is_sqlite(conn)), values)
    if gone:
        conn.execute(delete(call_offers).where(tuple_(call_offers.c.call, call_offers.c.offer).in_(gone)))
    if offers:
        conn.execute(_upsert(call_offers, is_sqlite(conn)), offers)


@cache
def _upsert(table: Table, sqlite: bool) -> Any:
    """Built once: making this statement costs more than running it."""
    statement = sqlite_insert(table) if sqlite else postgresql_insert(table)
    keys = [column.name for column in table.primary_key]
    values = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)
