"""An agent becomes free while callers wait: the time to the next ring at that agent's console socket."""

from __future__ import annotations

import asyncio
from typing import Any

from console.bench.desk_agent import DeskAgent
from console.bench.figures import Figure
from console.bench.product import Product
from console.bench.sip_source import SipSource, SourceCall

#: callers that wait all the time
WAITING = 3
_PATIENCE = 10.0


async def measure(product: Product, user: str, numbers: list[str], turns: int) -> list[Figure]:
    """One agent answers, the caller hangs up, the agent ends wrap-up; each turn another caller takes the place.

    The delay runs from the moment that the phone gave the agent's new state (its event's own monotonic time) to the
    next ring at the headset, and to the arrival of ``call.offered`` at the console socket.
    """
    offered: asyncio.Queue[tuple[dict[str, Any], int]] = asyncio.Queue()
    states: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def hear(event: dict[str, Any], now: int) -> None:
        if event.get("type") == "call.offered":
            offered.put_nowait((event, now))
        elif event.get("type") == "agent.state":
            states.put_nowait(event)

    async def state(status: str) -> dict[str, Any]:
        while (event := await asyncio.wait_for(states.get(), _PATIENCE))["status"] != status:
            pass
        return event

    source = await SipSource.open(("127.0.0.1", product.sip))
    desk = DeskAgent(product.url, user, hear, ("call.offered", "agent.state"))
    placed: dict[str, SourceCall] = {}

    def place(turn: int) -> None:
        dialled = f"94{turn:06d}"
        placed[dialled] = source.invite(numbers[turn % len(numbers)], dialled)

    delays: list[float] = []
    rings: list[float] = []
    try:
        await desk.start()
        for turn in range(WAITING):
            place(turn)
        event, _ = await asyncio.wait_for(offered.get(), _PATIENCE)
        for turn in range(turns):
            call = placed[event["dialled"]]
            await asyncio.to_thread(desk.request, "POST", f"/api/calls/{event['call']}/answer", {})
            await asyncio.wait_for(call.done.wait(), _PATIENCE)
            place(WAITING + turn)
            source.bye(call)
            await state("wrap_up")
            await asyncio.to_thread(desk.request, "POST", "/api/agent/state", {"state": "ready", "reason": ""})
            free = await state("ready")
            event, at = await asyncio.wait_for(offered.get(), _PATIENCE)
            delays.append((at - free["monotonic"]) / 1e6)
            rings.append((desk.rings.get(event["call"], at) - free["monotonic"]) / 1e6)
    finally:
        for dialled, call in placed.items():
            if not call.done.is_set():
                source.cancel(call, dialled)
        await asyncio.sleep(0.3)
        await desk.stop()
        source.close()
    what = f"agent becomes free with {WAITING} callers waiting, to the next ring at"
    return [
        Figure.of_delays(f"{what} the headset", rings, aim="p95 ≤ 5 ms"),
        Figure.of_delays(f"{what} the console socket", delays),
    ]
