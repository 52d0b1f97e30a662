"""What the call desk does with the database: find, open, note, reveal, listen. Each refusal is an ApiError."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from console.calls.call_view import CallView, may_open, view_calls
from console.calls.listening import Listener
from console.config import ConsoleConfig
from console.events.visibility import masked_numbers
from console.http import ApiError, Message
from console.identity.user import User
from storage import access_trail, recordings
from storage.call_log import get_call
from storage.call_notes import NoteError, link_patient, set_disposition
from storage.call_projection import Call
from storage.event_log import events_of_call
from storage.phone_numbers import NumberingPlan
from storage.recordings import Recording
from storage.tickets import tickets_of_calls

T = TypeVar("T")

#: going on with a recording within this time (seconds) is the same listening, and is not written down again
SAME_LISTENING = 600.0


def no_such_call() -> ApiError:
    return ApiError(404, "no_such_call", Message("没有这个通话", "There is no such call"))


def not_yours() -> ApiError:
    return ApiError(403, "not_yours", Message("这不是您的通话", "This is not a call of yours"))


def no_such_recording() -> ApiError:
    return ApiError(404, "no_such_recording", Message("没有这个录音", "There is no such recording"))


def open_call(conn: Connection, user: User, call: str) -> Call:
    """Raises ApiError: 404 no_such_call, 403 not_yours."""
    found = get_call(conn, call)
    if found is None:
        raise no_such_call()
    if not may_open(user, found):
        raise not_yours()
    return found


def view_call(conn: Connection, user: User, call: str, config: ConsoleConfig) -> CallView:
    """The row of the log, which every agent may see: masked, and without the recording of others.

    Raises ApiError: 404 no_such_call.
    """
    found = get_call(conn, call)
    if found is None:
        raise no_such_call()
    return view_calls(conn, [found], user, config)[0]


def events(conn: Connection, user: User, call: str, area_code: str) -> list[dict[str, Any]]:
    """The call's events in order, numbers masked. Raises as ``open_call``."""
    open_call(conn, user, call)
    found = [masked_numbers(event, area_code) for event in events_of_call(conn, call)]
    return sorted(found, key=lambda event: event["at"])


def reveal(conn: Connection, user: User, call: str, reason: str, address: str) -> str:
    """The whole number; who asked and why is written down first. Raises as ``open_call``."""
    found = open_call(conn, user, call)
    detail = {"number": found.masked, "address": address}
    access_trail.record(conn, user.username, "reveal", "call", call, detail, reason)
    return found.number


def dispose(conn: Connection, user: User, call: str, code: str, note: str, plan: NumberingPlan) -> dict[str, Any]:
    """Set the disposition; gives the stored event. Raises as ``open_call``, and 422 for what cannot be stored."""
    open_call(conn, user, call)
    return noted(lambda: set_disposition(conn, call, code, note, user.username, plan=plan))


def link(conn: Connection, user: User, call: str, patient_id: str, plan: NumberingPlan) -> dict[str, Any]:
    """Say whom the call is about; gives the stored event. Raises as ``open_call``, and 422 for an unknown patient."""
    open_call(conn, user, call)
    return noted(lambda: link_patient(conn, call, patient_id, user.username, plan=plan))


_NOTE_ERRORS = {
    "bad_disposition": ("code", Message("没有这个小结代码", "There is no such disposition")),
    "bad_note": ("note", Message("备注过长", "The note is too long")),
    "no_such_patient": ("patient_id", Message("没有这位患者", "There is no such patient")),
}


def noted(write: Callable[[], T]) -> T:
    try:
        return write()
    except NoteError as error:
        if error.code == "no_such_call":
            raise no_such_call() from None
        field, message = _NOTE_ERRORS[error.code]
        raise ApiError(422, error.code, message, field=field) from None


def open_recording(conn: Connection, user: User, recording: str, config: ConsoleConfig) -> Recording:
    """A recording that is ready and that this user may hear; a message, that those of its queue may hear.

    Raises ApiError: 404 no_such_recording, 403 not_yours, 409 recording_not_ready.
    """
    found = recordings.get_recording(conn, recording)
    if found is None:
        raise no_such_recording()
    call = get_call(conn, found.call)
    if not (user.oversees if call is None else _may_hear(conn, user, call, config)):
        raise not_yours()
    if found.state == "failed":
        raise ApiError(409, "recording_failed", Message("录音处理失败", "This recording could not be finished"))
    if found.state != "ready":
        raise ApiError(409, "recording_not_ready", Message("录音尚未就绪", "This recording is not ready yet"))
    return found


def _may_hear(conn: Connection, user: User, call: Call, config: ConsoleConfig) -> bool:
    return Listener.of(conn, user, config).may_hear(call, tickets_of_calls(conn, [call.id]).get(call.id))


def heard_lately(conn: Connection, user: User, recording: Recording, now: float | None = None) -> bool:
    """Was this user's listening written down a moment ago?"""
    at = time.time() if now is None else now
    rows = access_trail.list_accesses(
        conn, user=user.username, subject_type="recording", subject_id=recording.id, limit=1
    )
    return bool(rows) and rows[0].at > at - SAME_LISTENING


def note_listening(conn: Connection, user: User, recording: Recording, address: str) -> None:
    """Write down that this user listens."""
    if not heard_lately(conn, user, recording):
        detail = {"call": recording.call, "address": address}
        access_trail.record(conn, user.username, "listen", "recording", recording.id, detail)


def stored_file(data: Path, path: str) -> Path:
    """The file of a path in the database; raises ApiError 404 when it would lie outside the data folder."""
    base = data.resolve()
    file = (base / path).resolve()
    if not path or not file.is_relative_to(base):
        raise no_such_recording()
    return file
