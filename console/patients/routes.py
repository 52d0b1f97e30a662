"""Patients over HTTP: find, open, write, reveal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from starlette.responses import Response

from console.calls.call_number import number_of_call
from console.http import ApiCall, Endpoints, Message
from console.patients import service
from console.patients.patient_view import PatientView, view_patient
from console.patients.service import Duplicates, PhoneDraft
from storage.patient_search import search

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("patients")

#: reviewers read records, they do not write them
WRITERS = ("agent", "supervisor", "admin")

Name = Annotated[str, msgspec.Meta(max_length=200)]
Note = Annotated[str, msgspec.Meta(max_length=4000)]
Short = Annotated[str, msgspec.Meta(max_length=40)]
Sex = Literal["male", "female", "unknown"]
Phones = Annotated[list[PhoneDraft], msgspec.Meta(max_length=10)]


class PatientsQuery(msgspec.Struct):
    """``q``: a number in any spelling, its last four or more digits, a name, pinyin, initials, a record number."""

    q: Annotated[str, msgspec.Meta(max_length=200)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class NewPatient(msgspec.Struct):
    """``confirmed``: make the record although others resemble it. An empty record number gets the next free one."""

    name: Name
    sex: Sex = "unknown"
    birth_date: Short = ""
    note: Note = ""
    record_number: Short = ""
    phones: Phones = []
    #: disabled or otherwise in need of more time: goes first in a queue (D24)
    assisted: bool = False
    confirmed: bool = False


class PatientChange(msgspec.Struct):
    """Fields that are left out stay as they are; ``phones`` replaces all numbers."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    name: Name | None = None
    sex: Sex | None = None
    birth_date: Short | None = None
    note: Note | None = None
    phones: Phones | None = None
    assisted: bool | None = None


class RevealWish(msgspec.Struct):
    phone_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Revealed(msgspec.Struct):
    number: str


def _number_of(call: ApiCall) -> service.NumberOfCall:
    desk: WebDesk = call.desk
    return lambda conn, id_: number_of_call(conn, desk.calls, call.user, id_)


@routes.get("/api/patients", query=PatientsQuery, returns=list[PatientView])
async def find(call: ApiCall) -> list[PatientView]:
    """Patients that fit ``q``, the best hits first; none for an empty ``q``. Numbers are masked."""
    desk: WebDesk = call.desk
    query: PatientsQuery = call.query
    found = await desk.read(lambda conn: search(conn, query.q, query.limit, desk.plan))
    return [view_patient(patient, desk.plan) for patient in found]


@routes.get("/api/patients/{id}", returns=PatientView)
async def one_patient(call: ApiCall) -> PatientView:
    """One patient. 404 no_such_patient."""
    desk: WebDesk = call.desk
    found = await desk.read(lambda conn: service.open_patient(conn, call.path["id"]))
    return view_patient(found, desk.plan)


@routes.post("/api/patients", body=NewPatient, returns=PatientView, roles=WRITERS, status=201)
async def create(call: ApiCall) -> PatientView | Response:
    """Open a record; a phone's ``call`` stands for the number of that call. 409 ``duplicate`` with ``candidates``
    (patients as here) when one of the same name has one of the numbers already, unless ``confirmed``; 409
    record_taken."""
    desk: WebDesk = call.desk
    wish: NewPatient = call.body
    try:
        made = await call.run(
            service.create,
            call.user,
            name=wish.name,
            sex=wish.sex,
            birth_date=wish.birth_date,
            note=wish.note,
            assisted=wish.assisted,
            record_number=wish.record_number,
            phones=wish.phones,
            confirmed=wish.confirmed,
            plan=desk.plan,
            number_of=_number_of(call),
        )
    except Duplicates as duplicates:
        told = Message("已有同名同号的记录，请确认是否为同一人", "A record of this name and number exists already")
        body = {
            "error": {"code": "duplicate", "message": told.text(call.locale)},
            "candidates": [view_patient(patient, desk.plan) for patient in duplicates.patients],
        }
        return Response(msgspec.json.encode(body), status_code=409, media_type="application/json")
    return view_patient(made, desk.plan)


@routes.patch("/api/patients/{id}", body=PatientChange, returns=PatientView, roles=WRITERS)
async def change(call: ApiCall) -> PatientView:
    """Change a record that still has ``version``. 404 no_such_patient, 409 changed_meanwhile."""
    desk: WebDesk = call.desk
    wish: PatientChange = call.body
    changed = await call.run(
        service.change,
        call.user,
        call.path["id"],
        wish.version,
        name=wish.name,
        sex=wish.sex,
        birth_date=wish.birth_date,
        note=wish.note,
        assisted=wish.assisted,
        phones=wish.phones,
        plan=desk.plan,
        number_of=_number_of(call),
    )
    return view_patient(changed, desk.plan)


@routes.post("/api/patients/{id}/reveal", body=RevealWish, returns=Revealed)
async def reveal(call: ApiCall) -> Revealed:
    """The whole of one number. Who asked, when and why goes into the access trail (D27)."""
    desk: WebDesk = call.desk
    wish: RevealWish = call.body
    number = await call.run(
        service.reveal, call.user, call.path["id"], wish.phone_id, wish.reason, call.address, desk.plan
    )
    return Revealed(number=number)
