"""Patients and their telephone numbers. One number may belong to several patients."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    delete,
    false,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from storage.identifiers import new_id
from storage.metadata import Instant, Key, LongText, metadata
from storage.name_readings import NameReadings, readings_of
from storage.phone_numbers import NumberingPlan, PhoneNumber, normalise

SEXES = ("male", "female", "unknown")
MAX_NAME, MAX_NOTE, MAX_PHONES = 100, 4000, 10

patients = Table(
    "patients",
    metadata,
    Column("id", String, primary_key=True),
    Column("record_number", Key, nullable=False, unique=True),
    Column("name", Key, nullable=False),
    Column("name_pinyin", Key, nullable=False),
    Column("name_initials", Key, nullable=False),
    Column("sex", String, nullable=False),
    Column("birth_date", String, nullable=False),
    Column("note", LongText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("assisted", Boolean, nullable=False, server_default=false()),
    Index(None, "name"),
    Index(None, "name_pinyin"),
    Index(None, "name_initials"),
)
#: the name from its second and from its third character on, so that 小明 finds 张小明 and 欧阳小明
NAME_TAILS = (func.substr(patients.c.name, literal_column("2")), func.substr(patients.c.name, literal_column("3")))
Index("ix_patients_name_from_2", NAME_TAILS[0])
Index("ix_patients_name_from_3", NAME_TAILS[1])

patient_phones = Table(
    "patient_phones",
    metadata,
    Column("id", String, primary_key=True),
    Column("patient_id", String, ForeignKey("patients.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", SmallInteger, nullable=False),
    Column("e164", Key, nullable=False),
    #: the digits from the last to the first, so that "ends with 5678" is an index range
    Column("digits_reversed", Key, nullable=False),
    Column("raw", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("label", String, nullable=False),
    Column("extension", String, nullable=False),
    Index(None, "e164"),
    Index(None, "digits_reversed"),
)

#: further keys that a name search may hit: other readings, later words and parts of the name
patient_search_keys = Table(
    "patient_search_keys",
    metadata,
    Column("key", Key, primary_key=True),
    Column("patient_id", String, ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)


class PatientError(ValueError):
    """``code``: ``bad_name``, ``bad_sex``, ``bad_birth_date``, ``bad_phone``, ``bad_record_number``, ``bad_note``,
    ``not_found``, ``conflict`` (somebody else changed the record) or ``exists`` (record number taken)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Phone:
    """``e164`` is the lookup key (see ``phone_numbers``); empty when ``raw`` could not be read as a number."""

    id: str
    e164: str
    raw: str
    kind: str
    label: str
    extension: str


@dataclass(frozen=True, slots=True)
class Patient:
    """``birth_date`` is ISO 8601 or empty. ``version`` grows with each change. ``assisted``: disabled or otherwise in
    need of more time, goes first in a queue (D24). Times are Unix seconds."""

    id: str
    record_number: str
    name: str
    name_pinyin: str
    sex: str
    birth_date: str
    note: str
    created_at: float
    updated_at: float
    version: int
    assisted: bool = False
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneEntry:
    """A telephone number as it is entered."""

    raw: str
    label: str = ""


def create_patient(
    conn: Connection,
    name: str,
    phones: Sequence[PhoneEntry] = (),
    *,
    sex: str = "unknown",
    birth_date: str = "",
    note: str = "",
    record_number: str = "",
    assisted: bool = False,
    plan: NumberingPlan | None = None,
) -> Patient:
    """Open a record. An empty ``record_number`` gets the next free one. Raises ``PatientError``."""
    name = _checked_name(name)
    _check(sex=sex, birth_date=birth_date, note=note)
    numbers = _checked_phones(phones, plan or NumberingPlan())
    record_number = _checked_record_number(record_number) or _next_record_number(conn)
    now = time.time()
    patient_id = new_id(now)
    readings = readings_of(name)
    try:
        with conn.begin_nested():
            conn.execute(
                insert(patients).values(
                    id=patient_id,
                    record_number=record_number,
                    name=name,
                    name_pinyin=readings.pinyin,
                    name_initials=readings.initials,
                    sex=sex,
                    birth_date=birth_date,
                    note=note,
                    created_at=now,
                    updated_at=now,
                    version=1,
                    assisted=assisted,
                )
            )
    except IntegrityError as error:
        raise PatientError("exists", f"record number {record_number} is taken") from error
    _write_keys(conn, patient_id, name, readings)
    _write_phones(conn, patient_id, numbers)
    patient = get_patient(conn, patient_id)
    assert patient is not None
    return patient


