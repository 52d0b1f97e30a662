"""Trying passwords: a few at a time, so that guessing in bulk cannot take the machine away from the others."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from console.http import ApiError, Message
from storage.login import LoginResult, authenticate

#: argon2 runs at once
THREADS = 2
#: logins that may wait for their turn
WAITING = 100


class LoginGate:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="login")
        self._waiting = 0

    async def try_password(self, username: str, password: str, address: str) -> LoginResult:
        """Raises ApiError 429 ``too_many_logins`` when too many are waiting already."""
        if self._waiting >= WAITING:
            raise ApiError(
                429,
                "too_many_logins",
                Message("登录请求过多，请稍后再试", "Too many logins at once; try again in a moment"),
                headers={"retry-after": "2"},
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._executor, authenticate, self._engine, username, password, address
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
