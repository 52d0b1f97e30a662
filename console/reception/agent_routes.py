"""The agent's own state: ready or not, and where calls reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from console.http import ApiCall, Endpoints
from console.reception.dialable import number_to_dial
from storage import access_trail
from storage.phone_numbers import normalise
from storage.users import find_user

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("reception")

AGENTS = ("agent",)


class StateWish(msgspec.Struct):
    """``reason`` of not ready (示忙): ``meeting``, ``training``, ``meal``, ``break``, ``paperwork``, or words."""

    state: Literal["ready", "not_ready"]
    reason: Annotated[str, msgspec.Meta(max_length=100)] = ""


class DeviceWish(msgspec.Struct):
    """``phone``: calls ring at ``number`` in the headset's place and are recorded all the same (home shift, D103);
    without a number at the mobile in the user's settings."""

    device: Literal["headset", "phone"]
    number: Annotated[str, msgspec.Meta(max_length=80)] = ""


class AgentView(msgspec.Struct):
    """An agent on the floor; ``seconds`` in this state. ``headset_reason``: why the headset is away (``unplugged``,
    ``frozen``, ``closed``, ``silent``), ``headset_seconds`` since it came or went. ``device``: ``headset``, or
    ``phone`` (home shift). Who is in no queue is not offered calls: a supervisor with a headset."""

    agent: str
    name: str
    status: str
    reason: str
    call: str
    headset: bool
    queues: list[str]
    seconds: float
    device: str = "headset"
    headset_reason: str = ""
    headset_seconds: float = 0.0


@routes.post("/api/agent/state", body=StateWish, returns=AgentView, roles=AGENTS)
async def set_state(call: ApiCall) -> AgentView:
    """Ready (示闲) or not ready (示忙). 409 no_headset: ready needs a headset; signed_out: no console is open;
    minimum_staff: too few would be left (D106)."""
    agent = call.user.username
    if call.body.state == "ready":
        state = await call.phone.command("agent.ready", agent=agent)
    else:
        state = await call.phone.command("agent.not_ready", agent=agent, reason=call.body.reason)
    return msgspec.convert(state, AgentView)


@routes.post("/api/agent/device", body=DeviceWish, returns=AgentView, roles=AGENTS)
async def set_device(call: ApiCall) -> AgentView:
    """Take calls on the headset, or on a telephone at home (D103). Goes into the access trail: patients are put through
    to that number. 400 bad_number; 409 no_line, agent_busy."""
    wish: DeviceWish = call.body
    number = ""
    if wish.device == "phone":
        number = number_to_dial(wish.number or await _own_mobile(call), call.config.home_area_code)
    agent = call.user.username
    state = await call.phone.command("agent.reach", agent=agent, device=wish.device, number=number)
    detail: dict[str, str] = {"device": wish.device}
    if number:
        detail["number"] = normalise(number, home_area_code=call.config.home_area_code).masked
    await call.run(access_trail.record, agent, "device", "agent", agent, detail)
    return msgspec.convert(state, AgentView)


async def _own_mobile(call: ApiCall) -> str:
    desk: WebDesk = call.desk
    user = await desk.read(lambda conn: find_user(conn, call.user.username))
    return user.mobile if user is not None else ""
