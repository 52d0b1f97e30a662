"""Callers whom nobody has answered or called back since: who has to be called, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from storage.call_row import MISSED
from storage.call_tables import calls
from storage.callbacks import OPEN, callbacks

_COLUMNS = (
    *("id", "direction", "queue", "e164", "number_kind", "masked", "started_at", "answered_at", "wait_seconds"),
    *("patient_id", "outcome", "state"),
)


@dataclass(frozen=True, slots=True)
class MissedCaller:
    """One number. ``call`` is the last attempt, ``first_at`` and ``last_at`` the first and last (Unix seconds),
    ``tries`` how many; ``waited`` the seconds of the last."""

    call: str
    e164: str
    kind: str
    masked: str
    queue: str
    patient_id: str
    first_at: float
    last_at: float
    tries: int
    waited: float
    outcome: str


def missed_callers(conn: Connection, since: float, queues: Sequence[str] | None = None) -> list[MissedCaller]:
    """Of calls begun at ``since`` or later; ``queues`` keeps to these, and to calls that reached none.

    A later call to or from the number that was dialled, answered, or ended in a message or a wish to be called back
    takes the number off the list. Withheld numbers cannot be called back and are not on it, nor are those for whom a
    call-back waits.
    """
    called_back = select(callbacks.c.e164).where(callbacks.c.state.in_(OPEN))
    query = (
        select(*(calls.c[name] for name in _COLUMNS))
        .where(calls.c.started_at >= since, calls.c.e164 != "", calls.c.e164.not_in(called_back))
        .order_by(calls.c.started_at, calls.c.id)
    )
    waiting: dict[str, MissedCaller] = {}
    for row in conn.execute(query):
        if row.direction == "outbound" or row.answered_at is not None:
            waiting.pop(row.e164, None)
        elif row.state != "ended":
            continue
        elif row.outcome in MISSED:
            waiting[row.e164] = _again(waiting.get(row.e164), row)
        else:
            waiting.pop(row.e164, None)
    found = [one for one in waiting.values() if queues is None or one.queue in ("", *queues)]
    return sorted(found, key=lambda one: one.last_at, reverse=True)


def _again(before: MissedCaller | None, row: Row[Any]) -> MissedCaller:
    found = MissedCaller(
        call=row.id,
        e164=row.e164,
        kind=row.number_kind,
        masked=row.masked,
        queue=row.queue,
        patient_id=row.patient_id,
        first_at=row.started_at,
        last_at=row.started_at,
        tries=1,
        waited=row.wait_seconds or 0.0,
        outcome=row.outcome,
    )
    if before is None:
        return found
    return replace(
        found,
        first_at=before.first_at,
        tries=before.tries + 1,
        queue=found.queue or before.queue,
        patient_id=found.patient_id or before.patient_id,
    )
