"""The directory over HTTP: search, favourites, presence; administrators edit it (D21, D22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import structlog
from sqlalchemy import Connection

from console.directory import service
from console.directory.presence import FloorPresence, PresenceView
from console.http import ApiCall, ApiError, Endpoints, Message
from console.routing import documents
from storage.directory import Entry, EntryDraft, favourites_of, get_entry, list_entries, search

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("directory")
log = structlog.get_logger("console.directory")

WRITERS = ("admin",)

Name = Annotated[str, msgspec.Meta(max_length=100)]
Target = Annotated[str, msgspec.Meta(max_length=80)]


class DirectoryQuery(msgspec.Struct):
    """``q``: part of a name in either language, its pinyin or initials, part of a number."""

    q: Annotated[str, msgspec.Meta(max_length=100)] = ""
    kind: Literal["", "department", "person", "emergency"] = ""
    favourites: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 200


class EntryView(msgspec.Struct, kw_only=True):
    """One of ``number``, ``agent`` and ``queue`` is set: where it leads. ``presence`` is null for numbers, and while
    the phone is away."""

    id: str
    kind: str
    name_zh: str
    name_en: str
    number: str
    agent: str
    queue: str
    note: str
    position: int
    emergency: bool
    version: int
    favourite: bool
    presence: PresenceView | None


class Directory(msgspec.Struct):
    """Emergency desks first, then favourites, then the rest."""

    entries: list[EntryView]


class EntryInput(msgspec.Struct):
    kind: Literal["department", "person", "emergency"] = "department"
    name_zh: Name = ""
    name_en: Name = ""
    number: Target = ""
    agent: Target = ""
    queue: Target = ""
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    position: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    emergency: bool = False


class EntryChange(EntryInput):
    """Replaces the whole entry. ``version``: the one that was edited; 409 ``conflict`` when it has changed since."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] = 1


@routes.get("/api/directory", query=DirectoryQuery, returns=Directory)
async def directory(call: ApiCall) -> Directory:
    """Whom a call can be taken to."""
    desk: WebDesk = call.desk
    query: DirectoryQuery = call.query

    def read(conn: Connection) -> tuple[list[Entry], set[str]]:
        return search(list_entries(conn), query.q), favourites_of(conn, call.user.username)

    entries, favourites = await desk.read(read)
    entries = [
        one for one in entries if query.kind in ("", one.kind) and (one.id in favourites or not query.favourites)
    ]
    entries.sort(key=lambda one: (not one.emergency, one.id not in favourites))
    presence = FloorPresence(await _snapshot(call))
    return Directory([_view(one, one.id in favourites, presence) for one in entries[: query.limit]])


@routes.post("/api/directory", body=EntryInput, returns=EntryView, roles=WRITERS, status=201)
async def add(call: ApiCall) -> EntryView:
    """Add an entry. 422 with the field: bad_name, bad_target, bad_number, foreign_address, bad_note."""
    desk: WebDesk = call.desk
    draft = _draft(call.body)

    def work(conn: Connection) -> Entry:
        _check_queue(conn, desk, draft)
        return service.add(conn, call.user, draft, desk.plan, desk.settings)

    return _view(await call.run(work), False, FloorPresence(await _snapshot(call)))


@routes.put("/api/directory/{id}", body=EntryChange, returns=EntryView, roles=WRITERS)
async def change(call: ApiCall) -> EntryView:
    """Replace an entry. 404 no_such_entry, 409 conflict, 422 as for a new one."""
    desk: WebDesk = call.desk
    draft, entry = _draft(call.body), call.path["id"]

    def work(conn: Connection) -> tuple[Entry, set[str]]:
        _check_queue(conn, desk, draft)
        changed = service.change(conn, call.user, entry, call.body.version, draft, desk.plan, desk.settings)
        return changed, favourites_of(conn, call.user.username)

    changed, favourites = await call.run(work)
    return _view(changed, entry in favourites, FloorPresence(await _snapshot(call)))


@routes.delete("/api/directory/{id}", roles=WRITERS)
async def remove(call: ApiCall) -> None:
    """Take an entry out. 404 no_such_entry."""
    await call.run(service.remove, call.user, call.path["id"])


@routes.put("/api/directory/{id}/favourite", returns=EntryView)
async def favour(call: ApiCall) -> EntryView:
    """Make it one of my favourites. 404 no_such_entry."""
    return await _favoured(call, True)


@routes.delete("/api/directory/{id}/favourite", returns=EntryView)
async def unfavour(call: ApiCall) -> EntryView:
    """No favourite of mine any more. 404 no_such_entry."""
    return await _favoured(call, False)


async def _favoured(call: ApiCall, favourite: bool) -> EntryView:
    def work(conn: Connection) -> Entry:
        service.favour(conn, call.user, call.path["id"], favourite)
        entry = get_entry(conn, call.path["id"])
        if entry is None:
            raise service.no_such_entry()
        return entry

    return _view(await call.run(work), favourite, FloorPresence(await _snapshot(call)))


async def _snapshot(call: ApiCall) -> dict[str, Any]:
    """Empty while the phone is away: the directory is of use all the same."""
    try:
        return await call.phone.command("snapshot")
    except ApiError as error:
        log.info("the directory is told without presence", reason=str(error))
        return {}


def _check_queue(conn: Connection, desk: WebDesk, draft: EntryDraft) -> None:
    if not draft.queue:
        return
    _, document = documents.newest(conn, desk.config)
    if draft.queue.strip() not in [one["name"] for one in document["queues"]]:
        raise ApiError(422, "bad_target", Message("没有此队列", "There is no such queue"), field="queue")


def _draft(given: EntryInput) -> EntryDraft:
    values = {name: getattr(given, name) for name in EntryInput.__struct_fields__}
    return EntryDraft(**values)


def _view(entry: Entry, favourite: bool, presence: FloorPresence) -> EntryView:
    own = {name: getattr(entry, name) for name in EntryView.__struct_fields__ if name not in ("favourite", "presence")}
    return EntryView(**own, favourite=favourite, presence=presence.of(entry))
