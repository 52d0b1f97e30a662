"""The call log over HTTP: list, open, note, reveal, replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import structlog
from sqlalchemy import Connection
from starlette.responses import Response

from console.calls import service
from console.calls.call_number import number_of_call
from console.calls.call_view import CallView, media_type, view_calls
from console.calls.instant import instant
from console.calls.ranged_file import ranged_file
from console.http import ApiCall, ApiError, Endpoints, Message
from recordings.peaks import PeaksUnreadable, read_peaks
from storage.call_log import list_calls
from storage.recordings import Recording

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("calls")
log = structlog.get_logger("console.calls")

#: reviewers judge the log, they do not write in it
WRITERS = ("agent", "supervisor", "admin")

Short = Annotated[str, msgspec.Meta(max_length=80)]
Outcome = (
    Literal["", "answered", "abandoned", "busy", "rejected", "not_found", "no_answer", "unavailable", "failed"]
    | Literal["cancelled", "voicemail", "callback", "forwarded", "closed"]
)


class CallsQuery(msgspec.Struct):
    """``since`` and ``until`` (of the start; until excluded): ISO 8601 or Unix seconds. ``before``: id of the last
    call of the page before. ``same_number_as``: id of a call, for all calls of its number. ``branch``: a label chosen
    in a menu. ``callback``: one was asked for in the call, or it is one."""

    number: Short = ""
    same_number_as: Short = ""
    since: Short = ""
    until: Short = ""
    agent: Short = ""
    direction: Literal["", "inbound", "outbound"] = ""
    outcome: Outcome = ""
    state: Literal["", "ringing", "queued", "talking", "held", "ended"] = ""
    patient: Short = ""
    queue: Short = ""
    transferred: bool | None = None
    private: bool | None = None
    wrong_transfer: bool | None = None
    voicemail: bool | None = None
    callback: bool | None = None
    branch: Short = ""
    before: Short = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class RevealWish(msgspec.Struct):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Revealed(msgspec.Struct):
    number: str


class Disposition(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    note: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class PatientLink(msgspec.Struct):
    """An empty ``patient_id`` takes the link back."""

    patient_id: Annotated[str, msgspec.Meta(max_length=64)]


class PeaksView(msgspec.Struct):
    """``peaks``: for each channel amplitudes from 0 to 1, ``rate`` a second; ``parties``: whose voice each channel
    holds, by the party's number in the call (0 the caller)."""

    seconds: float
    rate: float
    parties: list[int]
    peaks: list[list[float]]


@routes.get("/api/calls", query=CallsQuery, returns=list[CallView])
async def calls(call: ApiCall) -> list[CallView]:
    """The call log, the newest first. Agents see their own calls, and all calls of one number or one patient.

    ``same_number_as``: 404 no_such_call, 403 not_yours; none for a withheld number."""
    desk: WebDesk = call.desk
    query: CallsQuery = call.query
    since, until = instant(query.since, "since"), instant(query.until, "until")
    agent = query.agent
    if not call.user.oversees and not (query.number or query.same_number_as or query.patient):
        if agent not in ("", call.user.username):
            raise service.not_yours()
        agent = call.user.username

    def read(conn: Connection) -> list[CallView]:
        number = query.number
        if query.same_number_as:
            number = number_of_call(conn, desk.calls, call.user, query.same_number_as)
            if not number:
                return []
        found = list_calls(
            conn,
            number=number,
            since=since,
            until=until,
            agent=agent,
            direction=query.direction,
            outcome=query.outcome,
            state=query.state,
            patient_id=query.patient,
            queue=query.queue,
            transferred=query.transferred,
            private=query.private,
            wrong_transfer=query.wrong_transfer,
            voicemail=query.voicemail,
            callback=query.callback,
            branch=query.branch,
            before=query.before,
            limit=query.limit,
            plan=desk.plan,
        )
        return view_calls(conn, found, call.user, call.config)

    return await desk.read_log(read)


@routes.get("/api/calls/{id}", returns=CallView)
async def one_call(call: ApiCall) -> CallView:
    """One call. 404 no_such_call."""
    desk: WebDesk = call.desk
    return await desk.read_log(lambda conn: service.view_call(conn, call.user, call.path["id"], call.config))


@routes.get("/api/calls/{id}/events", returns=list[dict[str, Any]])
async def call_events(call: ApiCall) -> list[dict[str, Any]]:
    """All that happened in a call, in the form of the console socket (``at``: Unix seconds), numbers masked."""
    desk: WebDesk = call.desk
    area_code = call.config.home_area_code
    return await desk.read_log(lambda conn: service.events(conn, call.user, call.path["id"], area_code))


