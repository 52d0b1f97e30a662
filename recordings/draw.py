"""Verifiable random draws for audits (D93): anybody with the seed and the list of candidates gets the same calls.

Method ``hmac-sha256-1``: each candidate's rank is HMAC-SHA256 with the seed's UTF-8 bytes as key and the candidate id's
UTF-8 bytes as message; the n candidates of the lowest rank are drawn, in that order. Nobody can tell before the seed is
made which calls that will be, every set of n is equally likely, and neither the order of the list nor a repeated id
changes anything.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from typing import Protocol

METHOD_VERSION = "hmac-sha256-1"


class DrawRow(Protocol):
    """A stored draw, as ``storage.audits.Draw`` keeps it."""

    @property
    def seed(self) -> str: ...

    @property
    def n(self) -> int: ...

    @property
    def method_version(self) -> str: ...

    @property
    def candidates(self) -> list[str]: ...

    @property
    def candidate_sha256(self) -> str: ...

    @property
    def drawn(self) -> list[str]: ...


def new_seed() -> str:
    """256 bits from the operating system, as 64 hexadecimal digits."""
    return secrets.token_hex(32)


def draw(candidates: Sequence[str], n: int, seed: str) -> list[str]:
    """``n`` of the candidates (all of them when there are fewer), in the order drawn.

    Raises:
        ValueError: ``n`` is negative or the seed is empty.
    """
    if n < 0:
        raise ValueError(f"{n} calls cannot be drawn")
    if not seed:
        raise ValueError("a draw needs a seed")
    key = seed.encode()
    ranked = sorted(set(candidates), key=lambda one: (hmac.digest(key, one.encode(), "sha256"), one))
    return ranked[:n]


def candidate_digest(candidates: Iterable[str]) -> str:
    """SHA-256 over the candidate ids in order of their code points, one a line: two equal lists show at a glance."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(set(candidates))).encode()).hexdigest()


def problems(row: DrawRow) -> list[str]:
    """What is wrong with a stored draw: ``unknown_method``, ``candidates_changed``, ``drawn_differs``; or nothing."""
    found = []
    if candidate_digest(row.candidates) != row.candidate_sha256:
        found.append("candidates_changed")
    if row.method_version != METHOD_VERSION:
        found.append("unknown_method")
    elif row.n < 0 or not row.seed or draw(row.candidates, row.n, row.seed) != list(row.drawn):
        found.append("drawn_differs")
    return found


def verify(row: DrawRow) -> bool:
    """Does the stored draw come out the same when it is done again?"""
    return not problems(row)
