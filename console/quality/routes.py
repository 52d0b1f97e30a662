"""The quality desk over HTTP: draws, the reviewer's list, listening, scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection

from console.calls.instant import instant
from console.http import ApiCall, Endpoints
from console.quality import service
from console.quality.audit_view import AuditItem, DrawView, Verification, view_draw, view_items
from storage.audits import Draw, list_draws
from storage.audits import list_items as items_of

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("quality")

QUALITY = ("reviewer", "supervisor", "admin")

Short = Annotated[str, msgspec.Meta(max_length=80)]
Second = Annotated[float, msgspec.Meta(ge=0, le=7 * 86400)]


class DrawWish(msgspec.Struct, forbid_unknown_fields=True):
    """``since`` and ``until`` (of the call's start; until excluded): ISO 8601 or Unix seconds. ``reviewer``: whose list
    the calls go on; empty: the reviewer's own, or all reviewers' in turn."""

    n: Annotated[int, msgspec.Meta(ge=1, le=200)]
    since: Short | float | None = None
    until: Short | float | None = None
    agent: Short = ""
    direction: Literal["", "inbound", "outbound"] = ""
    reviewer: Short = ""


class ItemsQuery(msgspec.Struct):
    state: Literal["", "waiting", "heard", "scored"] = ""
    reviewer: Short = ""
    draw: Short = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


class Heard(msgspec.Struct):
    """A stretch that was played, in seconds on the recording's clock."""

    from_second: Second
    to_second: Second


class Score(msgspec.Struct):
    score: Annotated[float, msgspec.Meta(ge=0, le=100)]
    comment: Annotated[str, msgspec.Meta(max_length=4000)] = ""


@routes.post("/api/audits/draws", body=DrawWish, returns=DrawView, roles=QUALITY, status=201)
async def draw_calls(call: ApiCall) -> DrawView:
    """Draw n recorded calls at random out of all that fit and were not drawn before. 409 no_candidates."""
    wish: DrawWish = call.body
    criteria: dict[str, Any] = {
        "since": instant(str(wish.since), "since") if wish.since not in (None, "") else None,
        "until": instant(str(wish.until), "until") if wish.until not in (None, "") else None,
        "agent": wish.agent,
        "direction": wish.direction,
    }
    criteria = {name: value for name, value in criteria.items() if value not in (None, "")}

    def draw(conn: Connection) -> DrawView:
        return _view(conn, call, service.make_draw(conn, call.user, wish.n, criteria, wish.reviewer))

    return await call.run(draw)


@routes.get("/api/audits/draws", returns=list[DrawView], roles=QUALITY)
async def draws(call: ApiCall) -> list[DrawView]:
    """The last fifty draws, the newest first, without their items."""
    desk: WebDesk = call.desk
    return await desk.read(lambda conn: [view_draw(one, []) for one in list_draws(conn)])


@routes.get("/api/audits/draws/{id}", returns=DrawView, roles=QUALITY)
async def one_draw(call: ApiCall) -> DrawView:
    """A draw with its items. 404 no_such_draw."""
    desk: WebDesk = call.desk
    return await desk.read(lambda conn: _view(conn, call, service.open_draw(conn, call.path["id"])))


@routes.get("/api/audits/draws/{id}/verification", returns=Verification, roles=QUALITY)
async def verification(call: ApiCall) -> Verification:
    """The draw done again from its seed and candidates. 404 no_such_draw."""
    desk: WebDesk = call.desk
    return await desk.read(lambda conn: service.verify(service.open_draw(conn, call.path["id"])))


@routes.get("/api/audits", query=ItemsQuery, returns=list[AuditItem], roles=QUALITY)
async def items(call: ApiCall) -> list[AuditItem]:
    """The reviewer's list, what waits first; for supervisors and admins all lists, or that of ``reviewer``."""
    desk: WebDesk = call.desk
    query: ItemsQuery = call.query

    def read(conn: Connection) -> list[AuditItem]:
        found = service.list_items(conn, call.user, query.reviewer, query.state, query.draw, query.limit)
        return view_items(conn, found, call.user, call.config)

    return await desk.read(read)


@routes.get("/api/audits/{id}", returns=AuditItem, roles=QUALITY)
async def one_item(call: ApiCall) -> AuditItem:
    """One item with its call. 404 no_such_item, 403 not_yours."""
    desk: WebDesk = call.desk

    def read(conn: Connection) -> AuditItem:
        return view_items(conn, [service.open_item(conn, call.user, call.path["id"])], call.user, call.config)[0]

    return await desk.read(read)


@routes.post("/api/audits/{id}/listening", body=Heard, returns=AuditItem, roles=QUALITY)
async def listening(call: ApiCall) -> AuditItem:
    """Write down that a stretch of the recording was played. 422 bad_listening."""
    wish: Heard = call.body

    def note(conn: Connection) -> AuditItem:
        found = service.note_listening(conn, call.user, call.path["id"], wish.from_second, wish.to_second)
        return view_items(conn, [found], call.user, call.config)[0]

    return await call.run(note)


@routes.put("/api/audits/{id}/score", body=Score, returns=AuditItem, roles=QUALITY)
async def score(call: ApiCall) -> AuditItem:
    """Save the score, 0 to 100; a second time corrects the first. 403 not_yours."""
    wish: Score = call.body

    def save(conn: Connection) -> AuditItem:
        found = service.score(conn, call.user, call.path["id"], wish.score, wish.comment)
        return view_items(conn, [found], call.user, call.config)[0]

    return await call.run(save)


def _view(conn: Connection, call: ApiCall, draw: Draw) -> DrawView:
    return view_draw(draw, view_items(conn, items_of(conn, draw=draw.id), call.user, call.config))
