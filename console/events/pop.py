"""The screen pop: who a number belongs to, looked up on a thread and a connection of its own."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from storage.patients import patient_phones, patients
from storage.phone_numbers import mask, normalise

log = structlog.get_logger("console.events")

#: candidates that a pop carries at most
MOST = 20
#: seconds that a call waits for its record before it rings without one
PATIENCE = 0.5
#: look-ups begun for calls that were not heard of since
_EXPECTED = 200


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A patient that the number may belong to. Numbers are masked; ``phone_label`` is that of the number calling."""

    id: str
    record_number: str
    name: str
    sex: str
    birth_date: str
    note: str
    phone_label: str
    masked: str
    version: int
    updated_at: float


class Pop(msgspec.Struct, frozen=True, kw_only=True):
    """``match``: ``none`` (nobody: a new record), ``one``, or ``several`` (the agent chooses, nothing opens by itself).

    ``number`` is the key the number is looked up by, or as it was signalled where it has none; consoles get the
    masked one in its place. ``failed``: the database did not answer in time.
    """

    number: str
    masked: str
    kind: str
    region: str
    region_en: str
    patients: tuple[Candidate, ...]
    match: str
    failed: bool = False

    def with_masked_number(self) -> Pop:
        return msgspec.structs.replace(self, number=self.masked)


#: built once: making a statement anew costs more than running this one
_FIELDS = (
    patients.c.id,
    patients.c.record_number,
    patients.c.name,
    patients.c.sex,
    patients.c.birth_date,
    patients.c.note,
    patients.c.version,
    patients.c.updated_at,
    patient_phones.c.label,
    patient_phones.c.e164,
    patient_phones.c.kind,
)
_BY_NUMBER = (
    select(*_FIELDS)
    .select_from(patient_phones.join(patients, patients.c.id == patient_phones.c.patient_id))
    .where(patient_phones.c.e164 == bindparam("number"))
    .order_by(patient_phones.c.patient_id, patient_phones.c.position)
    .limit(MOST)
)
_BY_RECORD = (
    select(*_FIELDS)
    .select_from(patients.outerjoin(patient_phones, patients.c.id == patient_phones.c.patient_id))
    .where(patients.c.id == bindparam("patient"))
    .order_by(patient_phones.c.position)
)


def pop_of(conn: Connection | None, number: str, patient_id: str, area_code: str) -> Pop:
    """The pop of ``number``; of exactly one patient when the call was dialled from a record. Without a connection:
    a failed one."""
    read = normalise(number, home_area_code=area_code)
    found: list[Candidate] = []
    if conn is not None and patient_id:
        rows = conn.execute(_BY_RECORD, {"patient": patient_id}).all()
        rows = [row for row in rows if row.e164 and row.e164 == read.e164] or rows
        found = [_candidate(row) for row in rows[:1]]
    if conn is not None and not found and read.e164:
        by_id = {row.id: row for row in reversed(conn.execute(_BY_NUMBER, {"number": read.e164}).all())}
        found = [_candidate(by_id[key]) for key in sorted(by_id)]
    return Pop(
        number=read.e164 or read.raw,
        masked=read.masked,
        kind=read.kind,
        region=read.region_name,
        region_en=read.region_name_en,
        patients=tuple(found),
        match=("none", "one")[len(found)] if len(found) < 2 else "several",
        failed=conn is None,
    )


def _candidate(row: Any) -> Candidate:
    return Candidate(
        id=row.id,
        record_number=row.record_number,
        name=row.name,
        sex=row.sex,
        birth_date=row.birth_date,
        note=row.note,
        phone_label=row.label or "",
        masked=mask(row.e164 or "", row.kind or ""),
        version=row.version,
        updated_at=row.updated_at,
    )


class PopLookup:
    """Looks numbers up one after another on one thread that keeps its connection."""

    def __init__(self, engine: Engine, area_code: str) -> None:
        self._engine = engine
        self._area_code = area_code
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="pop")
        self._connection: Connection | None = None
        #: by call, number and record
        self._expected: OrderedDict[tuple[str, str, str], asyncio.Future[Pop]] = OrderedDict()

    def expect(self, call: str, number: str, patient_id: str = "") -> None:
        """Begin for a call that is to be heard of in a moment, if ever."""
        self._expected[call, number, patient_id] = self._begin(number, patient_id)
        while len(self._expected) > _EXPECTED:
            self._expected.popitem(last=False)

    def look_up(self, call: str, number: str, patient_id: str = "") -> asyncio.Future[Pop]:
        """The future always gets a pop, a ``failed`` one after half a second. Begins at once, if ``expect`` has not."""
        return self._expected.pop((call, number, patient_id), None) or self._begin(number, patient_id)

    def _begin(self, number: str, patient_id: str) -> asyncio.Future[Pop]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Pop] = loop.create_future()

        def settle(pop: Pop) -> None:
            if not answer.done():
                answer.set_result(pop)

        def work() -> None:
            pop = self._find(number, patient_id)
            loop.call_soon_threadsafe(settle, pop)

        timer = loop.call_later(PATIENCE, lambda: settle(pop_of(None, number, "", self._area_code)))
        answer.add_done_callback(lambda _: timer.cancel())
        self._executor.submit(work)
        return answer

    def _find(self, number: str, patient_id: str) -> Pop:
        for last_try in (False, True):
            try:
                if self._connection is None:
                    self._connection = self._engine.connect()
                with self._connection.begin():
                    return pop_of(self._connection, number, patient_id, self._area_code)
            except SQLAlchemyError as error:
                self._drop_connection()
                if last_try:
                    log.error("a screen pop could not be looked up", reason=str(error))
            except Exception:
                log.exception("a screen pop failed")
                break
        return pop_of(None, number, "", self._area_code)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except SQLAlchemyError as error:
                log.debug("closing a broken connection failed", reason=str(error))

    def warm_up(self) -> None:
        """Open the connection and touch the index before the first call asks."""
        self._executor.submit(self._find, "13800000000", "")

    def close(self) -> None:
        self._executor.submit(self._drop_connection)
        self._executor.shutdown(wait=True)
