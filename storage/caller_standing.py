"""Who goes first, and who spoke with a caller last (D24, D25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam, select

from storage import rules
from storage.call_tables import calls
from storage.patients import patient_phones, patients
from storage.sponsored_callers import is_sponsored

#: an agent who spoke with the caller longer ago than this is not asked for (seconds)
LAST_AGENT_SECONDS = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Standing:
    """``reason``: ``vip``, ``elderly`` (also for patients who need more time) or empty; ``last_agent`` empty where
    nobody spoke with this number lately."""

    reason: str
    last_agent: str


def standing_of(conn: Connection, e164: str, at: float) -> Standing:
    """How the caller with this number (``PhoneNumber.e164``) stands at ``at`` (Unix seconds)."""
    if not e164:
        return Standing("", "")
    reason = "vip" if is_sponsored(conn, e164, at) else ""
    if not reason and (known := conn.execute(_PATIENTS, {"e164": e164}).all()):
        age, today = rules.value(conn, "elderly_age"), date.fromtimestamp(at)
        if any(assisted or age_of(birth_date, today) >= age for birth_date, assisted in known):
            reason = "elderly"
    return Standing(reason, last_agent_of(conn, e164, at))


def age_of(birth_date: str, today: date) -> int:
    """Whole years; -1 when the birth date is not known."""
    if not birth_date:
        return -1
    born = date.fromisoformat(birth_date)
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def last_agent_of(conn: Connection, e164: str, at: float) -> str:
    """The agent of the last answered call with this number; empty when there was none lately."""
    return str(conn.execute(_LAST_AGENT, {"e164": e164, "since": at - LAST_AGENT_SECONDS}).scalar() or "")


#: built once: making a statement costs more than running it
_PATIENTS = (
    select(patients.c.birth_date, patients.c.assisted)
    .join(patient_phones, patient_phones.c.patient_id == patients.c.id)
    .where(patient_phones.c.e164 == bindparam("e164"))
    .limit(20)
)
_LAST_AGENT = (
    select(calls.c.agent)
    .where(calls.c.e164 == bindparam("e164"), calls.c.started_at >= bindparam("since"))
    .where(calls.c.answered_at.is_not(None), calls.c.agent != "")
    .order_by(calls.c.started_at.desc())
    .limit(1)
)
