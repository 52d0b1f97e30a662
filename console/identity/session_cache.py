"""Who a request or socket comes from. Looks at the database at most every few seconds for one session."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection
from starlette.requests import HTTPConnection

from console.identity.user import User
from storage import sessions
from storage import users as stored

T = TypeVar("T")
Run = Callable[[Callable[[Connection], T]], Awaitable[T]]

COOKIE = "sansheng_session"
#: seconds until a session is looked up again: so long may one that was ended elsewhere go on
FRESH_SECONDS = 2.0
_MOST = 10_000


def user_view(user: stored.User) -> User:
    return User(username=user.username, display_name=user.display_name, role=user.role, locale=user.locale)


class SessionCache:
    """``read`` runs a function with a reading connection in a worker thread."""

    def __init__(self, read: Callable[[Callable[[Connection], Any]], Awaitable[Any]]) -> None:
        self._read = read
        self._known: dict[str, tuple[float, User]] = {}

    async def user_of(self, connection: HTTPConnection) -> User | None:
        """The user whose session cookie this is; None when there is none or it has ended."""
        token = connection.cookies.get(COOKIE, "")
        return await self.user_of_token(token) if token else None

    async def user_of_token(self, token: str) -> User | None:
        now = time.monotonic()
        known = self._known.get(token)
        if known and now - known[0] < FRESH_SECONDS:
            return known[1]
        session = await self._read(lambda conn: sessions.find_session(conn, token))
        return self._keep(token, session, now)

    async def look_again(self, tokens: Sequence[str]) -> dict[str, User | None]:
        """Who each of these is by the database now, with one look at it."""
        now = time.monotonic()
        found = await self._read(lambda conn: [sessions.find_session(conn, token) for token in tokens])
        return {token: self._keep(token, session, now) for token, session in zip(tokens, found, strict=True)}

    def _keep(self, token: str, session: sessions.Session | None, now: float) -> User | None:
        if session is None:
            self._known.pop(token, None)
            return None
        user = user_view(session.user)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[token] = (now, user)
        return user

    def forget(self, token: str) -> None:
        self._known.pop(token, None)

    def forget_user(self, username: str) -> None:
        """The user was changed: every session of theirs is looked up anew."""
        for token in [token for token, (_, user) in self._known.items() if user.username == username]:
            del self._known[token]
