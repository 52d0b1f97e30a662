"""Console sessions. The browser holds a random token; we keep its SHA-256, so that a copied table opens nothing."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Column, Connection, ForeignKey, Index, String, Table, bindparam, delete, insert, select, update

from storage.metadata import Instant, metadata
from storage.users import User, users

SESSION_SECONDS = 12 * 3600.0
#: ``last_seen_at`` is written at most this often, so that a session that is only read costs no write
SEEN_EVERY_SECONDS = 60.0

sessions = Table(
    "console_sessions",
    metadata,
    Column("token_sha256", String, primary_key=True),
    Column("username", String, ForeignKey("users.username", ondelete="CASCADE"), nullable=False, index=True),
    Column("address", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index(None, "expires_at"),
)


@dataclass(frozen=True, slots=True)
class Session:
    """``created_at``, ``last_seen_at``, ``expires_at``: Unix seconds."""

    user: User
    address: str
    created_at: float
    last_seen_at: float
    expires_at: float


def open_session(
    conn: Connection, username: str, address: str = "", seconds: float = SESSION_SECONDS, now: float | None = None
) -> str:
    """Open a session and give its token (43 URL-safe characters). Expired sessions are swept on the way."""
    at = time.time() if now is None else now
    conn.execute(delete(sessions).where(sessions.c.expires_at <= at))
    token = secrets.token_urlsafe(32)
    conn.execute(
        insert(sessions).values(
            token_sha256=_sha256(token),
            username=username,
            address=address,
            created_at=at,
            last_seen_at=at,
            expires_at=at + seconds,
        )
    )
    return token


def find_session(conn: Connection, token: str, now: float | None = None) -> Session | None:
    """The session of a token, unless it has expired or its user was made inactive. Only reads."""
    at = time.time() if now is None else now
    row = conn.execute(_FIND, {"token_sha256": _sha256(token), "at": at}).first()
    return None if row is None else Session(User(*row[:5]), *row[5:])


#: built once: making it costs more than running it
_FIND = (
    select(
        users.c.username,
        users.c.display_name,
        users.c.role,
        users.c.locale,
        users.c.active,
        sessions.c.address,
        sessions.c.created_at,
        sessions.c.last_seen_at,
        sessions.c.expires_at,
    )
    .join(users, users.c.username == sessions.c.username)
    .where(
        sessions.c.token_sha256 == bindparam("token_sha256"),
        sessions.c.expires_at > bindparam("at"),
        users.c.active,
    )
)


def session_seen(conn: Connection, token: str, now: float | None = None) -> None:
    """Note that the session is in use; a write at most once a minute."""
    at = time.time() if now is None else now
    conn.execute(
        update(sessions)
        .where(sessions.c.token_sha256 == _sha256(token), sessions.c.last_seen_at < at - SEEN_EVERY_SECONDS)
        .values(last_seen_at=at)
    )


def close_session(conn: Connection, token: str) -> bool:
    """End one session; false when there was none."""
    return conn.execute(delete(sessions).where(sessions.c.token_sha256 == _sha256(token))).rowcount > 0


def close_sessions_of(conn: Connection, username: str) -> int:
    """End all sessions of a user (password changed, user made inactive)."""
    return conn.execute(delete(sessions).where(sessions.c.username == username)).rowcount


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