def update_patient(
    conn: Connection,
    patient_id: str,
    version: int,
    *,
    name: str | None = None,
    phones: Sequence[PhoneEntry] | None = None,
    sex: str | None = None,
    birth_date: str | None = None,
    note: str | None = None,
    assisted: bool | None = None,
    plan: NumberingPlan | None = None,
) -> Patient:
    """Change what is given, provided the record still has ``version``. ``phones`` replaces all numbers.

    A number that is entered again keeps its id. Raises ``PatientError`` (``conflict``: it has changed meanwhile).
    """
    _check(sex=sex, birth_date=birth_date, note=note)
    changes: dict[str, Any] = {"sex": sex, "birth_date": birth_date, "note": note, "assisted": assisted}
    changes = {field: value for field, value in changes.items() if value is not None}
    readings = None
    if name is not None:
        name = _checked_name(name)
        readings = readings_of(name)
        changes |= {"name": name, "name_pinyin": readings.pinyin, "name_initials": readings.initials}
    numbers = None if phones is None else _checked_phones(phones, plan or NumberingPlan())
    done = conn.execute(
        update(patients)
        .where(patients.c.id == patient_id, patients.c.version == version)
        .values(version=version + 1, updated_at=time.time(), **changes)
    )
    if done.rowcount == 0:
        if get_patient(conn, patient_id) is None:
            raise PatientError("not_found", "there is no such patient")
        raise PatientError("conflict", "the record was changed by somebody else meanwhile")
    if name is not None and readings is not None:
        _write_keys(conn, patient_id, name, readings)
    if numbers is not None:
        _write_phones(conn, patient_id, numbers)
    patient = get_patient(conn, patient_id)
    assert patient is not None
    return patient


def get_patient(conn: Connection, patient_id: str) -> Patient | None:
    found = get_patients(conn, [patient_id])
    return found[0] if found else None


def get_patients(conn: Connection, patient_ids: Iterable[str]) -> list[Patient]:
    """Those that exist, in the order asked for, with their numbers."""
    ids = list(dict.fromkeys(patient_ids))
    by_id: dict[str, tuple[Any, ...]] = {}
    for row in conn.execute(select(*_SHOWN).where(patients.c.id.in_(ids))):
        by_id[row.id] = tuple(row)
    phones: dict[str, list[Phone]] = {}
    if by_id:
        for row in conn.execute(
            select(patient_phones)
            .where(patient_phones.c.patient_id.in_(list(by_id)))
            .order_by(patient_phones.c.patient_id, patient_phones.c.position)
        ):
            phone = Phone(row.id, row.e164, row.raw, row.kind, row.label, row.extension)
            phones.setdefault(row.patient_id, []).append(phone)
    return [replace(Patient(*by_id[key]), phones=tuple(phones.get(key, ()))) for key in ids if key in by_id]


def find_by_number(conn: Connection, e164: str, limit: int = 20) -> list[Patient]:
    """Everybody with exactly this number (see ``phone_numbers.PhoneNumber.e164``), the oldest record first."""
    if not e164:
        return []
    query = (
        select(patient_phones.c.patient_id)
        .where(patient_phones.c.e164 == e164)
        .order_by(patient_phones.c.patient_id)
        .distinct()
        .limit(limit)
    )
    return get_patients(conn, conn.execute(query).scalars())


def find_duplicates(conn: Connection, name: str, phones: Sequence[PhoneEntry], plan: NumberingPlan) -> list[Patient]:
    """Patients of the same name with one of these numbers (D15)."""
    name = _checked_name(name)
    keys = [number.e164 for _, number in _checked_phones(phones, plan) if number.e164]
    query = (
        select(patients.c.id)
        .join(patient_phones, patient_phones.c.patient_id == patients.c.id)
        .where(patient_phones.c.e164.in_(keys), patients.c.name == name)
        .order_by(patients.c.id)
        .distinct()
    )
    return get_patients(conn, conn.execute(query).scalars()) if keys else []


