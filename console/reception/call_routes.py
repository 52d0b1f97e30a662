"""The call bar: each button is a command to the phone process (docs/call-control.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from console.calls import service as calls
from console.http import ApiCall, Endpoints
from console.reception.target import TargetWish, chosen_target

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("reception")

#: who may take part in a call: supervisors whisper, barge and take over, and then have what an agent has
SPEAKERS = ("agent", "supervisor")


class Mute(msgspec.Struct):
    muted: bool


class Digits(msgspec.Struct):
    digits: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#A-Da-d]{1,32}(?!\n)$")]


class Whereto(msgspec.Struct):
    target: TargetWish


class Consulted(msgspec.Struct):
    """``party``: the number that the consulted one has in the call, and on the recording's track."""

    party: int


class Drop(msgspec.Struct):
    party: Annotated[int, msgspec.Meta(ge=0, le=15)]


class Private(msgspec.Struct):
    private: bool


class Mark(msgspec.Struct):
    """``wrong_transfer``: the call should not have come here (D21)."""

    mark: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}(?!\n)$")]
    detail: Annotated[str, msgspec.Meta(max_length=500)] = ""


async def _tell(call: ApiCall, command: str, **arguments: object) -> dict[str, object]:
    return await call.phone.command(command, agent=call.user.username, call=call.path["id"], **arguments)


@routes.post("/api/calls/{id}/answer", roles=SPEAKERS)
async def answer_call(call: ApiCall) -> None:
    """Answer the call, or the consultation or transfer, that rings at this desk. 404 no_such_call, 409 wrong_state."""
    await _tell(call, "call.answer")


@routes.post("/api/calls/{id}/reject", roles=SPEAKERS)
async def reject_call(call: ApiCall) -> None:
    """Do not take it: it is offered to the next agent, or goes back to who sent it."""
    await _tell(call, "call.reject")


@routes.post("/api/calls/{id}/hangup", roles=SPEAKERS)
async def hang_up(call: ApiCall) -> None:
    """End the call, or the attempt to call; a conference goes on without this agent."""
    await _tell(call, "call.hang_up")


@routes.post("/api/calls/{id}/hold", roles=SPEAKERS)
async def hold_call(call: ApiCall) -> None:
    """Put the caller on hold, with music."""
    await _tell(call, "call.hold")


@routes.post("/api/calls/{id}/resume", roles=SPEAKERS)
async def resume_call(call: ApiCall) -> None:
    """Take the caller back from hold."""
    await _tell(call, "call.resume")


@routes.post("/api/calls/{id}/mute", body=Mute, roles=SPEAKERS)
async def mute_call(call: ApiCall) -> None:
    """Mute the agent's microphone, or open it again."""
    await _tell(call, "call.mute", muted=call.body.muted)


@routes.post("/api/calls/{id}/digits", body=Digits, roles=SPEAKERS)
async def send_digits(call: ApiCall) -> None:
    """Send DTMF digits (RFC 4733)."""
    await _tell(call, "call.digits", digits=call.body.digits.upper())


@routes.post("/api/calls/{id}/transfer", body=Whereto, roles=SPEAKERS)
async def transfer_call(call: ApiCall) -> None:
    """Blind transfer: the agent is free at once; nobody there, and the caller is back in the queue, first in line."""
    target = await chosen_target(call, call.body.target)
    await _tell(call, "call.transfer", target=target)


@routes.post("/api/calls/{id}/consult", body=Whereto, returns=Consulted, roles=SPEAKERS, status=201)
async def consult(call: ApiCall) -> Consulted:
    """Hold the caller with music and ring somebody to ask first (D21, D22): an agent, a department or a number."""
    target = await chosen_target(call, call.body.target)
    return msgspec.convert(await _tell(call, "call.consult", target=target), Consulted)


@routes.post("/api/calls/{id}/swap", roles=SPEAKERS)
async def swap(call: ApiCall) -> None:
    """Change over between the caller and the one consulted."""
    await _tell(call, "call.swap")


@routes.post("/api/calls/{id}/merge", roles=SPEAKERS)
async def merge(call: ApiCall) -> None:
    """Make one conference of caller, agent and the one consulted. 409 full: five speak already."""
    await _tell(call, "call.merge")


@routes.post("/api/calls/{id}/complete", roles=SPEAKERS)
async def complete(call: ApiCall) -> None:
    """Finish the consult transfer: the one consulted has the caller now, this agent leaves."""
    await _tell(call, "call.complete")


@routes.post("/api/calls/{id}/cancel-consult", roles=SPEAKERS)
async def cancel_consult(call: ApiCall) -> None:
    """Let the one consulted go, or stop ringing them; the caller is back."""
    await _tell(call, "call.cancel_consult")


@routes.post("/api/calls/{id}/drop", body=Drop, roles=SPEAKERS)
async def drop(call: ApiCall) -> None:
    """Let one party go; the others stay."""
    await _tell(call, "call.drop", party=call.body.party)


@routes.post("/api/calls/{id}/leave", roles=SPEAKERS)
async def leave(call: ApiCall) -> None:
    """Leave; the others go on talking, recorded."""
    await _tell(call, "call.leave")


@routes.post("/api/calls/{id}/private", body=Private, roles=SPEAKERS)
async def private(call: ApiCall) -> None:
    """Say that this is a private call (D6: it may be hung up first; D8: three minutes at most), or that it is not."""
    await _tell(call, "call.private", private=call.body.private)


@routes.post("/api/calls/{id}/mark", body=Mark, roles=SPEAKERS)
async def mark(call: ApiCall) -> None:
    """Say something about the call, under way or over. 403 not_yours, 404 no_such_call."""
    desk: WebDesk = call.desk
    if not desk.calls.took_part(call.path["id"], call.user.username):
        await desk.read_log(lambda conn: calls.open_call(conn, call.user, call.path["id"]))
    await _tell(call, "call.mark", mark=call.body.mark, detail=call.body.detail)


@routes.post("/api/calls/{id}/wrapped-up", roles=SPEAKERS)
async def wrapped_up(call: ApiCall) -> None:
    """Leave wrap-up (话后处理) of this call."""
    await _tell(call, "call.wrapped_up")
