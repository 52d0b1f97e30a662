"""``/ws/events``: hello, snapshot, what was missed, then every event as it comes (docs/architecture.md)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.events import history
from console.events.console import GOING_AWAY, SIGNED_OUT, Console, seconds_since
from console.events.visibility import Delivery, masked_numbers
from console.http import ApiError
from console.identity.session_cache import COOKIE

if TYPE_CHECKING:
    from console.desk import WebDesk

log = structlog.get_logger("console.events")

HELLO_SECONDS = 10.0
BAD_HELLO = 4000
#: seconds that a last frame and the close may take to a console that does not read
CLOSE_SECONDS = 2.0


class Hello(msgspec.Struct, tag="hello", tag_field="type"):
    """``after``: the last sequence seen of each node; empty: from now."""

    console: str
    after: dict[str, int] = {}


_decode_hello = msgspec.json.Decoder(Hello).decode


async def events_socket(websocket: WebSocket) -> None:
    """Close codes: 4000 no valid hello, 4001 replaced by a newer console, 4003 signed out, 4008 too slow."""
    desk: WebDesk = websocket.app.state.desk
    token = websocket.cookies.get(COOKIE, "")
    user = await desk.user_of(websocket)
    await websocket.accept()
    if user is None:
        await websocket.close(SIGNED_OUT, "signed out")
        return
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = _decode_hello(await websocket.receive_text())
    except WebSocketDisconnect:
        return
    except (msgspec.MsgspecError, KeyError, TypeError, TimeoutError) as error:
        log.info("a console said no valid hello", user=user.username, reason=str(error) or "nothing in time")
        await websocket.close(BAD_HELLO, "say hello first")
        return
    console = Console(user, hello.console[:64], token)
    desk.hub.join(console)
    reader = asyncio.create_task(_read(websocket, console), name=f"console {console.number} reader")
    try:
        await desk.presence.arrived(user)
        await _greet(desk, console, hello.after)
        await _write(desk, websocket, console)
    except (WebSocketDisconnect, RuntimeError, OSError) as error:
        log.debug("a console's socket broke", user=user.username, reason=str(error))
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        if desk.hub.leave(console):
            desk.presence.left(user)


async def _read(websocket: WebSocket, console: Console) -> None:
    """Consoles say nothing after hello; this only notices that they are gone."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
    console.close(GOING_AWAY)


async def _write(desk: WebDesk, websocket: WebSocket, console: Console) -> None:
    while (frame := await console.next_frame()) is not None:
        text, popped_at = frame
        if console.close_code:
            # the last word to a console that is let go; it may not be reading any more
            async with asyncio.timeout(CLOSE_SECONDS):
                await websocket.send_text(text)
            continue
        await websocket.send_text(text)
        console.sent += 1
        if popped_at:
            desk.metrics.pop_seconds.observe(seconds_since(popped_at))
    if console.close_code != GOING_AWAY:
        async with asyncio.timeout(CLOSE_SECONDS):
            await websocket.close(console.close_code)


async def _greet(desk: WebDesk, console: Console, after: dict[str, int]) -> None:
    """The snapshot and what was missed; then the console hears live events, those held meanwhile first."""
    hub = desk.hub
    missed: list[Delivery] | None = []
    start = dict(hub.cursor)
    if after:
        missed = hub.missed(after)
        if missed is None:
            missed = await _from_database(desk, after, start)
    state = await _state(desk)
    resumed = bool(after) and missed is not None
    position = {**start, **{node: int(n) for node, n in state["cursor"].items()}}
    frame = {
        "type": "snapshot",
        "at": time.time(),
        "phone": desk.phone.connected,
        "user": console.user,
        "agent": next((one for one in state["agents"] if one["agent"] == console.user.username), None),
        "calls": await _calls_for(desk, console, state["calls"]),
        "agents": state["agents"] if console.user.oversees else [],
        "lines": state["lines"],
        "rules": state["rules"],
        "queues": desk.queues.counts(),
        "resumed": resumed,
        "cursor": {**position, **after} if resumed else position,
    }
    console.put(msgspec.json.encode(frame).decode())
    for delivery in missed or ():
        _resend(console, delivery)
    held, console.held = console.held or [], None
    for delivery in held:
        node, sequence = delivery.event.get("node", ""), delivery.event.get("sequence", 0)
        if sequence > position.get(node, -1):
            console.deliver(delivery)
        elif resumed and sequence > start.get(node, -1):
            _resend(console, delivery)


def _resend(console: Console, delivery: Delivery) -> None:
    text = delivery.text_for(console.user, resent=True)
    if text is not None:
        console.put(text)


async def _from_database(desk: WebDesk, after: dict[str, int], until: dict[str, int]) -> list[Delivery] | None:
    found = await desk.read(lambda conn: history.stored_after(conn, after, until))
    if found is None:
        return None
    stored_to = {event["node"]: event["sequence"] for event, _ in found}
    deliveries = [Delivery(event, agents, None, desk.config.home_area_code) for event, agents in found]
    # the newest may not be stored yet: memory has them
    deliveries += [
        one
        for one in desk.hub.recent
        if one.event["node"] in after
        and stored_to.get(one.event["node"], after.get(one.event["node"], 0))
        < one.event["sequence"]
        <= until[one.event["node"]]
    ]
    return deliveries


async def _state(desk: WebDesk) -> dict[str, Any]:
    """How things stand at the phone; empty while it is away."""
    try:
        told = await desk.phone.command("snapshot")
    except ApiError:
        return {"agents": [], "calls": [], "lines": [], "rules": None, "cursor": {}}
    return {
        "agents": told.get("agents", []),
        "calls": told.get("calls", []),
        "lines": told.get("lines", []),
        "rules": told.get("rules"),
        "cursor": {told["node"]: told["sequence"]},
    }


async def _calls_for(desk: WebDesk, console: Console, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shown = []
    for call in calls:
        if not console.user.oversees and not _is_with(call, console.user.username):
            continue
        desk.calls.begin(call)
        seen = desk.calls.find(call["call"])
        pop = await asyncio.shield(seen.pop) if seen is not None and seen.pop is not None else None
        named = {**call, "parties": [desk.hub.named(party) for party in call.get("parties", ())]}
        masked = masked_numbers(named, desk.config.home_area_code)
        shown.append({**masked, "pop": pop.with_masked_number() if pop else None})
    return shown


def _is_with(call: dict[str, Any], agent: str) -> bool:
    return call.get("agent") == agent or any(party.get("agent") == agent for party in call.get("parties", ()))
