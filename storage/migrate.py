"""Bring a database to the newest schema with the migrations that are shipped in this package."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from storage.database import is_sqlite, reading, transaction

#: any number of our own; two processes that start together must not migrate at once
_LOCK = 7_333_001


class UnknownSchema(Exception):
    """The database is at a revision that this package does not have."""


def upgrade(engine: Engine, revision: str = "head") -> str:
    """Apply what is missing, all in one transaction; gives the revision that is reached.

    Safe to call from several processes at once: SQLite takes the write lock, PostgreSQL an advisory lock.
    Raises ``UnknownSchema`` for a database of a newer version.
    """
    with transaction(engine) as conn:
        if not is_sqlite(conn):
            conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        configuration = _configuration()
        found = _revision(conn)
        if found is not None and found not in _known(configuration):
            raise UnknownSchema(f"it has the schema {found}, which only a newer version knows")
        configuration.attributes["connection"] = conn
        command.upgrade(configuration, revision)
        return _revision(conn) or ""


def revision(engine: Engine) -> str | None:
    """The revision that the database is at; None when it was never migrated."""
    with reading(engine) as conn:
        return _revision(conn)


def newest_revision() -> str:
    """The revision that this package wants."""
    return ScriptDirectory.from_config(_configuration()).get_current_head() or ""


def is_current(engine: Engine) -> bool:
    return revision(engine) == newest_revision()


def _revision(conn: Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def _known(configuration: Config) -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(configuration).walk_revisions()}


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return configuration
