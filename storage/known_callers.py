"""A call whose number belongs to exactly one patient is that patient's call, until somebody says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, select

from storage.call_tables import calls
from storage.event_log import append_desk_events, call_events
from storage.patients import patient_phones
from storage.phone_numbers import NumberingPlan

#: who is said to have linked the patient
BY = "number"


def link_known_callers(
    conn: Connection, events: Iterable[Mapping[str, Any]], plan: NumberingPlan | None = None
) -> list[str]:
    """Link the patient of each ``call.started`` among ``events`` (stored already); gives the ids of the calls linked.

    Nothing is linked where the number belongs to nobody or to several, or where a link was ever made or taken back.
    """
    begun = {str(event.get("call", "")) for event in events if event.get("type") == "call.started"}
    if not begun:
        return []
    found = conn.execute(_patients_of_calls(), {"ids": sorted(begun)}).all()
    append_desk_events(
        conn,
        [
            {"type": "call.patient_linked", "call": call, "patient_id": patient, "by": BY, "at": at}
            for call, at, patient in found
        ],
        plan,
    )
    return [call for call, _, _ in found]


@cache
def _patients_of_calls() -> Any:
    """Built once: making it costs more than running it."""
    said = exists().where(call_events.c.call == calls.c.id, call_events.c.type == "call.patient_linked")
    return (
        select(calls.c.id, calls.c.started_at, func.min(patient_phones.c.patient_id))
        .join(patient_phones, patient_phones.c.e164 == calls.c.e164)
        .where(calls.c.id.in_(bindparam("ids", expanding=True)))
        .where(calls.c.e164 != "", calls.c.patient_id == "", ~said)
        .group_by(calls.c.id, calls.c.started_at)
        .having(func.count(patient_phones.c.patient_id.distinct()) == 1)
        .order_by(calls.c.started_at, calls.c.id)
    )
