"""The demo's database: invented patients by the million, users, and callers that match them. Safe to load twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Index, Table, func, select

from storage.database import is_sqlite
from storage.demo_names import CAST, Person, people
from storage.name_readings import NameReadings, readings_of
from storage.patients import patient_phones, patient_search_keys, patients, search_keys_of
from storage.users import (
    HashedPassword,
    User,
    UserError,
    create_user,
    hash_password,
    password_matches,
    update_user,
    users,
)

SEED = 3
#: record numbers of invented patients; the hospital's own begin with another letter
RECORD_PREFIX = "D"
#: 2020-01-01, the first demo record; one more every ten minutes from there
FIRST_CREATED_AT = 1_577_836_800.0
CREATED_EVERY_SECONDS = 200.0
CHUNK = 20_000
#: from so many new rows on, indexes are dropped and built anew (an empty table only)
BULK = 20_000

DEMO_USERS = (
    ("agent1", "坐席一 林晓", "agent"),
    ("agent2", "坐席二 周宁", "agent"),
    ("agent3", "坐席三 何佳", "agent"),
    ("reviewer1", "质检员 许敏", "reviewer"),
    ("supervisor1", "班长 郭涛", "supervisor"),
    ("admin", "管理员", "admin"),
)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class DemoPatient:
    """One invented patient as rows: ``patient``, ``phones`` and ``keys`` in the order of the columns below."""

    patient: Row
    phones: tuple[Row, ...]
    keys: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class DemoCaller:
    """Somebody who calls in the demo. ``number`` is as a trunk would signal it (empty: withheld).

    ``match`` is ``one``, ``several`` or ``none``: what the screen pop must say; ``names`` are the patients.
    """

    number: str
    match: str
    kind: str
    names: tuple[str, ...]


PATIENT_COLUMNS = (
    *("id", "record_number", "name", "name_pinyin", "name_initials", "sex", "birth_date", "note"),
    *("created_at", "updated_at", "version"),
)
PHONE_COLUMNS = ("id", "patient_id", "position", "e164", "digits_reversed", "raw", "kind", "label", "extension")
KEY_COLUMNS = ("key", "patient_id")


def make_patients(n: int, seed: int = SEED, start: int = 0) -> Iterator[DemoPatient]:
    """Patients number ``start`` to ``n`` of a seed; the first few are always the cast that the demo's callers play."""
    for number, person in enumerate(islice(people(seed), start, n), start):
        yield _rows(number, person, seed)


def load_demo(conn: Connection, patients: int = 1000, seed: int = SEED) -> int:
    """Bring the invented patients up to this many; gives how many were added. Run it again: nothing happens."""
    have = _loaded(conn)
    if have >= patients:
        return 0
    bulk = patients - have >= BULK and _is_empty(conn)
    indexes = _droppable() if bulk else []
    for index in indexes:
        index.drop(conn)
    source = make_patients(patients, seed, have)
    while chunk := list(islice(source, CHUNK)):
        _insert(conn, chunk)
    for index in indexes:
        index.create(conn)
    if bulk:
        conn.exec_driver_sql("ANALYZE")
    return patients - have


def load_demo_users(conn: Connection, password: str) -> list[User]:
    """Create the demo's users, or give those that exist this password. Raises ``UserError`` (``bad_password``).

    All have it under one hash: who knows that the passwords are the same was told so on the terminal, and each hash
    would take 0.3 s of every start.
    """
    kept = conn.execute(select(users.c.password_hash).where(users.c.username == DEMO_USERS[0][0])).scalar()
    if kept is not None and password_matches(kept, password):
        password = HashedPassword(kept)
    else:
        password = hash_password(password)
    made = []
    for username, display_name, role in DEMO_USERS:
        try:
            made.append(create_user(conn, username, password, role, display_name))
        except UserError as error:
            if error.code != "exists":
                raise
            made.append(update_user(conn, username, password=password, active=True))
    return made


