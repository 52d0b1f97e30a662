"""Who may log in: users, their roles and passwords. Passwords are kept as argon2id (RFC 9106) only."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Boolean, Column, Connection, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage.metadata import Instant, Json, metadata
from storage.phone_numbers import EXTENSION, FOREIGN, LANDLINE, MOBILE, normalise

ROLES = ("agent", "reviewer", "supervisor", "admin")
LOCALES = ("zh-CN", "en")
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MIN_PASSWORD = 8
MAX_PASSWORD = 1024
MAX_MOBILE = 40
#: a queue's or a skill's name
NAME = re.compile(r"\S(?:.{0,62}\S)?")
LEVELS = range(1, 10)

users = Table(
    "users",
    metadata,
    Column("username", String, primary_key=True),
    Column("display_name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("locale", String, nullable=False, server_default="zh-CN"),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("skills", Json, nullable=False, server_default="{}"),
    Column("queues", Json, nullable=False, server_default="[]"),
    Column("mobile", String, nullable=False, server_default=""),
)

_hasher = PasswordHasher()


class UserError(ValueError):
    """A user cannot be made or changed like this; ``code`` is one short word for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class User:
    """``skills``: levels 1 to 9 by name, for queues that ask for one; ``queues``: those that the agent signs in to,
    empty for all; ``mobile``: where calls ring during a home shift (D103), never shown whole."""

    username: str
    display_name: str
    role: str
    locale: str
    active: bool
    skills: Mapping[str, int] = field(default_factory=dict)
    queues: Sequence[str] = ()
    mobile: str = ""


def create_user(
    conn: Connection, username: str, password: str, role: str, display_name: str = "", locale: str = "zh-CN"
) -> User:
    """Raises ``UserError`` (``bad_username``, ``bad_role``, ``bad_locale``, ``bad_password``, ``exists``)."""
    if not USERNAME.fullmatch(username):
        raise UserError("bad_username", "a user name is 1-64 of a-z 0-9 . _ - and starts with a letter or digit")
    _check(role=role, locale=locale)
    if conn.execute(select(users.c.username).where(users.c.username == username)).first() is not None:
        raise UserError("exists", f"user {username!r} exists already")
    now = time.time()
    user = User(username, display_name or username, role, locale, True)
    try:
        conn.execute(
            insert(users).values(
                username=username,
                display_name=user.display_name,
                role=role,
                password_hash=str(hash_password(password)),
                locale=locale,
                active=True,
                created_at=now,
                updated_at=now,
            )
        )
    except IntegrityError as error:
        raise UserError("exists", f"user {username!r} exists already") from error
    return user


def update_user(
    conn: Connection,
    username: str,
    *,
    display_name: str | None = None,
    role: str | None = None,
    locale: str | None = None,
    active: bool | None = None,
    password: str | None = None,
    skills: Mapping[str, int] | None = None,
    queues: Sequence[str] | None = None,
    mobile: str | None = None,
) -> User:
    """Change what is given. Raises ``UserError`` (``not_found``, ``bad_role``, ``bad_locale``, ``bad_password``,
    ``bad_skills``, ``bad_queues``, ``bad_mobile``)."""
    _check(role=role, locale=locale)
    _check_work(skills, queues, mobile)
    changes: dict[str, Any] = {"display_name": display_name, "role": role, "locale": locale, "active": active}
    changes |= {
        "skills": None if skills is None else dict(skills),
        "queues": None if queues is None else list(dict.fromkeys(queues)),
        "mobile": mobile,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    if password is not None:
        changes["password_hash"] = str(hash_password(password))
    done = conn.execute(update(users).where(users.c.username == username).values(updated_at=time.time(), **changes))
    user = find_user(conn, username)
    if done.rowcount == 0 or user is None:
        raise UserError("not_found", f"there is no user {username!r}")
    return user


def find_user(conn: Connection, username: str) -> User | None:
    row = conn.execute(select(*_shown()).where(users.c.username == username)).first()
    return None if row is None else User(*row)


def list_users(conn: Connection, role: str | None = None) -> list[User]:
    """All users in the order of their names, or those with one role."""
    query = select(*_shown()).order_by(users.c.username)
    if role is not None:
        query = query.where(users.c.role == role)
    return [User(*row) for row in conn.execute(query)]


class HashedPassword(str):
    """What ``hash_password`` gave; wherever a password is set it is taken as it is, for several users with one."""

    __slots__ = ()


def hash_password(password: str) -> HashedPassword:
    """Argon2id. Raises ``UserError`` (``bad_password``) when it is too short or too long."""
    if isinstance(password, HashedPassword):
        return password
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UserError("bad_password", f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return HashedPassword(_hasher.hash(password.encode("utf-8", "surrogatepass")))


def password_matches(password_hash: str, password: str) -> bool:
    """Verify; takes some tens of milliseconds on purpose, so never call it inside a writing transaction."""
    try:
        return _hasher.verify(password_hash, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


def _shown() -> tuple[Column[Any], ...]:
    return tuple(users.c[name] for name in User.__slots__)


def _check_work(skills: Mapping[str, int] | None, queues: Sequence[str] | None, mobile: str | None) -> None:
    if skills is not None and (
        len(skills) > 50 or not all(NAME.fullmatch(name) and level in LEVELS for name, level in skills.items())
    ):
        raise UserError("bad_skills", "a skill has a short name and a level from 1 to 9")
    if queues is not None and (len(queues) > 50 or not all(NAME.fullmatch(name) for name in queues)):
        raise UserError("bad_queues", "a queue has a name of 1 to 64 characters")
    if mobile:
        number = normalise(mobile)
        if len(mobile) > MAX_MOBILE or number.kind not in (MOBILE, LANDLINE, FOREIGN, EXTENSION):
            raise UserError("bad_mobile", "this is not a telephone number")


def _check(role: str | None, locale: str | None) -> None:
    if role is not None and role not in ROLES:
        raise UserError("bad_role", f"role must be one of {', '.join(ROLES)}")
    if locale is not None and locale not in LOCALES:
        raise UserError("bad_locale", f"locale must be one of {', '.join(LOCALES)}")
