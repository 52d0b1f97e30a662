"""The screen pop: who a number belongs to, looked up on a thread and a connection of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import msgspec
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from storage.patients import Patient, find_by_number, get_patients
from storage.phone_numbers import mask, normalise

log = structlog.get_logger("console.events")

#: candidates that a pop carries at most
MOST = 20
#: seconds that a call waits for its record before it rings without one
PATIENCE = 0.5


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

    ``number`` is the key the number is looked up by, or as it was signalled where it has none. ``failed``: the
    database did not answer in time.
    """

    number: str
    masked: str
    kind: str
    region: str
    patients: tuple[Candidate, ...]
    match: str
    failed: bool = False

    def with_masked_number(self) -> Pop:
        return msgspec.structs.replace(self, number=self.masked)


def pop_of(conn: Connection | None, number: str, patient_id: str, area_code: str) -> Pop:
    """The pop of ``number``; of exactly one patient when the call was dialled from a record. Without a connection:
    a failed one."""
    read = normalise(number, home_area_code=area_code)
    found: list[Patient] = []
    if conn is not None:
        found = get_patients(conn, [patient_id]) if patient_id else []
        if not found and read.e164:
            found = find_by_number(conn, read.e164, MOST)
    return Pop(
        number=read.e164 or read.raw,
        masked=read.masked,
        kind=read.kind,
        region=read.region_name,
        patients=tuple(_candidate(patient, read.e164, read.masked) for patient in found),
        match=("none", "one")[len(found)] if len(found) < 2 else "several",
        failed=conn is None,
    )


def _candidate(patient: Patient, e164: str, masked: str) -> Candidate:
    phone = next((phone for phone in patient.phones if phone.e164 == e164 and e164), None)
    if phone is None and patient.phones:
        phone = patient.phones[0]
        masked = mask(phone.e164, phone.kind)
    return Candidate(
        id=patient.id,
        record_number=patient.record_number,
        name=patient.name,
        sex=patient.sex,
        birth_date=patient.birth_date,
        note=patient.note,
        phone_label=phone.label if phone else "",
        masked=masked,
        version=patient.version,
        updated_at=patient.updated_at,
    )


class PopLookup:
    """Looks numbers up one after another on one thread that keeps its connection."""

    def __init__(self, engine: Engine, area_code: str) -> None:
        self._engine = engine
        self._area_code = area_code
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="pop")
        self._connection: Connection | None = None

    def look_up(self, number: str, patient_id: str = "") -> asyncio.Future[Pop]:
        """Begins at once. The future always gets a pop, a ``failed`` one after half a second."""
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
