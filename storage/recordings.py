"""Recordings: what the phone captured of each call, and how far the worker has come in finishing it.

``capturing`` → ``captured`` → ``finishing`` → ``ready``; ``failed`` after too many attempts, or when nothing was kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    and_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage.database import is_sqlite
from storage.identifiers import new_id
from storage.metadata import Instant, Json, Key, LongText, metadata

STATES = ("capturing", "captured", "finishing", "ready", "failed")
#: a recording that could not be finished so often is left alone and reported
MOST_ATTEMPTS = 5
#: a worker that has not finished within this time has died; another may take over
CLAIM_SECONDS = 900.0
#: a failed attempt is repeated after this time, then twice that, and so on
RETRY_SECONDS = 10.0

recordings = Table(
    "recordings",
    metadata,
    Column("id", Key, primary_key=True),
    Column("call", Key, nullable=False),
    Column("state", String, nullable=False),
    Column("raw_path", String, nullable=False),
    Column("path", String, nullable=False),
    Column("peaks_path", String, nullable=False),
    Column("codec", String, nullable=False),
    Column("seconds", Double),
    Column("channels", Integer),
    Column("sha256", String, nullable=False),
    Column("bytes", BigInteger),
    Column("raw_bytes", BigInteger),
    Column("gaps", Json, nullable=False),
    Column("lost_seconds", Double, nullable=False),
    Column("error", LongText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", String, nullable=False),
    Column("claimed_at", Instant),
    Column("retry_at", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("captured_at", Instant),
    Column("ready_at", Instant),
    UniqueConstraint("call", "raw_path"),
    Index(None, "state", "retry_at"),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """Paths are relative to the data folder. ``gaps`` lists ``{"leg", "from", "seconds"}`` of missing audio."""

    id: str
    call: str
    state: str
    raw_path: str
    path: str
    peaks_path: str
    codec: str
    seconds: float | None
    channels: int | None
    sha256: str
    bytes: int | None
    raw_bytes: int | None
    gaps: list[dict[str, Any]]
    lost_seconds: float
    error: str
    attempts: int
    worker: str
    claimed_at: float | None
    retry_at: float
    started_at: float
    captured_at: float | None
    ready_at: float | None


_FIELDS = tuple(field.name for field in fields(Recording))


def get_recording(conn: Connection, recording: str) -> Recording | None:
    row = conn.execute(_query().where(recordings.c.id == recording)).first()
    return None if row is None else Recording(*row)


def of_calls(conn: Connection, calls: Iterable[str]) -> dict[str, list[Recording]]:
    """The recordings of several calls by call id, each list the earliest first; calls without one are missing."""
    found: dict[str, list[Recording]] = {}
    query = _query().where(recordings.c.call.in_(list(calls))).order_by(recordings.c.started_at, recordings.c.id)
    for row in conn.execute(query):
        found.setdefault(row.call, []).append(Recording(*row))
    return found


def of_call(conn: Connection, call: str) -> list[Recording]:
    return of_calls(conn, [call]).get(call, [])


def unfinished_calls(conn: Connection, limit: int) -> list[str]:
    """Calls that were recorded and whose recording is not finished yet, the newest ``limit``, the earliest first."""
    query = select(recordings.c.call).where(recordings.c.state.in_(("captured", "finishing")))
    return list(conn.execute(query.order_by(recordings.c.started_at.desc()).limit(limit)).scalars())[::-1]


def apply(conn: Connection, events: Sequence[Mapping[str, Any]]) -> None:
    """Follow ``recording.*`` events. What the worker has done already is never undone by a late event."""
    for event in events:
        kind, call = event.get("type"), event.get("call")
        if not isinstance(call, str) or not call:
            continue
        if kind == "recording.started":
            _add(conn, call, _path(event), _number(event, "at"))
        elif kind == "recording.closed":
            _add(conn, call, _path(event), _number(event, "at"))
            conn.execute(
                update(recordings)
                .where(
                    recordings.c.call == call,
                    recordings.c.raw_path == _path(event),
                    recordings.c.state == "capturing",
                )
                .values(state="captured", raw_bytes=_whole(event, "bytes"), captured_at=_number(event, "at"))
            )
        elif kind == "recording.failed":
            reason = event.get("reason")
            if not of_call(conn, call):
                # It never began (a full disk, say): the call must still show that there is no recording.
                _add(conn, call, "", _number(event, "at"), "failed")
            conn.execute(
                update(recordings)
                .where(recordings.c.call == call, recordings.c.state != "ready")
                .values(
                    error=reason if isinstance(reason, str) else "",
                    lost_seconds=_number(event, "lost_seconds"),
                )
            )


def claim_next(conn: Connection, worker: str, now: float | None = None) -> Recording | None:
    """Take the next captured recording for finishing, or one whose worker died; None when there is nothing to do.

    Each is given to one worker only: rows are locked with SKIP LOCKED on PostgreSQL, and SQLite has one writer.
    """
    at = time.time() if now is None else now
    free = or_(
        and_(recordings.c.state == "captured", recordings.c.retry_at <= at),
        and_(recordings.c.state == "finishing", recordings.c.claimed_at <= at - CLAIM_SECONDS),
    )
    query = select(recordings.c.id).where(free).order_by(recordings.c.captured_at, recordings.c.id).limit(1)
    chosen = conn.execute(query.with_for_update(skip_locked=True)).scalar()
    if chosen is None:
        return None
    done = conn.execute(
        update(recordings)
        .where(recordings.c.id == chosen, free)
        .values(state="finishing", worker=worker, claimed_at=at, attempts=recordings.c.attempts + 1)
    )
    return get_recording(conn, chosen) if done.rowcount else None


def finished(
    conn: Connection,
    recording: str,
    worker: str,
    *,
    path: str,
    peaks_path: str,
    codec: str,
    seconds: float,
    channels: int,
    sha256: str,
    size: int,
    gaps: Sequence[Mapping[str, Any]] = (),
    now: float | None = None,
) -> bool:
    """The file is written and verified. False when the claim was lost to another worker meanwhile."""
    done = conn.execute(
        _claimed(recording, worker).values(
            state="ready",
            path=path,
            peaks_path=peaks_path,
            codec=codec,
            seconds=seconds,
            channels=channels,
            sha256=sha256,
            bytes=size,
            gaps=[dict(gap) for gap in gaps],
            ready_at=time.time() if now is None else now,
        )
    )
    return done.rowcount > 0


def attempt_failed(
    conn: Connection, recording: str, worker: str, error: str, now: float | None = None, *, final: bool = False
) -> bool:
    """Finishing failed: tried again later, given up after ``MOST_ATTEMPTS`` or at once when trying again cannot help
    (``final``). False when the claim was lost."""
    at = time.time() if now is None else now
    found = get_recording(conn, recording)
    if found is None:
        return False
    values: dict[str, Any] = {"state": "captured", "error": error, "worker": ""}
    values["retry_at"] = at + RETRY_SECONDS * 2 ** max(0, found.attempts - 1)
    if final or found.attempts >= MOST_ATTEMPTS:
        values["state"] = "failed"
    return conn.execute(_claimed(recording, worker).values(**values)).rowcount > 0


def raw_removed(conn: Connection, recording: str) -> None:
    """The raw capture was deleted after the finished file was verified."""
    conn.execute(update(recordings).where(recordings.c.id == recording).values(raw_bytes=0))


def _claimed(recording: str, worker: str) -> Any:
    return update(recordings).where(
        recordings.c.id == recording, recordings.c.state == "finishing", recordings.c.worker == worker
    )


def _query() -> Any:
    return select(*(recordings.c[name] for name in _FIELDS))


def _add(conn: Connection, call: str, raw_path: str, at: float, state: str = "capturing") -> None:
    insert = sqlite_insert(recordings) if is_sqlite(conn) else postgresql_insert(recordings)
    values: dict[str, Any] = dict.fromkeys(("path", "peaks_path", "codec", "sha256", "error", "worker"), "")
    values |= {"id": new_id(at if at > 0 else None), "call": call, "raw_path": raw_path, "state": state}
    values |= {"gaps": [], "lost_seconds": 0.0, "attempts": 0, "retry_at": 0.0, "started_at": at}
    conn.execute(insert.values(**values).on_conflict_do_nothing(index_elements=["call", "raw_path"]))


def _path(event: Mapping[str, Any]) -> str:
    path = event.get("path")
    return path if isinstance(path, str) else ""


def _number(event: Mapping[str, Any], key: str) -> float:
    value = event.get(key)
    return float(value) if isinstance(value, int | float) and abs(value) < 1e15 else 0.0


def _whole(event: Mapping[str, Any], key: str) -> int:
    value = event.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0
