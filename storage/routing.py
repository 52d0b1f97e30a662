"""Routing documents (docs/routing.md): each save is a new version, kept with who, when and why. Rows are only added.

What a document may say is not known here: ``telephony.routing.settings`` checks it before it is saved.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from storage.metadata import Instant, Json, LongText, metadata

routing_versions = Table(
    "routing_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Json, nullable=False),
    Column("note", LongText, nullable=False),
    Column("saved_by", String, nullable=False),
    Column("saved_at", Instant, nullable=False),
    Column("restored_from", Integer),
)

Document = dict[str, Any]


class RoutingConflict(Exception):
    """Somebody else saved meanwhile; ``newest`` is the version there is now."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"version {newest} was saved meanwhile")
        self.newest = newest


@dataclass(frozen=True, slots=True)
class Saved:
    """One version without its document. ``saved_at``: Unix seconds; ``restored_from``: the version it repeats."""

    version: int
    note: str
    saved_by: str
    saved_at: float
    restored_from: int | None


def newest_version(conn: Connection) -> int:
    """0 when none was ever saved: the document that ships is in force."""
    return int(conn.execute(select(func.max(routing_versions.c.version))).scalar() or 0)


def list_versions(conn: Connection, limit: int = 100, before: int | None = None) -> list[Saved]:
    """The newest first."""
    columns = (getattr(routing_versions.c, name) for name in Saved.__slots__)
    query = select(*columns).order_by(routing_versions.c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(routing_versions.c.version < before)
    return [Saved(*row) for row in conn.execute(query)]


def get_version(conn: Connection, version: int) -> tuple[Saved, Document] | None:
    row = conn.execute(select(routing_versions).where(routing_versions.c.version == version)).mappings().first()
    if row is None:
        return None
    return Saved(*(row[name] for name in Saved.__slots__)), dict(row["document"])


def save(
    conn: Connection,
    document: Document,
    base_version: int,
    by: str,
    note: str = "",
    restored_from: int | None = None,
) -> Saved:
    """Add the version after ``base_version``, the one that was edited. The document gets its number written into it.

    Raises ``RoutingConflict`` when ``base_version`` is not the newest any more.
    """
    newest = newest_version(conn)
    if newest != base_version:
        raise RoutingConflict(newest)
    saved = Saved(newest + 1, note, by, time.time(), restored_from)
    values = {name: getattr(saved, name) for name in Saved.__slots__}
    try:
        with conn.begin_nested():
            conn.execute(insert(routing_versions).values(**values, document={**document, "version": saved.version}))
    except IntegrityError as error:
        raise RoutingConflict(newest_version(conn)) from error
    return saved


def files_in_use(conn: Connection) -> set[str]:
    """Files of prompts that any version names: they stay as long as it can be restored."""
    documents = conn.execute(select(routing_versions.c.document)).scalars()
    return {
        prompt["file"]
        for document in documents
        for prompt in document.get("prompts", ())
        if isinstance(prompt, dict) and isinstance(prompt.get("file"), str)
    }
