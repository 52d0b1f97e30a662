"""Who goes first, and who spoke with a caller last (D24, D25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from storage import rules
from storage.call_tables import calls
from storage.patients import Patient, find_by_number
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
    if not reason:
        age, today = rules.value(conn, "elderly_age"), date.fromtimestamp(at)
        if any(one.assisted or age_of(one, today) >= age for one in find_by_number(conn, e164)):
            reason = "elderly"
    return Standing(reason, last_agent_of(conn, e164, at))


def age_of(patient: Patient, today: date) -> int:
    """Whole years; -1 when the birth date is not known."""
    if not patient.birth_date:
        return -1
    born = date.fromisoformat(patient.birth_date)
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def last_agent_of(conn: Connection, e164: str, at: float) -> str:
    """The agent of the last answered call with this number; empty when there was none lately."""
    query = (
        select(calls.c.agent)
        .where(calls.c.e164 == e164, calls.c.started_at >= at - LAST_AGENT_SECONDS)
        .where(calls.c.answered_at.is_not(None), calls.c.agent != "")
        .order_by(calls.c.started_at.desc())
        .limit(1)
    )
    return str(conn.execute(query).scalar() or "")