_SHOWN = [patients.c[field.name] for field in fields(Patient) if field.name != "phones"]


def _write_phones(conn: Connection, patient_id: str, numbers: list[tuple[PhoneEntry, PhoneNumber]]) -> None:
    kept: dict[str, str] = {}
    for row in conn.execute(
        select(patient_phones.c.raw, patient_phones.c.id).where(patient_phones.c.patient_id == patient_id)
    ):
        kept.setdefault(row.raw, row.id)
    conn.execute(delete(patient_phones).where(patient_phones.c.patient_id == patient_id))
    rows = [
        {
            "id": kept.pop(number.raw, None) or new_id(),
            "patient_id": patient_id,
            "position": position,
            "e164": number.e164,
            "digits_reversed": number.e164.lstrip("+")[::-1],
            "raw": number.raw,
            "kind": number.kind,
            "label": entry.label,
            "extension": number.extension,
        }
        for position, (entry, number) in enumerate(numbers)
    ]
    if rows:
        conn.execute(insert(patient_phones), rows)


def search_keys_of(name: str, readings: NameReadings) -> list[str]:
    """Further keys of a name: other readings, and what stands further behind than the indexes on its tails reach."""
    tails = (name[start:].strip() for start in range(3, min(len(name), 8))) if not name.isascii() else ()
    return list(dict.fromkeys([*readings.others, *filter(None, tails)]))


def _write_keys(conn: Connection, patient_id: str, name: str, readings: NameReadings) -> None:
    conn.execute(delete(patient_search_keys).where(patient_search_keys.c.patient_id == patient_id))
    rows = [{"key": key, "patient_id": patient_id} for key in search_keys_of(name, readings)]
    if rows:
        conn.execute(insert(patient_search_keys), rows)


def _next_record_number(conn: Connection) -> str:
    """One more than the highest number of our own series (``P`` and eight digits)."""
    highest = conn.execute(
        select(func.max(patients.c.record_number)).where(
            patients.c.record_number >= "P00000000", patients.c.record_number <= "P99999999"
        )
    ).scalar()
    digits = (highest or "P0")[1:]
    return f"P{int(digits) + 1 if digits.isdigit() else 1:08d}"


def _checked_name(name: str) -> str:
    name = " ".join(_text(name).split())
    if not 1 <= len(name) <= MAX_NAME or not any(letter.isalpha() for letter in name):
        raise PatientError("bad_name", f"a name has 1 to {MAX_NAME} characters, one of them a letter")
    return name


def _checked_record_number(record_number: str) -> str:
    record_number = record_number.strip()
    if record_number and not (record_number.isascii() and record_number.isprintable() and len(record_number) <= 40):
        raise PatientError("bad_record_number", "a record number is up to 40 ASCII characters")
    return record_number


def _checked_phones(phones: Sequence[PhoneEntry], plan: NumberingPlan) -> list[tuple[PhoneEntry, PhoneNumber]]:
    if len(phones) > MAX_PHONES:
        raise PatientError("bad_phone", f"at most {MAX_PHONES} telephone numbers")
    numbers = []
    for entry in phones:
        raw, label = _text(entry.raw).strip(), _text(entry.label).strip()[:40]
        number = normalise(raw, plan.region, plan.area_code)
        if not number.e164:
            raise PatientError("bad_phone", f"{raw[:40]!r} is no telephone number")
        numbers.append((PhoneEntry(raw, label), number))
    return numbers


def _check(sex: str | None, birth_date: str | None, note: str | None) -> None:
    if sex is not None and sex not in SEXES:
        raise PatientError("bad_sex", f"sex must be one of {', '.join(SEXES)}")
    if note is not None and (len(note) > MAX_NOTE or _text(note) != note):
        raise PatientError("bad_note", f"a note has at most {MAX_NOTE} characters of text")
    if birth_date:
        try:
            born = date.fromisoformat(birth_date)
        except ValueError as error:
            raise PatientError("bad_birth_date", f"{birth_date[:20]!r} is no date (YYYY-MM-DD)") from error
        if not date(1880, 1, 1) <= born <= date.today() or birth_date != born.isoformat():
            raise PatientError("bad_birth_date", "a birth date is YYYY-MM-DD, from 1880 to today")


def _text(value: str) -> str:
    """Without what no database stores: NUL and lone surrogates."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()
