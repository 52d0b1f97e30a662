"""Random audits: draws that anybody can recompute, the items that reviewers work through, and who listened (D93).

A draw keeps its seed, the version of the method and the ordered list of candidates with its SHA-256. The method
itself is in the recordings room.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    update,
)

from storage.call_tables import calls
from storage.identifiers import new_id
from storage.metadata import Instant, Json, Key, LongText, metadata
from storage.recordings import recordings

ITEM_STATES = ("waiting", "heard", "scored")
MAX_COMMENT = 4000
LOWEST_SCORE, HIGHEST_SCORE = 0.0, 100.0

audit_draws = Table(
    "audit_draws",
    metadata,
    Column("id", Key, primary_key=True),
    Column("seed", String, nullable=False),
    Column("n", Integer, nullable=False),
    Column("method_version", String, nullable=False),
    Column("criteria", Json, nullable=False),
    Column("candidates", Json, nullable=False),
    Column("candidate_sha256", String, nullable=False),
    Column("drawn", Json, nullable=False),
    Column("by", String, nullable=False),
    Column("at", Instant, nullable=False),
)

audit_items = Table(
    "audit_items",
    metadata,
    Column("id", Key, primary_key=True),
    Column("draw", Key, ForeignKey("audit_draws.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("call", Key, nullable=False, index=True),
    Column("reviewer", String, nullable=False),
    Column("state", String, nullable=False),
    Column("score", Double),
    Column("scores", Json, nullable=False),
    Column("comment", LongText, nullable=False),
    Column("heard_at", Instant),
    Column("scored_at", Instant),
    UniqueConstraint("draw", "call"),
    Index(None, "reviewer", "state"),
)

listenings = Table(
    "listenings",
    metadata,
    Column("id", Key, primary_key=True),
    Column("call", Key, nullable=False, index=True),
    Column("item", Key, nullable=False),
    Column("user", String, nullable=False),
    Column("from_seconds", Double, nullable=False),
    Column("to_seconds", Double, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "item"),
)


class AuditError(ValueError):
    """``code``: ``bad_draw``, ``not_found``, ``not_yours``, ``bad_score``, ``bad_comment`` or ``bad_listening``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Draw:
    """``candidates`` and ``drawn`` are call ids; ``at`` is Unix seconds."""

    id: str
    seed: str
    n: int
    method_version: str
    criteria: dict[str, Any]
    candidates: list[str]
    candidate_sha256: str
    drawn: list[str]
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Item:
    """One drawn call on a reviewer's list. ``scores`` holds points by scorecard line, ``score`` the total 0-100."""

    id: str
    draw: str
    position: int
    call: str
    reviewer: str
    state: str
    score: float | None
    scores: dict[str, float]
    comment: str
    heard_at: float | None
    scored_at: float | None


@dataclass(frozen=True, slots=True)
class Listening:
    """``from_seconds`` to ``to_seconds`` of the recording were played; ``at`` is Unix seconds."""

    id: str
    call: str
    item: str
    user: str
    from_seconds: float
    to_seconds: float
    at: float


def candidates(
    conn: Connection,
    *,
    since: float | None = None,
    until: float | None = None,
    agents: Sequence[str] = (),
    direction: str = "",
    again: bool = False,
) -> list[str]:
    """Ids of finished, answered calls whose recording is ready, in id order. Calls drawn before only with ``again``."""
    recorded = select(recordings.c.call).where(recordings.c.state == "ready")
    query = select(calls.c.id).where(
        calls.c.state == "ended", calls.c.answered_at.is_not(None), calls.c.id.in_(recorded)
    )
    if since is not None:
        query = query.where(calls.c.started_at >= since)
    if until is not None:
        query = query.where(calls.c.started_at < until)
    if agents:
        query = query.where(calls.c.agent.in_(list(agents)))
    if direction:
        query = query.where(calls.c.direction == direction)
    if not again:
        query = query.where(calls.c.id.not_in(select(audit_items.c.call)))
    return list(conn.execute(query.order_by(calls.c.id)).scalars())


def candidate_sha256(candidate_ids: Iterable[str]) -> str:
    """SHA-256 over the ids in their order, one a line."""
    return hashlib.sha256("".join(f"{call}\n" for call in candidate_ids).encode()).hexdigest()


