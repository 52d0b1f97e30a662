"""What a supervisor does on the floor: come into calls, move them forward, put agents in another state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from console.http import ApiCall, ApiError, Endpoints
from console.reception.agent_routes import AgentView
from storage import access_trail

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from console.desk import WebDesk

routes = Endpoints("floor")

SUPERVISORS = ("supervisor",)
#: where a supervisor's word puts a waiting call: before all but an emergency (docs/routing.md, priorities)
FORWARD = 90


class Monitor(msgspec.Struct):
    """``listen``: nobody hears the supervisor; ``whisper``: the agent alone does; ``barge``: everybody does."""

    mode: Literal["listen", "whisper", "barge"]


class Prioritise(msgspec.Struct):
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] = FORWARD
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "supervisor"


class ForcedState(msgspec.Struct):
    """A state that an agent is put in, the minimum-staff guard (D106) or not."""

    status: Literal["ready", "not_ready", "offline"]
    reason: Annotated[str, msgspec.Meta(max_length=100)] = ""


@routes.post("/api/calls/{id}/monitor", body=Monitor, roles=SUPERVISORS)
async def monitor(call: ApiCall) -> None:
    """Come into a call, or change how. Goes into the access trail. 404 no_such_call; 409 no_headset, full,
    wrong_state."""
    mode = call.body.mode
    await _on_the_record(call, "monitor", {"mode": mode}, "call.monitor", mode=mode)


@routes.post("/api/calls/{id}/take-over", roles=SUPERVISORS)
async def take_over(call: ApiCall) -> None:
    """Become the call's agent; the one who had it goes into wrap-up. Goes into the access trail."""
    await _on_the_record(call, "take_over", {}, "call.take_over")


async def _on_the_record(call: ApiCall, action: str, detail: dict[str, Any], command: str, **arguments: Any) -> None:
    """Written down first: nobody hears a call unrecorded. A refusal of the phone is written behind it."""
    username, live = call.user.username, call.path["id"]
    desk: WebDesk = call.desk
    seen = desk.calls.find(live)
    detail = {**detail, "agents": sorted(seen.agents - {username}) if seen else []}

    def write(conn: Connection, /, **more: str) -> None:
        access_trail.record(conn, username, action, "call", live, {**detail, **more})

    await call.run(write)
    try:
        await call.phone.command(command, agent=username, call=live, **arguments)
    except ApiError as error:
        code = error.code
        await call.run(lambda conn: write(conn, refused=code))
        raise


@routes.post("/api/calls/{id}/prioritise", body=Prioritise, roles=SUPERVISORS)
async def prioritise(call: ApiCall) -> None:
    """Move a waiting call forward. 404 no_such_call, 409 wrong_state."""
    wish: Prioritise = call.body
    await call.phone.command(
        "call.prioritise", call=call.path["id"], priority=wish.priority, reason=wish.reason, by=call.user.username
    )


@routes.post("/api/floor/agents/{agent}/state", body=ForcedState, returns=AgentView, roles=SUPERVISORS)
async def force_state(call: ApiCall) -> AgentView:
    """Put an agent in another state; it is told with the supervisor's name. 409 signed_out, no_headset."""
    wish: ForcedState = call.body
    state = await call.phone.command(
        "agent.force", agent=call.path["agent"], by=call.user.username, status=wish.status, reason=wish.reason
    )
    return msgspec.convert(state, AgentView)
