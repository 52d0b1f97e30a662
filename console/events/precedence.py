"""Who goes first: as soon as a call is there, its caller is looked up, and the phone is told of VIPs and of elderly or
disabled patients (D24, D25), and of the agent who spoke with them last where the queue asks for that one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from console.http import ApiError, PhoneLink
from storage.caller_standing import Standing, standing_of
from storage.phone_numbers import NumberingPlan, normalise
from storage.routing import Document

log = structlog.get_logger("console.events")

#: events that are told again from a journal are too old to act upon (seconds)
FRESH = 60.0
#: seconds after which a caller is looked up: by then the telephone of an agent who is free rings, and its pop is on the
#: screen; for one who has to wait the moment does not matter
AFTER_THE_RING = 0.03

Read = Callable[[Callable[[Connection], Standing]], Awaitable[Standing]]


class Precedence:
    """A listener of the event stream. ``document`` gives the routing document: its priorities and queues."""

    def __init__(self, phone: PhoneLink, read: Read, document: Callable[[], Document], plan: NumberingPlan) -> None:
        self._phone = phone
        self._read = read
        self._document = document
        self._plan = plan
        self._callers: dict[str, asyncio.Task[Standing]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def heard(self, event: dict[str, Any]) -> None:
        kind, call = event.get("type"), str(event.get("call", ""))
        if kind == "call.ended":
            self._callers.pop(call, None)
        elif kind == "call.started" and event.get("direction") == "inbound":
            at = float(event.get("at") or 0.0)
            key = normalise(str(event.get("number", "")), self._plan.region, self._plan.area_code).e164
            if key and at > time.time() - FRESH:
                standing = self._callers[call] = asyncio.ensure_future(self._look_up(key, at))
                self._do(self._raise(call, standing))
        elif kind == "call.queued" and call in self._callers and self._wants_last_agent(str(event.get("queue", ""))):
            self._do(self._prefer(call, self._callers[call]))

    async def stop(self) -> None:
        for task in (*self._tasks, *self._callers.values()):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._callers.values(), return_exceptions=True)

    async def _look_up(self, e164: str, at: float) -> Standing:
        await asyncio.sleep(AFTER_THE_RING)
        try:
            return await self._read(lambda conn: standing_of(conn, e164, at))
        except SQLAlchemyError as error:
            log.error("a caller's standing could not be looked up", reason=str(error))
            return Standing("", "")

    async def _raise(self, call: str, standing: asyncio.Task[Standing]) -> None:
        reason = (await standing).reason
        priority = (self._document().get("priorities") or {}).get(reason, 0) if reason else 0
        if priority:
            await self._tell(call, priority=priority, reason=reason)

    async def _prefer(self, call: str, standing: asyncio.Task[Standing]) -> None:
        agent = (await standing).last_agent
        if agent:
            # the call's own priority stays: the greater one holds
            await self._tell(call, priority=-1000, reason="last_agent", preferred_agent=agent)

    async def _tell(self, call: str, **arguments: Any) -> None:
        try:
            await self._phone.command("call.prioritise", call=call, by="", **arguments)
        except ApiError as error:
            # it was quicker: answered, or over
            log.info("a call could not be moved forward", call=call, reason=str(error))

    def _wants_last_agent(self, queue: str) -> bool:
        queues = self._document().get("queues", ())
        return any(one["name"] == queue and one.get("last_agent_first") for one in queues)

    def _do(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
