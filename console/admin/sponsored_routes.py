"""Callers whom somebody of the house vouches for: their calls go first (D25)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from sqlalchemy import Connection

from console.calls.instant import instant, iso
from console.http import ApiCall, ApiError, Endpoints, Message
from storage import access_trail
from storage.sponsored_callers import (
    SponsoredCaller,
    SponsoredError,
    add_sponsored,
    list_sponsored,
    remove_sponsored,
)

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("sponsored-callers")

KEEPERS = ("supervisor", "admin")

Short = Annotated[str, msgspec.Meta(max_length=100)]


class SponsoredView(msgspec.Struct, kw_only=True):
    """``number`` is masked; ``until`` is null for good."""

    id: str
    number: str
    name: str
    sponsor: str
    note: str
    until: str | None
    added_at: str
    added_by: str


class SponsoredList(msgspec.Struct):
    callers: list[SponsoredView]


class NewSponsored(msgspec.Struct):
    """``until``: ISO 8601 or Unix seconds, empty for good."""

    number: Annotated[str, msgspec.Meta(max_length=80)]
    name: Short
    sponsor: Short
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    until: Short = ""


@routes.get("/api/sponsored-callers", returns=SponsoredList, roles=KEEPERS)
async def list_callers(call: ApiCall) -> SponsoredList:
    """Everybody on the list, the newest first."""
    desk: WebDesk = call.desk
    return SponsoredList([_view(one) for one in await desk.read(list_sponsored)])


@routes.post("/api/sponsored-callers", body=NewSponsored, returns=SponsoredView, roles=KEEPERS, status=201)
async def add(call: ApiCall) -> SponsoredView:
    """Put a number on the list. 409 exists; 422 with the field for what cannot be."""
    desk: WebDesk = call.desk
    wish: NewSponsored = call.body
    until = instant(wish.until, "until")

    def work(conn: Connection) -> SponsoredCaller:
        made = add_sponsored(
            conn,
            wish.number,
            name=wish.name,
            sponsor=wish.sponsor,
            by=call.user.username,
            note=wish.note,
            until=until,
            plan=desk.plan,
        )
        detail = {"number": made.masked, "sponsor": made.sponsor}
        access_trail.record(conn, call.user.username, "sponsored.add", "sponsored_caller", made.id, detail)
        return made

    try:
        return _view(await call.run(work))
    except SponsoredError as error:
        status, field = (409, "number") if error.code == "exists" else (422, error.code.removeprefix("bad_"))
        raise ApiError(status, error.code, Message(_CHINESE[error.code], str(error)), field=field) from error


@routes.delete("/api/sponsored-callers/{id}", roles=KEEPERS)
async def remove(call: ApiCall) -> None:
    """Take a number off the list. 404 no_such_caller."""

    def work(conn: Connection) -> None:
        gone = remove_sponsored(conn, call.path["id"])
        if gone is None:
            raise ApiError(404, "no_such_caller", Message("名单中没有此号码", "There is no such caller on the list"))
        detail = {"number": gone.masked, "sponsor": gone.sponsor}
        access_trail.record(conn, call.user.username, "sponsored.remove", "sponsored_caller", gone.id, detail)

    await call.run(work)


_CHINESE = {
    "bad_number": "无法识别为电话号码",
    "bad_name": "姓名须为 1 至 100 个字符",
    "bad_sponsor": "担保人须为 1 至 100 个字符",
    "bad_note": "备注最多 500 个字符",
    "bad_until": "截止时间须在将来",
    "exists": "该号码已在名单中",
}


def _view(one: SponsoredCaller) -> SponsoredView:
    return SponsoredView(
        id=one.id,
        number=one.masked,
        name=one.name,
        sponsor=one.sponsor,
        note=one.note,
        until=iso(one.until),
        added_at=iso(one.added_at) or "",
        added_by=one.added_by,
    )