def save_draw(
    conn: Connection,
    *,
    seed: str,
    n: int,
    method_version: str,
    criteria: Mapping[str, Any],
    candidates: Sequence[str],
    drawn: Sequence[str],
    by: str,
    reviewers: Sequence[str],
    at: float | None = None,
) -> Draw:
    """Keep a draw and put its calls on the reviewers' lists, in turn. Raises ``AuditError`` (``bad_draw``)."""
    if len(set(drawn)) != len(drawn) or not set(drawn) <= set(candidates):
        raise AuditError("bad_draw", "the drawn calls must be different ones out of the candidates")
    if len(set(candidates)) != len(candidates):
        raise AuditError("bad_draw", "a candidate stands in the list twice")
    if drawn and not reviewers:
        raise AuditError("bad_draw", "there is no reviewer to give the calls to")
    now = time.time() if at is None else at
    draw = Draw(
        new_id(now),
        seed,
        n,
        method_version,
        dict(criteria),
        list(candidates),
        candidate_sha256(candidates),
        list(drawn),
        by,
        now,
    )
    conn.execute(insert(audit_draws).values(**{field.name: getattr(draw, field.name) for field in fields(Draw)}))
    items = [
        {
            "id": new_id(now),
            "draw": draw.id,
            "position": position,
            "call": call,
            "reviewer": reviewers[position % len(reviewers)],
            "state": "waiting",
            "scores": {},
            "comment": "",
        }
        for position, call in enumerate(drawn)
    ]
    if items:
        conn.execute(insert(audit_items), items)
    return draw


def get_draw(conn: Connection, draw: str) -> Draw | None:
    row = conn.execute(select(audit_draws).where(audit_draws.c.id == draw)).first()
    return None if row is None else Draw(*row)


def list_draws(conn: Connection, limit: int = 50) -> list[Draw]:
    """The newest first."""
    return [Draw(*row) for row in conn.execute(select(audit_draws).order_by(audit_draws.c.id.desc()).limit(limit))]


def get_item(conn: Connection, item: str) -> Item | None:
    row = conn.execute(select(audit_items).where(audit_items.c.id == item)).first()
    return None if row is None else Item(*row)


def list_items(
    conn: Connection, *, reviewer: str = "", state: str = "", draw: str = "", call: str = "", limit: int = 200
) -> list[Item]:
    """Items that fit, the newest draw first, each draw in its order."""
    query = select(audit_items).order_by(audit_items.c.draw.desc(), audit_items.c.position).limit(limit)
    for column, wanted in (("reviewer", reviewer), ("state", state), ("draw", draw), ("call", call)):
        if wanted:
            query = query.where(audit_items.c[column] == wanted)
    return [Item(*row) for row in conn.execute(query)]


def score_item(
    conn: Connection,
    item: str,
    reviewer: str,
    score: float,
    comment: str = "",
    scores: Mapping[str, float] | None = None,
    at: float | None = None,
) -> Item:
    """Save the reviewer's score, 0 to 100; a second time corrects the first. Raises ``AuditError``."""
    found = get_item(conn, item)
    if found is None:
        raise AuditError("not_found", "there is no such item")
    if found.reviewer != reviewer:
        raise AuditError("not_yours", "this item is on another reviewer's list")
    if not all(LOWEST_SCORE <= points <= HIGHEST_SCORE for points in (score, *(scores or {}).values())):
        raise AuditError("bad_score", f"a score is {LOWEST_SCORE:g} to {HIGHEST_SCORE:g}")
    if len(comment) > MAX_COMMENT:
        raise AuditError("bad_comment", f"a comment has at most {MAX_COMMENT} characters")
    conn.execute(
        update(audit_items)
        .where(audit_items.c.id == item)
        .values(
            state="scored",
            score=float(score),
            scores=dict(scores or {}),
            comment=comment.replace("\x00", "").encode("utf-8", "replace").decode(),
            scored_at=time.time() if at is None else at,
        )
    )
    scored = get_item(conn, item)
    assert scored is not None
    return scored


def note_listening(
    conn: Connection,
    call: str,
    user: str,
    from_seconds: float,
    to_seconds: float,
    item: str = "",
    at: float | None = None,
) -> Listening:
    """Keep that a stretch of a call's recording was played. Turns the listener's own waiting item to ``heard``.

    Raises ``AuditError`` (``bad_listening``, ``not_found``: no such item of this call).
    """
    if not 0 <= from_seconds <= to_seconds < 86400 * 7:
        raise AuditError("bad_listening", "what was heard begins before it ends, within the recording")
    now = time.time() if at is None else at
    if item:
        found = get_item(conn, item)
        if found is None or found.call != call:
            raise AuditError("not_found", "there is no such item of this call")
        if found.reviewer == user:
            conn.execute(
                update(audit_items)
                .where(audit_items.c.id == item, audit_items.c.heard_at.is_(None))
                .values(heard_at=now, state="heard" if found.state == "waiting" else found.state)
            )
    listening = Listening(new_id(now), call, item, user, float(from_seconds), float(to_seconds), now)
    values = {field.name: getattr(listening, field.name) for field in fields(Listening)}
    conn.execute(insert(listenings).values(**values))
    return listening


def listenings_of(conn: Connection, call: str) -> list[Listening]:
    """Who heard what of a call, the earliest first."""
    query = select(listenings).where(listenings.c.call == call).order_by(listenings.c.at, listenings.c.id)
    return [Listening(*row) for row in conn.execute(query)]
