"""A call of the log as the API tells it: numbers masked, times in ISO 8601, its recording beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from console.calls.instant import iso
from console.calls.journey_view import JourneyView, Surroundings, journey
from console.calls.listening import Listener
from console.config import ConsoleConfig
from console.events.visibility import masked_name
from console.identity.user import User
from storage import recordings as recording_table
from storage.call_projection import Call
from storage.patients import get_patients
from storage.recordings import Recording
from storage.users import list_users


class GapView(msgspec.Struct, rename={"start": "from"}):
    """``leg`` 0 caller, 1 agent; ``from`` and ``seconds`` on the recording's clock; ``reason`` such as ``hold``."""

    leg: int
    start: float
    seconds: float
    reason: str


class RecordingView(msgspec.Struct, kw_only=True):
    """``state``: capturing, captured, finishing, ready or failed. ``url`` plays it; null until it is ready, and for
    those who may not listen. ``lost_seconds``: what the recorder could not keep."""

    id: str
    state: str
    seconds: float | None
    channels: int | None
    sha256: str | None
    url: str | None
    media_type: str | None
    bytes: int | None
    gaps: list[GapView]
    lost_seconds: float
    error: str | None


class CallView(JourneyView, kw_only=True):
    """``number`` is masked for everybody; ``POST /api/calls/{id}/reveal`` tells the whole one.

    ``state``: ringing, queued, talking, held, ended. ``outcome`` (null while it goes on): answered, abandoned, busy,
    rejected, not_found, no_answer, unavailable, failed, cancelled; voicemail, callback (asked for), forwarded (by a
    menu to a number), closed (an announcement, then we hung up). ``hung_up_by``: caller, agent, network, system. What
    else there is: ``JourneyView``.
    """

    id: str
    direction: str
    number: str
    kind: str
    display_name: str | None
    dialled: str | None
    line: str
    queue: str | None
    state: str
    outcome: str | None
    started_at: str
    answered_at: str | None
    ended_at: str | None
    caller_rings: int
    agent_rings: int
    within_three_rings: bool | None
    rule_version: int | None
    hung_up_by: str | None
    sip_status: int | None
    end_reason: str | None
    agent: str | None
    agent_name: str | None
    patient_id: str | None
    patient_name: str | None
    talk_seconds: float
    wait_seconds: float | None
    disposition: str | None
    note: str | None
    recording: RecordingView | None


def may_open(user: User, call: Call) -> bool:
    """Agents open the calls that they took, made, were asked for advice in, or that rang at their desk, and those that
    nobody took (somebody has to call back); those who oversee open all."""
    if user.oversees or call.agent == user.username or any(one.agent == user.username for one in call.offers):
        return True
    if call.handled_by(user.username):
        return True
    return call.state == "ended" and call.answered_at is None and not call.agent


def view_calls(conn: Connection, calls: Sequence[Call], user: User, config: ConsoleConfig) -> list[CallView]:
    """The calls with the names and recordings that belong to them, for this user."""
    recordings = recording_table.of_calls(conn, [call.id for call in calls])
    agents = {one.username: one.display_name for one in list_users(conn)}
    patients = {one.id: one.name for one in get_patients(conn, {call.patient_id for call in calls if call.patient_id})}
    around = Surroundings.of(conn, calls, agents)
    listener = Listener.of(conn, user, config)
    return [_view(call, listener, recordings.get(call.id, []), around, patients) for call in calls]


def _view(
    call: Call, listener: Listener, recordings: Iterable[Recording], around: Surroundings, patients: dict[str, str]
) -> CallView:
    masked = call.masked or call.number
    return CallView(
        id=call.id,
        direction=call.direction,
        number=masked,
        kind=call.number_kind,
        display_name=masked_name(call.display_name, masked) or None,
        dialled=(masked if call.direction == "outbound" else call.dialled) or None,
        line=call.line,
        queue=call.queue or None,
        state=call.state,
        outcome=call.outcome or None,
        started_at=iso(call.started_at) or "",
        answered_at=iso(call.answered_at),
        ended_at=iso(call.ended_at),
        caller_rings=call.caller_rings,
        agent_rings=call.agent_rings,
        within_three_rings=call.within_three_rings,
        rule_version=call.rule_version,
        hung_up_by=call.hung_up_by or None,
        sip_status=call.sip_status,
        end_reason=call.end_reason or None,
        agent=call.agent or None,
        agent_name=around.agents.get(call.agent),
        patient_id=call.patient_id or None,
        patient_name=patients.get(call.patient_id),
        talk_seconds=round(call.talk_seconds, 3),
        wait_seconds=None if call.wait_seconds is None else round(call.wait_seconds, 3),
        disposition=call.disposition or None,
        note=call.disposition_note or None,
        recording=view_recording(latest(recordings), listener.may_hear(call, around.tickets.get(call.id))),
        **journey(call, around),
    )


def latest(recordings: Iterable[Recording]) -> Recording | None:
    """The one that a call shows: the newest that is ready, else the newest."""
    found = list(recordings)
    ready = [one for one in found if one.state == "ready"]
    return (ready or found or [None])[-1]  # type: ignore[list-item]


def view_recording(recording: Recording | None, listen: bool) -> RecordingView | None:
    if recording is None:
        return None
    ready = recording.state == "ready"
    return RecordingView(
        id=recording.id,
        state=recording.state,
        seconds=recording.seconds,
        channels=recording.channels,
        sha256=recording.sha256 or None,
        url=f"/api/recordings/{recording.id}/audio" if ready and listen else None,
        media_type=media_type(recording.path) if ready else None,
        bytes=recording.bytes,
        gaps=[_gap(gap) for gap in recording.gaps],
        lost_seconds=recording.lost_seconds,
        error=(recording.error or None) if recording.state == "failed" else None,
    )


def media_type(path: str) -> str:
    return "audio/mpeg" if path.endswith(".mp3") else "audio/webm"


def _gap(gap: dict[str, Any]) -> GapView:
    return GapView(leg=gap["leg"], start=gap["from"], seconds=gap["seconds"], reason=gap.get("reason", ""))
