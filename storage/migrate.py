"""Bring a database to the newest schema with the migrations that are shipped in this package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from storage.database import is_sqlite, reading, transaction

if TYPE_CHECKING:
    from alembic.config import Config

#: any number of our own; two processes that start together must not migrate at once
_LOCK = 7_333_001
_MIGRATIONS = Path(__file__).parent / "migrations"


class UnknownSchema(Exception):
    """The database is at a revision that this package does not have."""


def upgrade(engine: Engine, wanted: str = "") -> str:
    """Apply what is missing up to ``wanted`` (the newest), all in one transaction; gives the revision that is reached.

    Safe to call from several processes at once: SQLite takes the write lock, PostgreSQL an advisory lock.
    Raises ``UnknownSchema`` for a database of a newer version.
    """
    wanted = wanted or newest_revision()
    found = revision(engine)
    if found == wanted:
        return found
    if found is not None and found not in _known():
        raise UnknownSchema(f"it has the schema {found}, which only a newer version knows")
    # here, as most starts find nothing to do and it takes as long to load as the database's driver
    from alembic import command

    with transaction(engine) as conn:
        if not is_sqlite(conn):
            conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        configuration = _configuration()
        configuration.attributes["connection"] = conn
        command.upgrade(configuration, wanted)
        return _revision(conn) or ""


def revision(engine: Engine) -> str | None:
    """The revision that the database is at; None when it was never migrated."""
    with reading(engine) as conn:
        return _revision(conn)


def newest_revision() -> str:
    """The revision that this package wants."""
    return _known()[-1]


def is_current(engine: Engine) -> bool:
    return revision(engine) == newest_revision()


def _revision(conn: Connection) -> str | None:
    """As alembic keeps it, one row in a table of its own."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _known() -> list[str]:
    """All revisions, oldest first: each is in a file that its number begins the name of, on from the one before."""
    return sorted(name[0] for file in _MIGRATIONS.glob("versions/*.py") if (name := re.match(r"\d{4}(?=_)", file.name)))


def _configuration() -> Config:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return configuration
