"""The access trail: who looked at, listened to or changed what (D27, D124)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from sqlalchemy import Connection

from console.http import ApiCall, Endpoints
from storage import access_trail

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("access-trail")


class TrailQuery(msgspec.Struct):
    user: str = ""
    subject_type: str = ""
    subject_id: str = ""
    before: int | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


class TrailEntry(msgspec.Struct):
    id: int
    at: float
    user: str
    action: str
    subject_type: str
    subject_id: str
    detail: dict[str, Any]
    reason: str
    sha256: str


class Trail(msgspec.Struct):
    """The newest first."""

    entries: list[TrailEntry]


class TrailCheck(msgspec.Struct):
    """``broken_at``: number of the first row that does not fit the chain, null when all is well."""

    rows: int
    head_sha256: str
    broken_at: int | None


@routes.get("/api/access-trail", query=TrailQuery, returns=Trail, roles=("admin",))
async def read_trail(call: ApiCall) -> Trail:
    """Who looked at, listened to or changed what, the newest first. ``before`` pages on."""
    desk: WebDesk = call.desk
    query: TrailQuery = call.query

    def read(conn: Connection) -> list[access_trail.Access]:
        return access_trail.list_accesses(
            conn,
            user=query.user,
            subject_type=query.subject_type,
            subject_id=query.subject_id,
            before=query.before,
            limit=query.limit,
        )

    return Trail(
        entries=[
            TrailEntry(
                id=one.id,
                at=one.at,
                user=one.user,
                action=one.action,
                subject_type=one.subject_type,
                subject_id=one.subject_id,
                detail=msgspec.json.decode(one.detail, type=dict[str, Any]),
                reason=one.reason,
                sha256=one.sha256,
            )
            for one in await desk.read(read)
        ]
    )


@routes.get("/api/access-trail/check", returns=TrailCheck, roles=("admin",))
async def check_trail(call: ApiCall) -> TrailCheck:
    """Follow the hash chain from the first row to the last."""
    desk: WebDesk = call.desk

    def read(conn: Connection) -> TrailCheck:
        number, sha256 = access_trail.head(conn)
        return TrailCheck(rows=number, head_sha256=sha256, broken_at=access_trail.verify(conn))

    return await desk.read(read)
