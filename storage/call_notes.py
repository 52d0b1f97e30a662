"""What the desk adds to a call: its disposition and its patient. Each is an event, so a correction keeps what was
said before (D122), and the call log stays a reading of the event log alone."""

from __future__ import annotations

import time

from sqlalchemy import Connection

from storage.call_log import get_call
from storage.dispositions import find_disposition
from storage.event_log import Event, append_desk_event
from storage.patients import get_patient
from storage.phone_numbers import NumberingPlan

MAX_NOTE = 4000


class NoteError(ValueError):
    """``code``: ``no_such_call``, ``bad_disposition``, ``bad_note`` or ``no_such_patient``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def set_disposition(
    conn: Connection,
    call: str,
    code: str,
    note: str,
    by: str,
    at: float | None = None,
    plan: NumberingPlan | None = None,
) -> Event:
    """Mark what a call came to; a second time corrects the first. Gives the stored event. Raises ``NoteError``."""
    _check_call(conn, call)
    disposition = find_disposition(conn, code)
    if disposition is None or not disposition.active:
        raise NoteError("bad_disposition", f"there is no disposition {code[:40]!r}")
    if len(note) > MAX_NOTE:
        raise NoteError("bad_note", f"a note has at most {MAX_NOTE} characters")
    event = {"type": "call.disposed", "call": call, "code": code, "note": note, "by": by, "at": _now(at)}
    return append_desk_event(conn, event, plan)


def link_patient(
    conn: Connection, call: str, patient_id: str, by: str, at: float | None = None, plan: NumberingPlan | None = None
) -> Event:
    """Say which patient a call is about; an empty ``patient_id`` takes it back. Raises ``NoteError``."""
    _check_call(conn, call)
    if patient_id and get_patient(conn, patient_id) is None:
        raise NoteError("no_such_patient", "there is no such patient")
    event = {"type": "call.patient_linked", "call": call, "patient_id": patient_id, "by": by, "at": _now(at)}
    return append_desk_event(conn, event, plan)


def _check_call(conn: Connection, call: str) -> None:
    if get_call(conn, call) is None:
        raise NoteError("no_such_call", "there is no such call")


def _now(at: float | None) -> float:
    return time.time() if at is None else at
