"""Logging in with a password: wrong ones are slowed, then the name is locked for a while.

An unknown user name costs the same time and is locked the same way as a known one, so that nobody learns from it
which names exist. An attempt is written down before the password is tried, so that guesses made at the same time
count too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    String,
    Table,
    func,
    insert,
    select,
    text,
    update,
)

from storage import rules
from storage.database import is_sqlite, reading, transaction
from storage.metadata import Instant, metadata
from storage.users import User, find_user, hash_password, password_matches, users

MAX_USERNAME = 64
SLOWEST_SECONDS = 4.0

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("username", String, nullable=False),
    Column("address", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Index(None, "username", "at"),
)


@dataclass(frozen=True, slots=True)
class LoginResult:
    """``outcome`` is ``ok``, ``wrong`` or ``locked``. ``user`` is set for ``ok`` only.

    The caller waits ``delay_seconds`` before it replies. ``locked_until`` (Unix seconds) is 0 unless locked.
    """

    outcome: str
    user: User | None = None
    delay_seconds: float = 0.0
    locked_until: float = 0.0


def authenticate(
    engine: Engine, username: str, password: str, address: str = "", now: float | None = None
) -> LoginResult:
    """Try a password. Opens transactions of its own: none is held while argon2 works (tens of milliseconds)."""
    at = time.time() if now is None else now
    name = username.strip().lower()[:MAX_USERNAME].encode("utf-8", "replace").decode().replace("\x00", "")
    with transaction(engine) as conn:
        if not is_sqlite(conn):
            conn.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"login:{name}"})
        failures, last_failure = _failures(conn, name, at)
        if failures >= rules.value(conn, "login_failures"):
            locked_until = last_failure + rules.value(conn, "login_lock")
            if at < locked_until:
                return LoginResult("locked", locked_until=locked_until)
        values = {"username": name, "address": address, "at": at, "succeeded": False}
        attempt = conn.execute(insert(login_attempts).values(**values)).inserted_primary_key
    with reading(engine) as conn:
        row = conn.execute(select(users.c.password_hash, users.c.active).where(users.c.username == name)).first()
    right = password_matches(row.password_hash if row is not None else _nobodys_hash(), password)
    if row is None or not row.active or not right or attempt is None:
        return LoginResult("wrong", delay_seconds=min(SLOWEST_SECONDS, 0.25 * 2**failures))
    with transaction(engine) as conn:
        conn.execute(update(login_attempts).where(login_attempts.c.id == attempt[0]).values(succeeded=True))
        user = find_user(conn, name)
    return LoginResult("ok", user)


def _failures(conn: Connection, name: str, at: float) -> tuple[int, float]:
    """Wrong passwords in a row within the window, and when the last of them was."""
    mine = login_attempts.c.username == name
    last_success = (
        select(func.coalesce(func.max(login_attempts.c.at), 0.0))
        .where(mine, login_attempts.c.succeeded)
        .scalar_subquery()
    )
    since = at - rules.value(conn, "login_failure_window")
    row = conn.execute(
        select(func.count(), func.coalesce(func.max(login_attempts.c.at), 0.0)).where(
            mine, ~login_attempts.c.succeeded, login_attempts.c.at > since, login_attempts.c.at > last_success
        )
    ).one()
    return int(row[0]), float(row[1])


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return hash_password("nobody has this password")
