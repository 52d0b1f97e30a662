"""Whom a call is to go to: as the picker names them, and as the phone takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from console.directory.service import resolve
from console.http import ApiCall, ApiError, Message
from console.reception.dialable import number_to_dial
from storage.users import find_user
from telephony.events import Target, TargetKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from console.desk import WebDesk

Name = Annotated[str, msgspec.Meta(max_length=100)]


class TargetWish(msgspec.Struct, forbid_unknown_fields=True):
    """One of: ``entry`` of the directory, ``agent`` (user name), ``queue``, or a ``number`` as it was typed."""

    entry: Annotated[str, msgspec.Meta(max_length=64)] = ""
    agent: Name = ""
    queue: Name = ""
    number: Annotated[str, msgspec.Meta(max_length=80)] = ""


async def chosen_target(call: ApiCall, wish: TargetWish) -> dict[str, Any]:
    """As the seam takes it (``telephony.events.Target``).

    Raises ApiError: 400 bad_target when not exactly one is named, 400 bad_number, 404 no_such_entry.
    """
    desk: WebDesk = call.desk
    chosen = [name for name in ("entry", "agent", "queue", "number") if getattr(wish, name)]
    if len(chosen) != 1:
        raise ApiError(
            400,
            "bad_target",
            Message("请选择一个转接对象", "Name exactly one of entry, agent, queue or number"),
            field="target",
        )

    def work(conn: Connection) -> Target:
        if wish.agent:
            user = find_user(conn, wish.agent)
            return Target(kind=TargetKind.AGENT, agent=wish.agent, name=user.display_name if user else wish.agent)
        if wish.queue:
            return Target(kind=TargetKind.QUEUE, queue=wish.queue, name=wish.queue)
        return resolve(conn, Target(kind=TargetKind.NUMBER, number=wish.number, entry=wish.entry))

    target = await desk.read(work)
    if target.number:
        number = number_to_dial(target.number, call.config.home_area_code)
        target = msgspec.structs.replace(target, number=number)
    found: dict[str, Any] = msgspec.to_builtins(target)
    return found
