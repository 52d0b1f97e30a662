"""Tickets over HTTP: listed, taken, done, opened again. Each step is an event, so that the history is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection

from console.calls.call_view import latest
from console.calls.instant import iso
from console.calls.listening import Listener
from console.http import ApiCall, ApiError, Endpoints, Message
from console.tickets.queues import queues_of
from storage import recordings as recording_table
from storage import tickets
from storage.call_row import Call
from storage.call_store import load
from storage.event_log import append_desk_event, events_of_call
from storage.patients import get_patients
from storage.tickets import Ticket, TicketError

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("tickets")

#: reviewers look, they do not work
WORKERS = ("agent", "supervisor", "admin")

Note = Annotated[str, msgspec.Meta(max_length=tickets.MAX_NOTE)]


class TicketsQuery(msgspec.Struct):
    """``before``: id of the last ticket of the page before."""

    state: Literal["", "open", "taken", "done"] = ""
    mine: bool = False
    before: Annotated[str, msgspec.Meta(max_length=64)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class StepView(msgspec.Struct):
    """``step``: ``taken``, ``done`` or ``reopened``."""

    step: str
    by: str
    at: str
    note: str


class TicketView(msgspec.Struct, kw_only=True):
    """``number`` is masked. The message is in the call's recording from ``starts`` on for ``seconds``; ``audio`` plays
    the recording, null until it is ready and for those who may not hear it."""

    id: str
    kind: str
    call: str
    queue: str
    state: str
    assignee: str | None
    note: str
    created_at: str
    changed_at: str
    number: str
    patient_id: str | None
    patient_name: str | None
    starts: float
    seconds: float
    audio: str | None


class TicketDetail(TicketView, kw_only=True):
    history: list[StepView]


class TicketList(msgspec.Struct):
    """The newest first. ``open``: tickets that nobody has taken, by queue."""

    tickets: list[TicketView]
    open: dict[str, int]


class Step(msgspec.Struct):
    note: Note = ""


def no_such_ticket() -> ApiError:
    return ApiError(404, "no_such_ticket", Message("没有此工单", "There is no such ticket"))


@routes.get("/api/tickets", query=TicketsQuery, returns=TicketList)
async def list_tickets(call: ApiCall) -> TicketList:
    """Tickets; agents see those of their queues."""
    desk: WebDesk = call.desk
    query: TicketsQuery = call.query

    def read(conn: Connection) -> TicketList:
        queues = queues_of(conn, call.user, desk.config)
        found = tickets.list_tickets(
            conn,
            state=query.state,
            queues=queues,
            assignee=call.user.username if query.mine else "",
            before=query.before,
            limit=query.limit,
        )
        waiting = tickets.count_open(conn)
        return TicketList(
            [TicketView(**one) for one in _facts(conn, Listener(call.user, queues), found)],
            {queue: n for queue, n in waiting.items() if queues is None or queue in queues},
        )

    return await desk.read_log(read)


@routes.get("/api/tickets/{id}", returns=TicketDetail)
async def one_ticket(call: ApiCall) -> TicketDetail:
    """One ticket with what was done with it. 404 no_such_ticket."""
    desk: WebDesk = call.desk
    return await desk.read_log(lambda conn: _detail(conn, call, _open(conn, call, desk)))


@routes.post("/api/tickets/{id}/take", body=Step, returns=TicketDetail, roles=WORKERS)
async def take(call: ApiCall) -> TicketDetail:
    """It is mine now. 409 taken (somebody else has it; a supervisor may take it all the same), wrong_state."""
    return await _step(call, "ticket.taken")


@routes.post("/api/tickets/{id}/done", body=Step, returns=TicketDetail, roles=WORKERS)
async def done(call: ApiCall) -> TicketDetail:
    """It is seen to. 409 taken, wrong_state."""
    return await _step(call, "ticket.done")


@routes.post("/api/tickets/{id}/reopen", body=Step, returns=TicketDetail, roles=WORKERS)
async def reopen(call: ApiCall) -> TicketDetail:
    """There is more to do, or somebody else should. 409 taken, wrong_state."""
    return await _step(call, "ticket.reopened")


async def _step(call: ApiCall, kind: str) -> TicketDetail:
    desk: WebDesk = call.desk

    def work(conn: Connection) -> tuple[dict[str, Any], TicketDetail]:
        ticket = _open(conn, call, desk)
        try:
            event = tickets.step(conn, ticket.id, kind, call.user.username, call.body.note.strip(), call.user.oversees)
        except TicketError as error:
            raise _refused(error) from error
        stored = append_desk_event(conn, event, desk.plan)
        return stored, _detail(conn, call, _open(conn, call, desk))

    event, detail = await desk.change_log(work)
    desk.publish(event)
    return detail


def _open(conn: Connection, call: ApiCall, desk: WebDesk) -> Ticket:
    """Raises ApiError: 404 no_such_ticket, also for a queue that is none of the user's."""
    found = tickets.get_ticket(conn, call.path["id"])
    if found is None:
        raise no_such_ticket()
    queues = queues_of(conn, call.user, desk.config)
    if queues is not None and found.queue not in queues and found.assignee != call.user.username:
        raise no_such_ticket()
    return found


_CHINESE = {"wrong_state": "该工单的状态已变化，请刷新", "taken": "该工单已由他人处理", "bad_note": "备注过长"}


def _refused(error: TicketError) -> ApiError:
    if error.code == "not_found":
        return no_such_ticket()
    status, field = (422, "note") if error.code == "bad_note" else (409, "")
    return ApiError(status, error.code, Message(_CHINESE[error.code], str(error)), field=field)


def _detail(conn: Connection, call: ApiCall, ticket: Ticket) -> TicketDetail:
    (facts,) = _facts(conn, Listener.of(conn, call.user, call.config), [ticket])
    history = [
        StepView(event["type"].removeprefix("ticket."), event["by"], iso(event["at"]) or "", event["note"])
        for event in events_of_call(conn, ticket.call)
        if event["type"] in tickets.STEPS and event.get("ticket") == ticket.id
    ]
    return TicketDetail(**facts, history=history)


def _facts(conn: Connection, listener: Listener, found: list[Ticket]) -> list[dict[str, Any]]:
    calls = load(conn, [one.call for one in found])
    recordings = recording_table.of_calls(conn, list(calls))
    patients = {one.id: one.name for one in get_patients(conn, {one.patient_id for one in calls.values()})}
    told = []
    for one in found:
        call = calls.get(one.call) or Call(id=one.call)
        recording = latest(recordings.get(one.call, []))
        told.append(
            {
                **{name: getattr(one, name) for name in ("id", "kind", "call", "queue", "state", "note")},
                "starts": one.starts,
                "seconds": one.seconds,
                "assignee": one.assignee or None,
                "created_at": iso(one.created_at) or "",
                "changed_at": iso(one.changed_at) or "",
                "number": call.masked or call.number,
                "patient_id": call.patient_id or None,
                "patient_name": patients.get(call.patient_id),
                "audio": f"/api/recordings/{recording.id}/audio"
                if recording is not None and recording.state == "ready" and listener.may_hear(call, one)
                else None,
            }
        )
    return told