def demo_callers(seed: int = SEED) -> list[DemoCaller]:
    """Callers whose numbers fit ``load_demo`` with the same seed, in an order that shows every kind soon."""
    by_number: dict[str, list[Person]] = {}
    for person in CAST:
        for digits, _, _ in person.numbers:
            by_number.setdefault(digits, []).append(person)
    callers = []
    for digits, owners in by_number.items():
        kind = next(kind for number, kind, _ in owners[0].numbers if number == digits)
        number = digits if kind == "mobile" else f"0{digits}"
        match = "one" if len(owners) == 1 else "several"
        callers.append(DemoCaller(number, match, kind, tuple(person.name for person in owners)))
    # Nobody has these: the random numbers keep clear of the cast's ranges.
    strangers = [DemoCaller(f"138057190{last:02d}", "none", "mobile", ()) for last in (seed % 50, 50 + seed % 50)]
    withheld = DemoCaller("", "none", "anonymous", ())
    one, several = ([c for c in callers if c.match == match] for match in ("one", "several"))
    start = [one[0], several[0], strangers[0], next(c for c in one if c.kind == "landline"), withheld]
    return [*start, *(caller for caller in (*several, *strangers, *one) if caller not in start)]


def _rows(number: int, person: Person, seed: int) -> DemoPatient:
    created_at = FIRST_CREATED_AT + number * CREATED_EVERY_SECONDS
    patient_id = _identifier(created_at, seed, number)
    readings, keys = _readings(person.name)
    patient = (
        patient_id,
        f"{RECORD_PREFIX}{number + 1:08d}",
        person.name,
        readings.pinyin,
        readings.initials,
        person.sex,
        person.birth_date,
        person.note,
        created_at,
        created_at,
        1,
    )
    phones = tuple(
        (
            f"{patient_id[:15]}{position + 1:03x}{patient_id[18:]}",
            patient_id,
            position,
            f"+86{digits}",
            f"86{digits}"[::-1],
            digits if kind == "mobile" else f"0{digits}",
            kind,
            label,
            "",
        )
        for position, (digits, kind, label) in enumerate(person.numbers)
    )
    return DemoPatient(patient, phones, tuple((key, patient_id) for key in keys))


def _identifier(at: float, seed: int, number: int) -> str:
    """A UUIDv7 that depends on nothing but the arguments, so that loading twice makes no second copy."""
    moment = f"{int(at * 1000):012x}"
    return f"{moment[:8]}-{moment[8:]}-7000-8{seed & 0xFFF:03x}-{number:012x}"


@lru_cache(maxsize=500_000)
def _readings(name: str) -> tuple[NameReadings, tuple[str, ...]]:
    readings = readings_of(name)
    return readings, tuple(search_keys_of(name, readings))


def _loaded(conn: Connection) -> int:
    number = patients.c.record_number
    query = select(func.count()).where(number >= f"{RECORD_PREFIX}00000001", number <= f"{RECORD_PREFIX}99999999")
    return int(conn.execute(query).scalar_one())


def _is_empty(conn: Connection) -> bool:
    return conn.execute(select(patients.c.id).limit(1)).first() is None


def _droppable() -> list[Index]:
    found = [index for table in (patients, patient_phones, patient_search_keys) for index in table.indexes]
    return sorted(found, key=lambda index: str(index.name))


def _insert(conn: Connection, chunk: list[DemoPatient]) -> None:
    _fill(conn, patients, PATIENT_COLUMNS, (one.patient for one in chunk))
    _fill(conn, patient_phones, PHONE_COLUMNS, (row for one in chunk for row in one.phones))
    _fill(conn, patient_search_keys, KEY_COLUMNS, sorted(row for one in chunk for row in one.keys))


def _fill(conn: Connection, table: Table, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    """The quickest way in that each driver has: executemany of SQLite, COPY of PostgreSQL."""
    driver: Any = conn.connection.driver_connection
    names = ", ".join(f'"{column}"' for column in columns)
    if is_sqlite(conn):
        marks = ", ".join("?" * len(columns))
        driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
