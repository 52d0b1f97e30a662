"""The access trail: who looked at, listened to or took out what. Rows are only added, and each one is chained to the
one before by SHA-256, so that a changed, removed or inserted row shows (D27, D124).

Triggers refuse UPDATE and DELETE. Cutting rows off the end leaves a chain that still holds: keep ``head`` somewhere
else (a log, a printout) to prove that too.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, insert, select, text

from storage.database import is_sqlite, to_json
from storage.metadata import Instant, LongText, metadata

#: what the first row is chained to
GENESIS = "0" * 64
MAX_REASON = 500

access_trail = Table(
    "access_trail",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("user", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject_type", String, nullable=False),
    Column("subject_id", String, nullable=False),
    Column("detail", LongText, nullable=False),
    Column("reason", LongText, nullable=False),
    Column("previous_sha256", String, nullable=False),
    Column("sha256", String, nullable=False),
    Index(None, "subject_type", "subject_id"),
    Index(None, "user", "at"),
)


@dataclass(frozen=True, slots=True)
class Access:
    """One row. ``id`` counts from 1 without gaps; ``detail`` is canonical JSON; ``at`` is Unix seconds."""

    id: int
    at: float
    user: str
    action: str
    subject_type: str
    subject_id: str
    detail: str
    reason: str
    previous_sha256: str
    sha256: str


def record(
    conn: Connection,
    user: str,
    action: str,
    subject_type: str = "",
    subject_id: str = "",
    detail: Mapping[str, Any] | None = None,
    reason: str = "",
    at: float | None = None,
) -> Access:
    """Add a row: ``action`` such as ``reveal``, ``listen``, ``export``, ``login``. Belongs in the same transaction
    as what it tells of, so that neither stands without the other."""
    if not is_sqlite(conn):
        conn.execute(text("SELECT pg_advisory_xact_lock(hashtext('access_trail'))"))
    number, previous = head(conn)
    row = Access(
        id=number + 1,
        at=time.time() if at is None else at,
        user=_text(user),
        action=_text(action),
        subject_type=_text(subject_type),
        subject_id=_text(subject_id),
        detail=_text(to_json(dict(sorted((detail or {}).items())))),
        reason=_text(reason)[:MAX_REASON],
        previous_sha256=previous,
        sha256="",
    )
    values = {name: getattr(row, name) for name in Access.__slots__}
    values["sha256"] = _sha256(row)
    conn.execute(insert(access_trail).values(**values))
    return Access(**values)


def head(conn: Connection) -> tuple[int, str]:
    """Number and hash of the last row; ``(0, GENESIS)`` of an empty trail."""
    last = access_trail.c.id.desc()
    row = conn.execute(select(access_trail.c.id, access_trail.c.sha256).order_by(last).limit(1)).first()
    return (0, GENESIS) if row is None else (int(row[0]), str(row[1]))


def verify(conn: Connection) -> int | None:
    """The number of the first row that does not fit the chain (a missing one counts), or None when all is well."""
    expected, previous = 1, GENESIS
    for fields in conn.execute(select(access_trail).order_by(access_trail.c.id)):
        row = Access(*fields)
        if row.id != expected:
            return expected
        if row.previous_sha256 != previous or row.sha256 != _sha256(row):
            return row.id
        expected, previous = expected + 1, row.sha256
    return None


def list_accesses(
    conn: Connection,
    *,
    user: str = "",
    subject_type: str = "",
    subject_id: str = "",
    before: int | None = None,
    limit: int = 100,
) -> list[Access]:
    """Rows that fit, the newest first; ``before`` is the number of the last row of the page before."""
    query = select(access_trail).order_by(access_trail.c.id.desc()).limit(limit)
    for column, wanted in (("user", user), ("subject_type", subject_type), ("subject_id", subject_id)):
        if wanted:
            query = query.where(access_trail.c[column] == wanted)
    if before is not None:
        query = query.where(access_trail.c.id < before)
    return [Access(*row) for row in conn.execute(query)]


def _sha256(row: Access) -> str:
    """Over the hash before and everything else of the row, as one JSON list."""
    fields = [getattr(row, name) for name in Access.__slots__ if name not in ("previous_sha256", "sha256")]
    return hashlib.sha256(to_json([row.previous_sha256, *fields]).encode()).hexdigest()


def _text(value: str) -> str:
    """Without what no database stores: NUL and lone surrogates."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()
