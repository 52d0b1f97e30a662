"""Routing over HTTP: shown, checked, saved as a new version, restored, and how it stands now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import structlog
from sqlalchemy import Connection

from console.http import ApiCall, ApiError, Endpoints
from console.routing import documents
from console.routing.changes import changes
from console.routing.status import RoutingStatus, hours_status, queue_statuses
from storage import routing
from storage.routing import Document, Saved
from telephony.routing.settings import parse_routing

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("routing")
log = structlog.get_logger("console.routing")

READERS = ("supervisor", "admin")
WRITERS = ("admin",)

Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Note = Annotated[str, msgspec.Meta(max_length=500)]


class VersionView(msgspec.Struct, kw_only=True):
    """Version 0 is the document that ships. ``saved_at``: Unix seconds."""

    version: int
    note: str
    saved_by: str
    saved_at: float
    restored_from: int | None


class VersionList(msgspec.Struct):
    versions: list[VersionView]
    in_force: int | None


class RoutingView(msgspec.Struct, kw_only=True):
    """``in_force``: the version that the phone goes by, null while it is away; ``problem``: why it is not this one,
    where there is trouble."""

    version: int
    note: str
    saved_by: str
    saved_at: float
    restored_from: int | None
    in_force: int | None
    problem: str | None
    routing: dict[str, Any]


class VersionDetail(msgspec.Struct, kw_only=True):
    """``changes``: what differs from version ``against``, a sentence each."""

    version: int
    note: str
    saved_by: str
    saved_at: float
    restored_from: int | None
    routing: dict[str, Any]
    against: int | None
    changes: list[str]


class SavedView(msgspec.Struct, kw_only=True):
    """``in_force``: does the phone go by it? If not, ``problem`` says why; it is saved all the same."""

    version: int
    saved_at: float
    in_force: bool
    problem: str | None
    changes: list[str]
    routing: dict[str, Any]


class RoutingChange(msgspec.Struct):
    """``base_version``: the version that was edited; 409 ``conflict`` when it is not the newest any more."""

    routing: dict[str, Any]
    base_version: Number
    note: Note = ""


class Restore(msgspec.Struct):
    base_version: Number
    note: Note = ""


class Draft(msgspec.Struct):
    """``against``: the version that the changes are told from; left out: the newest."""

    routing: dict[str, Any]
    against: Number | None = None


class Checked(msgspec.Struct):
    """A document that could be saved, every field filled in."""

    routing: dict[str, Any]
    changes: list[str]


class VersionsQuery(msgspec.Struct):
    before: Number | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


class AgainstQuery(msgspec.Struct):
    """Left out: the version before."""

    against: Number | None = None


@routes.get("/api/routing", returns=RoutingView, roles=READERS)
async def current(call: ApiCall) -> RoutingView:
    """The newest version, and whether the phone goes by it."""
    desk: WebDesk = call.desk
    saved, document = await desk.read(lambda conn: documents.newest(conn, desk.config))
    push = desk.routing
    return RoutingView(
        **_facts(saved),
        in_force=push.in_force,
        problem=push.trouble or None,
        routing={**document, "version": saved.version},
    )


@routes.put("/api/routing", body=RoutingChange, returns=SavedView, roles=WRITERS)
async def save(call: ApiCall) -> SavedView:
    """Save a new version and put it in force. 409 conflict; 422 bad_routing with the place as field."""
    desk: WebDesk = call.desk
    wish: RoutingChange = call.body

    def work(conn: Connection) -> tuple[Saved, Document, Document]:
        _, before = documents.newest(conn, desk.config)
        saved, after = documents.save(conn, call.user, desk.config, wish.routing, wish.base_version, wish.note)
        return saved, before, after

    return await _put_in_force(call, *await call.run(work))


@routes.get("/api/routing/versions", query=VersionsQuery, returns=VersionList, roles=READERS)
async def versions(call: ApiCall) -> VersionList:
    """Who saved what when, the newest first."""
    desk: WebDesk = call.desk
    query: VersionsQuery = call.query
    found = await desk.read(lambda conn: routing.list_versions(conn, query.limit, query.before))
    if len(found) < query.limit and query.before != 0:
        found.append(documents.SHIPPED)
    return VersionList([VersionView(**_facts(one)) for one in found], desk.routing.in_force)


@routes.get("/api/routing/versions/{version}", query=AgainstQuery, returns=VersionDetail, roles=READERS)
async def one_version(call: ApiCall) -> VersionDetail:
    """One version and what changed with it. 404 no_such_version."""
    desk: WebDesk = call.desk
    number = _number(call)
    against = call.query.against if call.query.against is not None else number - 1 if number else None

    def read(conn: Connection) -> tuple[Saved, Document, Document | None]:
        saved, document = documents.version(conn, desk.config, number)
        before = documents.version(conn, desk.config, against)[1] if against is not None else None
        return saved, document, before

    saved, document, before = await desk.read(read)
    return VersionDetail(
        **_facts(saved), routing=document, against=against, changes=_told(call, before or document, document)
    )


@routes.post("/api/routing/versions/{version}/restore", body=Restore, returns=SavedView, roles=WRITERS)
async def restore(call: ApiCall) -> SavedView:
    """Save an old version as the newest and put it in force. 404 no_such_version, 409 conflict, 422 bad_routing."""
    desk: WebDesk = call.desk
    number, wish = _number(call), call.body

    def work(conn: Connection) -> tuple[Saved, Document, Document]:
        _, before = documents.newest(conn, desk.config)
        saved, after = documents.restore(conn, call.user, desk.config, number, wish.base_version, wish.note)
        return saved, before, after

    return await _put_in_force(call, *await call.run(work))


@routes.post("/api/routing/check", body=Draft, returns=Checked, roles=READERS)
async def check(call: ApiCall) -> Checked:
    """Whether a document could be saved, and what would change; nothing is saved. 422 bad_routing with the place."""
    desk: WebDesk = call.desk
    wish: Draft = call.body

    def read(conn: Connection) -> tuple[Document, Document]:
        full = documents.plain(documents.read(documents.completed(conn, wish.routing), desk.config))
        if wish.against is None:
            return full, documents.newest(conn, desk.config)[1]
        return full, documents.version(conn, desk.config, wish.against)[1]

    document, before = await desk.read(read)
    return Checked(document, _told(call, before, document))


@routes.get("/api/routing/status", returns=RoutingStatus, roles=READERS)
async def status(call: ApiCall) -> RoutingStatus:
    """Is each queue open now, when does that change, who is signed in, who waits. Without a phone: nobody."""
    desk: WebDesk = call.desk
    saved, document = await desk.read(lambda conn: documents.newest(conn, desk.config))
    settings = parse_routing({**document, "version": saved.version})
    now = time.time()
    try:
        told = await call.phone.command("snapshot")
    except ApiError as error:
        log.info("routing status without the phone", reason=str(error))
        told = {}
    hours = [hours_status(one, settings.timezone, now) for one in settings.hours]
    return RoutingStatus(
        version=saved.version,
        in_force=desk.routing.in_force,
        problem=desk.routing.trouble or None,
        timezone=settings.timezone,
        at=now,
        hours=hours,
        queues=queue_statuses(settings, hours, told.get("agents", ()), told.get("calls", ())),
    )


async def _put_in_force(call: ApiCall, saved: Saved, before: Document, after: Document) -> SavedView:
    desk: WebDesk = call.desk
    log.info("routing saved", version=saved.version, user=call.user.username, restored_from=saved.restored_from)
    problem: str | None = None
    try:
        await desk.push_routing()
    except ApiError as error:
        problem = error.message if isinstance(error.message, str) else error.message.text(call.locale)
    return SavedView(
        version=saved.version,
        saved_at=saved.saved_at,
        in_force=problem is None,
        problem=problem,
        changes=_told(call, before, after),
        routing=after,
    )


def _told(call: ApiCall, before: Document, after: Document) -> list[str]:
    return [one.text(call.locale) for one in changes(before, after)]


def _facts(saved: Saved) -> dict[str, Any]:
    return {name: getattr(saved, name) for name in Saved.__slots__}


def _number(call: ApiCall) -> int:
    text = call.path["version"]
    if not text.isascii() or not text.isdecimal() or len(text) > 10:
        raise documents.no_such_version()
    return int(text)
