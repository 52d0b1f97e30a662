"""Call-backs that callers asked for, as supervisors see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import structlog
from sqlalchemy import Connection

from console.calls.instant import instant, iso
from console.http import ApiCall, ApiError, Endpoints, Message
from storage import access_trail, callbacks
from storage.call_store import load
from storage.callbacks import Callback, CallbackError
from storage.event_log import append_desk_event
from storage.patients import get_patients

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("callbacks")
log = structlog.get_logger("console.tickets")

READERS = ("supervisor", "admin")


class CallbacksQuery(msgspec.Struct):
    """``since``: of those that wait no more, the ones asked for from then on (ISO 8601 or Unix seconds)."""

    state: Literal["", "waiting", "called", "retry", "reached", "unreached", "cancelled"] = ""
    queue: Annotated[str, msgspec.Meta(max_length=64)] = ""
    since: Annotated[str, msgspec.Meta(max_length=80)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 200


class CallbackView(msgspec.Struct, kw_only=True):
    """``id`` is the call in which it was asked for, ``call`` the one that calls back. ``state``: ``waiting``,
    ``called`` (nobody reached so far), ``retry`` (tried again at ``due_at``), ``reached``, ``unreached`` (given up, a
    ticket now), ``cancelled`` (by ``caller``: called in meanwhile, in ``call``; it waits again when nobody answered
    that). ``number`` is masked."""

    id: str
    queue: str
    number: str
    patient_id: str | None
    patient_name: str | None
    state: str
    attempts: int
    requested_at: str
    waiting_since: str
    changed_at: str
    call: str | None
    agent: str | None
    cancelled_by: str | None
    note: str
    priority: int
    due_at: str | None


class CallbackList(msgspec.Struct):
    """Those that wait first, the longest wait first; then the others, the newest first."""

    callbacks: list[CallbackView]


class Cancel(msgspec.Struct):
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


@routes.get("/api/callback-requests", query=CallbacksQuery, returns=CallbackList, roles=READERS)
async def list_callbacks(call: ApiCall) -> CallbackList:
    """What callers asked for in queues."""
    desk: WebDesk = call.desk
    query: CallbacksQuery = call.query
    since = instant(query.since, "since")

    def read(conn: Connection) -> list[CallbackView]:
        found = callbacks.list_callbacks(conn, state=query.state, queue=query.queue, since=since, limit=query.limit)
        return _views(conn, found)

    return CallbackList(await desk.read_log(read))


@routes.post("/api/callback-requests/{id}/cancel", body=Cancel, returns=CallbackView, roles=READERS)
async def cancel(call: ApiCall) -> CallbackView:
    """Nobody calls back after all. 404 no_such_callback; 409 wrong_state once somebody has called."""
    desk: WebDesk = call.desk
    user, requested_in = call.user, call.path["id"]

    def work(conn: Connection) -> tuple[dict[str, Any], CallbackView]:
        event = callbacks.cancel(conn, requested_in, user.username, call.body.note.strip())
        stored = append_desk_event(conn, event, desk.plan)
        access_trail.record(conn, user.username, "callback.cancel", "call", requested_in, {}, event["note"])
        (view,) = _views(conn, [one for one in [callbacks.get_callback(conn, requested_in)] if one])
        return stored, view

    try:
        event, view = await desk.change_log(work)
    except CallbackError as error:
        raise _refused(error) from error
    desk.publish(event)
    await _take_out(call, requested_in)
    return view


async def _take_out(call: ApiCall, requested_in: str) -> None:
    """Take the call that waits out of its queue, by the wish: the phone knows best which call it is. It is cancelled
    whatever the phone says: one that is away has lost the call, and is not given it again."""
    try:
        await call.phone.command("callback.cancel", call=requested_in)
    except ApiError as error:
        log.warning("the phone did not take a call-back out of its queue", call=requested_in, reason=str(error))


def _refused(error: CallbackError) -> ApiError:
    if error.code == "not_found":
        return ApiError(404, "no_such_callback", Message("没有此回拨请求", "There is no such call-back"))
    return ApiError(409, error.code, Message("该回拨请求已处理，请刷新", str(error)))


def _views(conn: Connection, found: list[Callback]) -> list[CallbackView]:
    calls = load(conn, [one.requested_in for one in found])
    patients = {one.id: one.name for one in get_patients(conn, {one.patient_id for one in calls.values()})}
    return [_view(one, getattr(calls.get(one.requested_in), "patient_id", ""), patients) for one in found]


def _view(one: Callback, patient: str, patients: dict[str, str]) -> CallbackView:
    return CallbackView(
        id=one.requested_in,
        queue=one.queue,
        number=one.masked,
        patient_id=patient or None,
        patient_name=patients.get(patient),
        state=one.state,
        attempts=one.attempts,
        requested_at=iso(one.requested_at) or "",
        waiting_since=iso(one.waiting_since) or "",
        changed_at=iso(one.changed_at) or "",
        call=one.call or None,
        agent=one.agent or None,
        cancelled_by=one.cancelled_by or None,
        note=one.note,
        priority=one.priority,
        due_at=iso(one.due_at) if one.due_at else None,
    )
