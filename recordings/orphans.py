"""Captures that lie about. Those that nobody closed (the phone process was killed, or its report never came) are handed
to the worker; those that are finished, or of which it is shown that the call never had audio, are removed.

A capture counts as left behind when nothing was appended for ``STALE_SECONDS`` and the call log says that its call is
over; when the call log knows nothing of the call, or still thinks it alive, after longer times.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from recordings.capture import RAW_FOLDER
from recordings.finish import NothingRecorded, discard_empty, discard_raw
from storage import recordings as recording_table
from storage.call_log import get_call
from storage.database import reading, transaction
from storage.recordings import Recording

_log = logging.getLogger(__name__)

#: longer than a recorder waits for a full disk after a call (120 s)
STALE_SECONDS = 180.0
#: the events of a call may reach the database late
UNKNOWN_CALL_SECONDS = 900.0
#: a call that is said to be alive, but has had no packet for so long, is not
DEAD_CALL_SECONDS = 6 * 3600.0


def sweep(engine: Engine, data: Path, now: float | None = None) -> int:
    """Look at every raw file and every recording that never closed; gives how many were handed on."""
    at = time.time() if now is None else now
    found = 0
    known: set[str] = set()
    for path, idle in _captures(data, at):
        known.add(path)
        if idle < STALE_SECONDS:
            continue
        call = Path(path).stem
        with reading(engine) as conn:
            row = _row(conn, call, path)
            left_behind = row is None or row.state == "capturing"
            left_behind = left_behind and idle >= _patience(conn, call)
        if left_behind:
            _hand_on(engine, call, path, (data / path).stat().st_size, at - idle)
            found += 1
        elif row is not None and _removed(data, row):
            with transaction(engine) as conn:
                recording_table.raw_removed(conn, row.id)
    for row in _without_file(engine, known, at):
        _hand_on(engine, row.call, row.raw_path, 0, at)
        found += 1
    return found


def _captures(data: Path, now: float) -> Iterator[tuple[str, float]]:
    """Every raw file, relative to the data folder, and for how long (seconds) nothing was appended to it."""
    for path in sorted((data / RAW_FOLDER).rglob("*.cap")):
        try:
            idle = now - path.stat().st_mtime
        except FileNotFoundError:
            # another worker finished and removed it meanwhile
            continue
        yield path.relative_to(data).as_posix(), idle


def _removed(data: Path, row: Recording) -> bool:
    """Only where it is shown to be of no more use."""
    if row.state == "ready":
        return discard_raw(data, row.raw_path)
    if row.state != "failed" or not row.error.startswith(NothingRecorded.code) or not discard_empty(data, row.raw_path):
        return False
    _log.info("capture %s of call %s is removed: the call never had audio", row.raw_path, row.call)
    return True


def _row(conn: Connection, call: str, path: str) -> Recording | None:
    return next((row for row in recording_table.of_call(conn, call) if row.raw_path == path), None)


def _patience(conn: Connection, call: str) -> float:
    known = get_call(conn, call)
    if known is None:
        return UNKNOWN_CALL_SECONDS
    return STALE_SECONDS if known.state == "ended" else DEAD_CALL_SECONDS


def _without_file(engine: Engine, paths: set[str], now: float) -> list[Recording]:
    """Recordings that were begun, never closed, and left no file at all."""
    table = recording_table.recordings
    query = select(table.c.id).where(table.c.state == "capturing", table.c.started_at < now - UNKNOWN_CALL_SECONDS)
    with reading(engine) as conn:
        rows = [recording_table.get_recording(conn, found) for found in conn.execute(query).scalars().all()]
        return [
            row
            for row in rows
            if row is not None
            and row.raw_path not in paths
            and now - row.started_at >= max(UNKNOWN_CALL_SECONDS, _patience(conn, row.call))
        ]


def _hand_on(engine: Engine, call: str, path: str, size: int, at: float) -> None:
    _log.warning("recording of call %s was never closed; it is finished from what is there (%d bytes)", call, size)
    event = {"type": "recording.closed", "call": call, "path": path, "at": at, "bytes": size}
    with transaction(engine) as conn:
        recording_table.apply(conn, [event])
