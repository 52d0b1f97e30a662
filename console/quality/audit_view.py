"""Draws and audit items as the API tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from console.calls.call_view import CallView, view_calls
from console.calls.instant import iso
from console.config import ConsoleConfig
from console.identity.user import User
from storage.audits import Draw, Item, Listening, get_draw, listenings_of
from storage.call_log import get_call


class AuditItem(msgspec.Struct, kw_only=True):
    """One drawn call on a reviewer's list. ``state``: waiting, heard, scored. ``heard_seconds``: how much of the
    recording its reviewer has played, each second counted once."""

    id: str
    draw_id: str
    call_id: str
    position: int
    state: str
    reviewer: str
    score: float | None
    comment: str | None
    drawn_at: str | None
    heard_at: str | None
    scored_at: str | None
    heard_seconds: float
    call: CallView | None


class DrawView(msgspec.Struct, kw_only=True):
    """``candidates``: how many; ``candidate_sha256`` over their ids in order, one a line."""

    id: str
    at: str
    by: str
    seed: str
    n: int
    method_version: str
    criteria: dict[str, Any]
    candidates: int
    candidate_sha256: str
    drawn: list[str]
    items: list[AuditItem]


class Verification(msgspec.Struct, kw_only=True):
    """All that is needed to draw again by hand. ``problems`` (empty when ``verified``): unknown_method,
    candidates_changed, drawn_differs."""

    verified: bool
    problems: list[str]
    seed: str
    n: int
    method_version: str
    candidates: list[str]
    candidate_sha256: str
    recomputed_sha256: str
    drawn: list[str]
    recomputed: list[str]


def view_items(conn: Connection, items: Sequence[Item], user: User, config: ConsoleConfig) -> list[AuditItem]:
    """The items with their calls as ``user`` may see them."""
    calls = [call for call in (get_call(conn, one) for one in {item.call for item in items}) if call is not None]
    views = {view.id: view for view in view_calls(conn, calls, user, config)}
    draws = {draw: get_draw(conn, draw) for draw in {item.draw for item in items}}
    found = []
    for item in items:
        draw = draws[item.draw]
        heard = [one for one in listenings_of(conn, item.call) if one.item == item.id and one.user == item.reviewer]
        found.append(
            AuditItem(
                id=item.id,
                draw_id=item.draw,
                call_id=item.call,
                position=item.position,
                state=item.state,
                reviewer=item.reviewer,
                score=item.score,
                comment=item.comment or None,
                drawn_at=iso(draw.at) if draw else None,
                heard_at=iso(item.heard_at),
                scored_at=iso(item.scored_at),
                heard_seconds=heard_seconds(heard),
                call=views.get(item.call),
            )
        )
    return found


def view_draw(draw: Draw, items: list[AuditItem]) -> DrawView:
    return DrawView(
        id=draw.id,
        at=iso(draw.at) or "",
        by=draw.by,
        seed=draw.seed,
        n=draw.n,
        method_version=draw.method_version,
        criteria=draw.criteria,
        candidates=len(draw.candidates),
        candidate_sha256=draw.candidate_sha256,
        drawn=draw.drawn,
        items=items,
    )


def heard_seconds(listenings: Sequence[Listening]) -> float:
    """How long the union of what was played is."""
    total, end = 0.0, 0.0
    for one in sorted(listenings, key=lambda listening: listening.from_seconds):
        total += max(0.0, one.to_seconds - max(end, one.from_seconds))
        end = max(end, one.to_seconds)
    return round(total, 3)
