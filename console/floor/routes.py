"""What supervisors see of the floor."""

from __future__ import annotations

from typing import Any

import msgspec

from console.events.visibility import masked_numbers
from console.floor.waiting import calls_back, waited, waits
from console.http import ApiCall, Endpoints
from console.reception.agent_routes import AgentView

routes = Endpoints("floor")


class LiveCallView(msgspec.Struct, kw_only=True):
    """A call under way; the number is masked. ``phase`` is the phone's word for where it stands, ``waiting_since`` the
    seconds it has waited, ``position`` its place in the queue (from 1)."""

    call: str
    direction: str
    phase: str
    line: str
    queue: str
    number: str
    agent: str
    caller_rings: int = 0
    agent_rings: int = 0
    held: bool = False
    seconds: float = 0.0
    talk_seconds: float = 0.0
    priority: int = 0
    position: int | None = None
    menu: str = ""
    waiting_since: float = 0.0


class LineView(msgspec.Struct):
    line: str
    status: str
    capabilities: dict[str, bool]


class QueueView(msgspec.Struct):
    """``waiting`` callers, the longest of them for ``longest_wait`` seconds, and ``callbacks`` to be made (D116)."""

    queue: str
    waiting: int
    callbacks: int
    longest_wait: float
    agents_ready: int


class Floor(msgspec.Struct):
    agents: list[AgentView]
    calls: list[LiveCallView]
    lines: list[LineView]
    queues: list[QueueView]


@routes.get("/api/floor", returns=Floor, roles=("supervisor", "admin"))
async def floor(call: ApiCall) -> Floor:
    """Agents with their states, calls under way, calls waiting by queue, lines. 503 while the phone is away."""
    told = await call.phone.command("snapshot")
    agents = msgspec.convert(told["agents"], list[AgentView])
    area_code = call.config.home_area_code
    calls = [msgspec.convert(masked_numbers(one, area_code), LiveCallView) for one in told["calls"]]
    return Floor(
        agents=agents,
        calls=calls,
        lines=msgspec.convert(told["lines"], list[LineView]),
        queues=[_queue(name, agents, told["calls"]) for name in told["queues"]],
    )


def _queue(name: str, agents: list[AgentView], calls: list[dict[str, Any]]) -> QueueView:
    here = [one for one in calls if waits(one) and one["queue"] == name]
    callers = [waited(one) for one in here if not calls_back(one)]
    return QueueView(
        queue=name,
        waiting=len(callers),
        callbacks=len(here) - len(callers),
        longest_wait=max(callers, default=0.0),
        agents_ready=sum(one.status == "ready" and name in one.queues for one in agents),
    )
