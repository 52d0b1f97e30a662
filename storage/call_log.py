"""The call log: one row a call, there from the first ring on, read off the event stream (``call_projection``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from storage.call_projection import Call, Event, applied_key, order_key, project, replay
from storage.call_store import empty, load, query, save, with_children
from storage.call_tables import call_offers, call_parties, calls
from storage.phone_numbers import NumberingPlan, normalise

STATES = ("ringing", "queued", "talking", "held", "ended")
OUTCOMES = (
    *("answered", "abandoned", "busy", "rejected", "not_found", "no_answer", "unavailable", "failed", "cancelled"),
    *("voicemail", "callback", "forwarded", "closed"),
)

EventsOf = Callable[[str], Sequence[Event]]


def get_call(conn: Connection, call: str) -> Call | None:
    """One call with its offers, parties and transfers."""
    return load(conn, [call]).get(call)


def live_calls(conn: Connection) -> list[Call]:
    """Calls that have not ended, the oldest first."""
    rows = conn.execute(query().where(calls.c.state != "ended").order_by(calls.c.started_at)).all()
    return with_children(conn, rows)


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
    queue: str = "",
    transferred: bool | None = None,
    private: bool | None = None,
    wrong_transfer: bool | None = None,
    voicemail: bool | None = None,
    callback: bool | None = None,
    branch: str = "",
    before: str = "",
    limit: int = 50,
    plan: NumberingPlan | None = None,
) -> list[Call]:
    """Calls that fit all that is given, the newest first.

    ``number`` in any spelling; ``since`` and ``until`` are Unix seconds of the start (until excluded); ``agent``
    also finds calls that only rang at that agent, and those in which the agent was asked for advice or joined a
    conference; ``callback``: one was asked for in the call, or the call is one; ``branch`` is a label chosen in a menu
    (D2); ``before`` is the id of the last call of the page before.
    """
    wanted = {"direction": direction, "outcome": outcome, "state": state, "patient_id": patient_id, "queue": queue}
    fits = [calls.c[column] == value for column, value in wanted.items() if value]
    flags = {
        calls.c.transferred: transferred,
        calls.c.private: private,
        calls.c.wrong_transfer: wrong_transfer,
        calls.c.voicemail_seconds.is_not(None): voicemail,
        or_(calls.c.callback_requested_at.is_not(None), calls.c.callback_of != ""): callback,
    }
    fits += [flag if value else ~flag for flag, value in flags.items() if value is not None]
    if branch:
        fits.append(calls.c.menu_branches.contains(f"/{branch}/", autoescape=True))
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
    page = query().where(*fits).order_by(calls.c.started_at.desc(), calls.c.id.desc()).limit(limit)
    return with_children(conn, conn.execute(page).all())


def _calls_of_agent(conn: Connection, agent: str, fits: Sequence[ColumnElement[bool]], limit: int) -> list[Call]:
    """Calls that the agent took, those that rang there in vain, and those of others in which the agent spoke: short
    index walks instead of one long scan."""
    newest = (calls.c.started_at.desc(), calls.c.id.desc())
    page = select(calls.c.started_at, calls.c.id).where(*fits).order_by(*newest).limit(limit)
    in_vain = (call_offers.c.agent == agent, call_offers.c.outcome != "answered")
    spoke = (call_parties.c.agent == agent, call_parties.c.joined_at.is_not(None), calls.c.agent != agent)
    taken = conn.execute(page.where(calls.c.agent == agent))
    rang = conn.execute(page.join(call_offers, call_offers.c.call == calls.c.id).where(*in_vain).distinct())
    joined = conn.execute(page.join(call_parties, call_parties.c.call == calls.c.id).where(*spoke).distinct())
    ids = [call for _, call in sorted({tuple(row) for row in (*taken, *rang, *joined)}, reverse=True)[:limit]]
    found = load(conn, ids)
    return [found[call] for call in ids]


def apply(conn: Connection, events: Sequence[Event], plan: NumberingPlan, events_of: EventsOf) -> None:
    """Move the log on by events that were just stored. Late ones make their call's row anew from all its events."""
    by_call: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event.get("call"), str) and event["call"]:
            by_call.setdefault(event["call"], []).append(event)
    known = load(conn, list(by_call))
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
    save(conn, changed)


def rebuild(conn: Connection, plan: NumberingPlan, known: Iterable[str], events_of: EventsOf) -> int:
    """Empty the log and fill it from the events of the calls ``known``; gives the number of rows."""
    empty(conn)
    count = 0
    for call in known:
        row = replay(call, events_of(call), plan)
        if row is not None:
            save(conn, [(row, None)])
            count += 1
    return count
