"""Numbers that somebody of the house vouches for: VIP callers, relatives of staff reported by a head nurse (D25)."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from sqlalchemy import Column, Connection, String, Table, bindparam, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from storage.identifiers import new_id
from storage.metadata import Instant, Key, LongText, metadata
from storage.phone_numbers import NumberingPlan, normalise

MAX_NAME, MAX_NOTE = 100, 500

sponsored_callers = Table(
    "sponsored_callers",
    metadata,
    Column("id", Key, primary_key=True),
    Column("e164", Key, nullable=False, unique=True),
    Column("number", String, nullable=False),
    Column("masked", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sponsor", String, nullable=False),
    Column("note", LongText, nullable=False),
    Column("until", Instant),
    Column("added_at", Instant, nullable=False),
    Column("added_by", String, nullable=False),
)


class SponsoredError(ValueError):
    """``code``: ``bad_number``, ``bad_name``, ``bad_sponsor``, ``bad_note``, ``bad_until``, ``exists``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class SponsoredCaller:
    """``sponsor`` vouches for the caller; ``until`` is Unix seconds, None for good."""

    id: str
    e164: str
    number: str
    masked: str
    name: str
    sponsor: str
    note: str
    until: float | None
    added_at: float
    added_by: str


def add_sponsored(
    conn: Connection,
    number: str,
    *,
    name: str,
    sponsor: str,
    by: str,
    note: str = "",
    until: float | None = None,
    plan: NumberingPlan | None = None,
) -> SponsoredCaller:
    """Raises ``SponsoredError``."""
    plan, now = plan or NumberingPlan(), time.time()
    read = normalise(number, plan.region, plan.area_code)
    if not read.e164:
        raise SponsoredError("bad_number", "this is not a telephone number")
    for field, value in (("name", name), ("sponsor", sponsor)):
        if not 1 <= len(value.strip()) <= MAX_NAME:
            raise SponsoredError(f"bad_{field}", f"{field} has 1 to {MAX_NAME} characters")
    if len(note) > MAX_NOTE:
        raise SponsoredError("bad_note", f"a note has at most {MAX_NOTE} characters")
    if until is not None and (not math.isfinite(until) or until <= now):
        raise SponsoredError("bad_until", "the end must lie ahead")
    row = SponsoredCaller(
        new_id(now), read.e164, number.strip(), read.masked, name.strip(), sponsor.strip(), note, until, now, by
    )
    try:
        with conn.begin_nested():
            conn.execute(
                delete(sponsored_callers).where(sponsored_callers.c.e164 == read.e164, sponsored_callers.c.until <= now)
            )
            conn.execute(insert(sponsored_callers).values(**{f: getattr(row, f) for f in SponsoredCaller.__slots__}))
    except IntegrityError as error:
        raise SponsoredError("exists", "this number is on the list already") from error
    return row


def list_sponsored(conn: Connection) -> list[SponsoredCaller]:
    """The newest first, those that ran out too."""
    query = select(sponsored_callers).order_by(sponsored_callers.c.added_at.desc(), sponsored_callers.c.id)
    return [SponsoredCaller(*row) for row in conn.execute(query)]


def remove_sponsored(conn: Connection, caller: str) -> SponsoredCaller | None:
    """Gives what was removed, None when there is no such row."""
    row = conn.execute(select(sponsored_callers).where(sponsored_callers.c.id == caller)).first()
    conn.execute(delete(sponsored_callers).where(sponsored_callers.c.id == caller))
    return None if row is None else SponsoredCaller(*row)


def is_sponsored(conn: Connection, e164: str, at: float) -> bool:
    """Whether somebody vouches for this number at ``at`` (Unix seconds)."""
    return bool(e164) and conn.execute(_SPONSORED, {"e164": e164, "at": at}).first() is not None


#: built once: making it costs more than running it
_SPONSORED = select(sponsored_callers.c.id).where(
    sponsored_callers.c.e164 == bindparam("e164"),
    or_(sponsored_callers.c.until.is_(None), sponsored_callers.c.until > bindparam("at")),
)
