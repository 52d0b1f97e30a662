"""A patient as the API tells it: numbers masked for everybody, times in ISO 8601."""

from __future__ import annotations

import msgspec

from console.calls.instant import iso
from storage.patients import Patient, Phone
from storage.phone_numbers import NumberingPlan, mask, normalise


class PhoneView(msgspec.Struct, kw_only=True):
    """``masked`` shows no more than screens may (``138****5678``). ``kind``: mobile, landline, tollfree, short,
    foreign or extension. ``region``, ``region_en``: the place's name, where it is known."""

    id: str
    label: str
    masked: str
    kind: str
    region: str
    region_en: str
    extension: str


class PatientView(msgspec.Struct, kw_only=True):
    """``sex``: male, female or unknown. ``birth_date``: ISO 8601 or empty. ``assisted``: needs more time, goes first in
    a queue (D24). ``version`` goes back with a change."""

    id: str
    record_number: str
    name: str
    sex: str
    birth_date: str
    note: str
    assisted: bool
    phones: list[PhoneView]
    version: int
    created_at: str
    updated_at: str


def view_patient(patient: Patient, plan: NumberingPlan) -> PatientView:
    return PatientView(
        id=patient.id,
        record_number=patient.record_number,
        name=patient.name,
        sex=patient.sex,
        birth_date=patient.birth_date,
        note=patient.note,
        assisted=patient.assisted,
        phones=[_phone(phone, plan) for phone in patient.phones],
        version=patient.version,
        created_at=iso(patient.created_at) or "",
        updated_at=iso(patient.updated_at) or "",
    )


def _phone(phone: Phone, plan: NumberingPlan) -> PhoneView:
    read = normalise(phone.raw, plan.region, plan.area_code)
    return PhoneView(
        id=phone.id,
        label=phone.label,
        masked=mask(phone.e164, phone.kind),
        kind=phone.kind,
        region=read.region_name,
        region_en=read.region_name_en,
        extension=phone.extension,
    )
