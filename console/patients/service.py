"""What the patient desk does with the database. Each refusal is an ApiError."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec
from sqlalchemy import Connection

from console.http import ApiError, Message
from console.identity.user import User
from storage import access_trail
from storage.patients import (
    Patient,
    PatientError,
    Phone,
    PhoneEntry,
    create_patient,
    find_duplicates,
    get_patient,
    update_patient,
)
from storage.phone_numbers import NumberingPlan, mask, normalise

#: which field of the form a refusal of the storage is about, and what it says in Chinese
_REFUSALS = {
    "bad_name": ("name", "姓名须为 1 至 100 个字符，且含有文字"),
    "bad_sex": ("sex", "性别须为 male、female 或 unknown"),
    "bad_birth_date": ("birth_date", "出生日期须为 YYYY-MM-DD，在 1880 年至今天之间"),
    "bad_phone": ("phones", "电话号码无法识别，或超过 10 个"),
    "bad_record_number": ("record_number", "病历号最多 40 个英文字符"),
    "bad_note": ("note", "备注最多 4000 个字符"),
}


#: the whole number of a call that this user may open; raises ApiError for any other
NumberOfCall = Callable[[Connection, str], str]


class PhoneDraft(msgspec.Struct):
    """A number on record by its ``id``, that of a call by the ``call``'s id (the form holds neither whole), or a new
    one by its ``number``."""

    id: str = ""
    call: str = ""
    number: str = ""
    label: str = ""


class Duplicates(Exception):
    """The new record resembles these; it is made only once that is confirmed (D15)."""

    def __init__(self, patients: list[Patient]) -> None:
        super().__init__(f"{len(patients)} records resemble the new one")
        self.patients = patients


def no_such_patient() -> ApiError:
    return ApiError(404, "no_such_patient", Message("没有这位患者", "There is no such patient"))


def open_patient(conn: Connection, patient: str) -> Patient:
    """Raises ApiError: 404 no_such_patient."""
    found = get_patient(conn, patient)
    if found is None:
        raise no_such_patient()
    return found


def create(
    conn: Connection,
    user: User,
    *,
    name: str,
    sex: str,
    birth_date: str,
    note: str,
    record_number: str,
    assisted: bool = False,
    phones: Sequence[PhoneDraft],
    confirmed: bool,
    plan: NumberingPlan,
    number_of: NumberOfCall,
) -> Patient:
    """Open a record. Raises ``Duplicates`` unless ``confirmed``; ApiError 422 for what is wrong, 409 record_taken."""
    entries = _entries(conn, phones, None, number_of)
    try:
        found = [] if confirmed else find_duplicates(conn, name, entries, plan)
        if found:
            raise Duplicates(found)
        patient = create_patient(
            conn,
            name,
            entries,
            sex=sex,
            birth_date=birth_date,
            note=note,
            record_number=record_number,
            assisted=assisted,
            plan=plan,
        )
    except PatientError as error:
        _refuse(error)
    detail = {"record_number": patient.record_number, "confirmed": confirmed}
    access_trail.record(conn, user.username, "create", "patient", patient.id, detail)
    return patient


def change(
    conn: Connection,
    user: User,
    patient: str,
    version: int,
    *,
    name: str | None,
    sex: str | None,
    birth_date: str | None,
    note: str | None,
    assisted: bool | None = None,
    phones: Sequence[PhoneDraft] | None,
    plan: NumberingPlan,
    number_of: NumberOfCall,
) -> Patient:
    """Change what is given; which fields is written down. Raises ApiError: 404 no_such_patient, 409
    changed_meanwhile, 422 for what is wrong."""
    before = open_patient(conn, patient)
    entries = None if phones is None else _entries(conn, phones, before, number_of)
    try:
        after = update_patient(
            conn,
            patient,
            version,
            name=name,
            phones=entries,
            sex=sex,
            birth_date=birth_date,
            note=note,
            assisted=assisted,
            plan=plan,
        )
    except PatientError as error:
        _refuse(error)
    changed = [
        field
        for field in ("name", "sex", "birth_date", "note", "assisted", "phones")
        if getattr(before, field) != getattr(after, field)
    ]
    detail = {"fields": changed, "version": after.version}
    access_trail.record(conn, user.username, "change", "patient", patient, detail)
    return after


def reveal(
    conn: Connection, user: User, patient: str, phone: str, reason: str, address: str, plan: NumberingPlan
) -> str:
    """The whole number for reading; who asked and why is written down first (D27).

    Raises ApiError: 404 no_such_patient or no_such_phone.
    """
    wanted = _phone_of(conn, patient, phone)
    detail = {"phone_id": phone, "number": mask(wanted.e164, wanted.kind), "address": address}
    access_trail.record(conn, user.username, "reveal", "patient", patient, detail, reason)
    return normalise(wanted.raw, plan.region, plan.area_code).display


def number_to_dial(conn: Connection, user: User, patient: str, phone: str) -> str:
    """The whole number for the line; that it was used is written down. Raises as ``reveal``."""
    wanted = _phone_of(conn, patient, phone)
    detail = {"phone_id": phone, "number": mask(wanted.e164, wanted.kind)}
    access_trail.record(conn, user.username, "dial", "patient", patient, detail)
    return wanted.raw


def _phone_of(conn: Connection, patient: str, phone: str) -> Phone:
    wanted = next((one for one in open_patient(conn, patient).phones if one.id == phone), None)
    if wanted is None:
        raise ApiError(
            404, "no_such_phone", Message("该患者没有这个号码", "The patient has no such number"), field="phone_id"
        )
    return wanted


def _entries(
    conn: Connection, phones: Sequence[PhoneDraft], patient: Patient | None, number_of: NumberOfCall
) -> list[PhoneEntry]:
    on_record = {phone.id: phone.raw for phone in patient.phones} if patient else {}
    entries = []
    for index, phone in enumerate(phones):
        if phone.id and phone.id not in on_record:
            raise ApiError(
                422,
                "no_such_phone",
                Message("该患者没有这个号码", "The patient has no such number"),
                field=f"phones[{index}].id",
            )
        number = on_record[phone.id] if phone.id else number_of(conn, phone.call) if phone.call else phone.number
        entries.append(PhoneEntry(number, phone.label))
    return entries


def _refuse(error: PatientError) -> NoReturn:
    if error.code == "not_found":
        raise no_such_patient() from error
    if error.code == "conflict":
        message = Message("该记录刚被他人修改，请重新打开", "Somebody else has changed this record meanwhile")
        raise ApiError(409, "changed_meanwhile", message) from error
    if error.code == "exists":
        message = Message("病历号已被使用", "This record number is taken")
        raise ApiError(409, "record_taken", message, field="record_number") from error
    field, chinese = _REFUSALS[error.code]
    raise ApiError(
        422, error.code, Message(chinese, f"{str(error)[:1].upper()}{str(error)[1:]}"), field=field
    ) from error
