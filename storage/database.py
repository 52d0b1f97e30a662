"""Opening the database: SQLite in WAL mode, or PostgreSQL through psycopg 3.

``transaction`` is for writing. On SQLite it takes the write lock at once (``BEGIN IMMEDIATE``): a transaction that
reads first and writes later would fail with "database is locked" whenever another one wrote in between.
``reading`` sees one consistent state and never waits for a writer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

BUSY_TIMEOUT_MS = 15_000
#: what one connection keeps of an SQLite file (kibibytes). A process has up to 16 connections, each with a copy of its
#: own, and none gives them back; the kernel's cache has the pages once, and asking it costs a microsecond
PAGES_KIB = 2048


class DatabaseUrlError(ValueError):
    """The database URL is not one that we can open; the message says what is wrong."""


def open_engine(url: str) -> Engine:
    """Open ``sqlite:///path``, ``sqlite://`` (in memory) or ``postgresql://user@host/name``.

    The folder of an SQLite file is made if missing. Connecting happens at first use.
    Raises ``DatabaseUrlError`` for anything else.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseUrlError(f"not a database URL: {_without_password(url)!r}") from error
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return _open_postgresql(parsed)
    raise DatabaseUrlError(f"unsupported database {parsed.drivername!r}: use sqlite:///PATH or postgresql://…")


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One writing transaction: committed at the end of the block, rolled back when it raises."""
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent look at the database. Nothing written in it is kept."""
    with engine.connect() as connection:
        yield connection


def is_sqlite(conn: Connection) -> bool:
    return conn.dialect.name == "sqlite"


def to_json(value: Any) -> str:
    """JSON that both databases take: no escapes for Chinese, no NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _open_sqlite(url: URL) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    if in_memory:
        engine = create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}, json_serializer=to_json
        )
    else:
        assert url.database is not None
        Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            url,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
            pool_size=8,
            max_overflow=8,
            # those in use stay few, and know the pages that are asked for
            pool_use_lifo=True,
            json_serializer=to_json,
        )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # We say BEGIN ourselves; the driver's own transaction handling would start them late.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA cache_size = -{PAGES_KIB}")
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


def _open_postgresql(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=8,
        pool_pre_ping=True,
        json_serializer=to_json,
    )

    # here, as SQLite does without the driver
    from storage.postgresql_text import TextDumper

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.adapters.register_dumper(str, TextDumper)

    return engine


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
