"""A call whose number belongs to exactly one patient is that patient's call, until somebody says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from storage.call_log import get_call
from storage.call_notes import link_patient
from storage.event_log import events_of_call
from storage.patients import find_by_number
from storage.phone_numbers import NumberingPlan

#: who is said to have linked the patient
BY = "number"


def link_known_callers(
    conn: Connection, events: Iterable[Mapping[str, Any]], plan: NumberingPlan | None = None
) -> list[str]:
    """Link the patient of each ``call.started`` among ``events`` (stored already); gives the ids of the calls linked.

    Nothing is linked where the number belongs to nobody or to several, or where a link was ever made or taken back.
    """
    linked = []
    for event in events:
        if event.get("type") != "call.started":
            continue
        call = get_call(conn, str(event.get("call", "")))
        if call is None or call.patient_id or not call.e164:
            continue
        patients = find_by_number(conn, call.e164, 2)
        if len(patients) != 1:
            continue
        if any(one.get("type") == "call.patient_linked" for one in events_of_call(conn, call.id)):
            continue
        link_patient(conn, call.id, patients[0].id, BY, call.started_at, plan)
        linked.append(call.id)
    return linked
