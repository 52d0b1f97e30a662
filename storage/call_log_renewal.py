"""The call log read anew from its events, some calls at a time, beside a running product.

What a release reads of a call may be more than an earlier one did; rows that the earlier one wrote have the defaults of
columns that came later. Calls without events keep their rows as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from sqlalchemy import Connection, Engine, func, select, text

from storage.call_projection import Call, replay
from storage.call_store import load, save
from storage.database import is_sqlite, reading, transaction
from storage.event_log import call_events, events_of_call, last_sequences
from storage.phone_numbers import NumberingPlan

#: calls of one transaction: whoever wants to write meanwhile waits for no more
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Renewed:
    """Some calls that were looked at. ``changed`` read differently now; ``columns``: of how many each field does."""

    looked_at: int
    changed: int
    columns: Counter[str] = field(default_factory=Counter)


def count_calls(conn: Connection) -> int:
    """How many calls have events."""
    query = select(func.count(call_events.c.call.distinct())).where(call_events.c.call != "")
    return int(conn.execute(query).scalar_one())


def renew(engine: Engine, plan: NumberingPlan, *, write: bool, at_once: int = AT_ONCE) -> Iterator[Renewed]:
    """Look at every call that has events, and with ``write`` bring its row up to date; gives what came of some at a
    time. Stopped anywhere, it has done what it has told of, and can be run again. Raises SQLAlchemyError."""
    after = ""
    while True:
        with transaction(engine) if write else reading(engine) as conn:
            if write and not is_sqlite(conn):
                # as event_log.append_events: nobody projects the same call at the same time
                for node in sorted(last_sequences(conn)):
                    conn.execute(text("SELECT pg_advisory_xact_lock(hashtext(:node))"), {"node": f"events:{node}"})
            calls = _next_calls(conn, after, at_once)
            if not calls:
                return
            changed = _differing(conn, calls, plan)
            if write:
                save(conn, changed)
        after = calls[-1]
        columns = Counter(name for pair in changed for name in _different(*pair))
        yield Renewed(len(calls), len(changed), columns)


def _next_calls(conn: Connection, after: str, limit: int) -> list[str]:
    of = call_events.c
    query = select(of.call).where(of.call > after).group_by(of.call).order_by(of.call).limit(limit)
    return list(conn.execute(query).scalars())


def _differing(conn: Connection, calls: list[str], plan: NumberingPlan) -> list[tuple[Call, Call | None]]:
    known = load(conn, calls)
    found = []
    for call in calls:
        row = replay(call, events_of_call(conn, call), plan)
        if row is not None and row != known.get(call):
            found.append((row, known.get(call)))
    return found


def _different(row: Call, before: Call | None) -> list[str]:
    if before is None:
        return ["(missing)"]
    return [one.name for one in fields(Call) if getattr(row, one.name) != getattr(before, one.name)]
