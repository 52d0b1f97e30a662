"""Passwords at the least cost that argon2id knows: tests sign in a thousand times, and each time costs as much as a
second of a call.

A password is verified at the cost that its hash was made with, so that products which tests start have it cheap too,
when the test's own process made their users. A conftest imports ``cheap_passwords``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from storage import login, users

_COSTLY = users._hasher
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_hasher", _CHEAP)
        yield


@pytest.fixture
def costly_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As they are outside tests, for what judges their cost."""
    monkeypatch.setattr(users, "_hasher", _COSTLY)
    login._nobodys_hash.cache_clear()
    yield
    login._nobodys_hash.cache_clear()