@routes.post("/api/calls/{id}/reveal", body=RevealWish, returns=Revealed)
async def reveal(call: ApiCall) -> Revealed:
    """The whole number of a call. Who asked and why goes into the access trail."""
    reason = call.body.reason.strip()
    if not reason:
        raise ApiError(422, "invalid_input", Message("请填写查看原因", "Please give a reason"), field="reason")
    desk: WebDesk = call.desk
    number = await desk.change_log(lambda conn: service.reveal(conn, call.user, call.path["id"], reason, call.address))
    return Revealed(number=number)


@routes.put("/api/calls/{id}/disposition", body=Disposition, returns=CallView, roles=WRITERS)
async def dispose(call: ApiCall) -> CallView:
    """What the call came to; a second time corrects the first. Who says it leaves the wrap-up of this call.

    422 bad_disposition.
    """
    desk: WebDesk = call.desk
    wish: Disposition = call.body
    id_ = call.path["id"]
    desk.publish(
        await desk.change_log(lambda conn: service.dispose(conn, call.user, id_, wish.code, wish.note, desk.plan))
    )
    # also of a call that is somebody else's by now: whoever handed it on wraps up their own part
    await _wrapped_up(call, id_)
    return await desk.read_log(lambda conn: service.view_call(conn, call.user, id_, call.config))


async def _wrapped_up(call: ApiCall, id_: str) -> None:
    """Tell the phone. The disposition is stored whatever it says: an old call is in nobody's wrap-up any more."""
    try:
        await call.phone.command("call.wrapped_up", agent=call.user.username, call=id_)
    except ApiError as error:
        if error.status >= 500:
            log.warning("the phone was not told of the end of wrap-up", call=id_, reason=str(error))


@routes.post("/api/calls/{id}/patient", body=PatientLink, returns=CallView, roles=WRITERS)
async def link_patient(call: ApiCall) -> CallView:
    """Whom the call is about. 422 no_such_patient."""
    desk: WebDesk = call.desk
    id_ = call.path["id"]
    desk.publish(
        await desk.change_log(lambda conn: service.link(conn, call.user, id_, call.body.patient_id, desk.plan))
    )
    return await desk.read_log(lambda conn: service.view_call(conn, call.user, id_, call.config))


@routes.get("/api/recordings/{id}/audio", returns=Response, produces="audio/webm")
async def audio(call: ApiCall) -> Response:
    """The recording with byte ranges: a channel a party, the caller first. Listening is written down."""
    recording = await _heard(call)
    path = service.stored_file(call.config.data, recording.path)
    try:
        return await ranged_file(
            path,
            call.request.headers,
            etag=recording.sha256,
            media_type=media_type(recording.path),
            name=path.name,
            head=call.request.method == "HEAD",
        )
    except OSError as error:
        raise _gone(recording, error) from error


@routes.get("/api/recordings/{id}/peaks", returns=PeaksView)
async def peaks(call: ApiCall) -> PeaksView:
    """The waveform of each channel."""
    desk: WebDesk = call.desk
    id_ = call.path["id"]

    def read(conn: Connection) -> PeaksView:
        recording = service.open_recording(conn, call.user, id_, call.config)
        try:
            found = read_peaks(service.stored_file(call.config.data, recording.peaks_path))
        except (OSError, PeaksUnreadable) as error:
            raise _gone(recording, error) from error
        rate = found.rate / found.samples_per_peak
        return PeaksView(recording.seconds or 0.0, rate, list(found.parties), found.linear())

    return await desk.read(read)


async def _heard(call: ApiCall) -> Recording:
    """The recording, once the listening is written down. Each seek is a request: only the first one writes."""
    desk: WebDesk = call.desk
    id_ = call.path["id"]

    def read(conn: Connection) -> tuple[Recording, bool]:
        found = service.open_recording(conn, call.user, id_, call.config)
        return found, service.heard_lately(conn, call.user, found)

    recording, lately = await desk.read(read)
    if not lately and call.request.method != "HEAD":
        await call.run(service.note_listening, call.user, recording, call.address)
    return recording


def _gone(recording: Recording, error: Exception) -> ApiError:
    log.error("a file of a recording cannot be read", recording=recording.id, reason=str(error))
    return ApiError(404, "recording_file_missing", Message("录音文件丢失", "The file of this recording is missing"))
