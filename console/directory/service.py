"""What the directory desk does with the database. Each refusal is an ApiError."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from console.events.refusals import CHINESE
from console.http import ApiError, Message
from console.identity.user import User
from storage import access_trail
from storage.directory import (
    DirectoryError,
    Entry,
    EntryDraft,
    add_entry,
    change_entry,
    get_entry,
    remove_entry,
    set_favourite,
)
from storage.phone_numbers import NumberingPlan
from storage.users import find_user
from telephony.calls.call import CallRefused
from telephony.dialling import diallable, uri_domains
from telephony.events import Target, TargetKind
from telephony.settings import PhoneSettings

T = TypeVar("T")


def no_such_entry() -> ApiError:
    return ApiError(404, "no_such_entry", Message("通讯录中没有此条目", "There is no such entry in the directory"))


def resolve(connection: Connection, target: Target) -> Target:
    """Where a target leads: one that names a directory ``entry`` gets the entry's kind, number, agent or queue, and
    name; any other is given back as it is.

    Raises ApiError: 404 no_such_entry.
    """
    if not target.entry:
        return target
    entry = get_entry(connection, target.entry)
    if entry is None:
        raise no_such_entry()
    kind = TargetKind.NUMBER if entry.number else TargetKind.AGENT if entry.agent else TargetKind.QUEUE
    return Target(kind=kind, agent=entry.agent, queue=entry.queue, number=entry.number, name=entry.name, entry=entry.id)


def add(conn: Connection, user: User, draft: EntryDraft, plan: NumberingPlan, phone: PhoneSettings) -> Entry:
    """Raises ApiError: 422 with the field for what is wrong, 409 full."""
    check_target(conn, draft, phone)
    entry = told(lambda: add_entry(conn, draft, user.username, plan))
    access_trail.record(conn, user.username, "directory.add", "directory", entry.id, _detail(entry))
    return entry


def change(
    conn: Connection,
    user: User,
    entry: str,
    version: int,
    draft: EntryDraft,
    plan: NumberingPlan,
    phone: PhoneSettings,
) -> Entry:
    """Raises ApiError: 404 no_such_entry, 409 conflict, 422 with the field for what is wrong."""
    check_target(conn, draft, phone)
    after = told(lambda: change_entry(conn, entry, version, draft, user.username, plan))
    access_trail.record(conn, user.username, "directory.change", "directory", entry, _detail(after))
    return after


def remove(conn: Connection, user: User, entry: str) -> None:
    """Raises ApiError: 404 no_such_entry."""
    before = told(lambda: remove_entry(conn, entry))
    access_trail.record(conn, user.username, "directory.remove", "directory", entry, _detail(before))


def favour(conn: Connection, user: User, entry: str, favourite: bool) -> None:
    """Raises ApiError: 404 no_such_entry."""
    told(lambda: set_favourite(conn, user.username, entry, favourite))


def check_target(conn: Connection, draft: EntryDraft, phone: PhoneSettings) -> None:
    """A number must be one that may be dialled, an agent one who may sign in.

    Raises ApiError 422 ``bad_number``, ``foreign_address`` or ``bad_target``.
    """
    if draft.number:
        try:
            diallable(draft.number, uri_domains(phone))
        except CallRefused as error:
            raise ApiError(
                422, error.code, Message(CHINESE[error.code], str(error).rstrip(".")), field="number"
            ) from error
    if draft.agent:
        user = find_user(conn, draft.agent)
        if user is None or user.role != "agent":
            raise ApiError(422, "bad_target", Message("没有此坐席", "There is no such agent"), field="agent")


_CHINESE = {
    "bad_kind": "类别须为 department、person 或 emergency",
    "bad_name": "名称须为 1 至 100 个字符，且含有文字",
    "bad_note": "备注最多 500 个字符",
    "bad_target": "号码、坐席、队列三者须填且只能填一项",
    "conflict": "该条目刚被他人修改，请刷新后再试",
    "full": "通讯录条目已满",
}


def told(work: Callable[[], T]) -> T:
    try:
        return work()
    except DirectoryError as error:
        if error.code == "not_found":
            raise no_such_entry() from None
        status = 409 if error.code in ("conflict", "full") else 422
        raise ApiError(status, error.code, Message(_CHINESE[error.code], str(error)), field=error.field) from None


def _detail(entry: Entry) -> dict[str, str]:
    return {"name": entry.name, "to": entry.number or entry.agent or entry.queue}
