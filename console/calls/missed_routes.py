"""Whom nobody has answered today, for calling them back with one click (``POST /api/calls`` with the ``call``)."""

from __future__ import annotations

import datetime
import time
import zoneinfo
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from console.calls.instant import iso
from console.http import ApiCall, Endpoints
from console.routing import documents
from console.tickets.queues import queues_of
from storage.missed_calls import MissedCaller, missed_callers
from storage.patients import get_patients

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("calls")


class MissedView(msgspec.Struct, kw_only=True):
    """One number, masked. ``call``: the last attempt, what to call back; ``tries``: how many there were today."""

    call: str
    number: str
    kind: str
    queue: str | None
    patient_id: str | None
    patient_name: str | None
    first_at: str
    last_at: str
    tries: int
    waited_seconds: float
    outcome: str


class MissedList(msgspec.Struct):
    """The newest first."""

    missed: list[MissedView]


@routes.get("/api/calls/missed", returns=MissedList, roles=("agent", "supervisor", "admin"))
async def missed(call: ApiCall) -> MissedList:
    """Callers of today whom nobody answered and nobody has called since; agents see those of their queues."""
    desk: WebDesk = call.desk

    def read(conn: Connection) -> MissedList:
        _, document = documents.newest(conn, desk.config)
        found = missed_callers(
            conn, midnight(time.time(), document["timezone"]), queues_of(conn, call.user, desk.config)
        )
        names = {one.id: one.name for one in get_patients(conn, {one.patient_id for one in found})}
        return MissedList([_view(one, names) for one in found])

    return await desk.read_log(read)


def midnight(at: float, timezone: str) -> float:
    """When the day of ``at`` (Unix seconds) began in a timezone."""
    zone = zoneinfo.ZoneInfo(timezone)
    today = datetime.datetime.fromtimestamp(at, zone).date()
    return datetime.datetime.combine(today, datetime.time(), zone).timestamp()


def _view(one: MissedCaller, names: dict[str, str]) -> MissedView:
    return MissedView(
        call=one.call,
        number=one.masked,
        kind=one.kind,
        queue=one.queue or None,
        patient_id=one.patient_id or None,
        patient_name=names.get(one.patient_id),
        first_at=iso(one.first_at) or "",
        last_at=iso(one.last_at) or "",
        tries=one.tries,
        waited_seconds=round(one.waited, 3),
        outcome=one.outcome,
    )
