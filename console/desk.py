"""The web process's own objects, made once and shared by its routes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import HTTPConnection

from console.calls.finished_recordings import FinishedRecordings
from console.config import ConsoleConfig
from console.events.console import SIGNED_OUT
from console.events.event_store import EventStore
from console.events.hub import EventHub
from console.events.intake import Intake
from console.events.live_calls import LiveCalls
from console.events.patient_link import PatientLink
from console.events.phone_link import PhoneLink
from console.events.pop import PopLookup
from console.events.precedence import Precedence
from console.events.presence import Presence
from console.events.queue_board import QueueBoard
from console.events.recording_trouble import RecordingTrouble
from console.http import ApiError, Message
from console.identity.login_gate import LoginGate
from console.identity.session_cache import SessionCache
from console.identity.user import User
from console.metrics import Metrics
from console.routing import documents
from console.routing.agent_profile import AgentProfile, profile_of
from console.routing.push import RoutingPush
from console.tickets.waiting_callbacks import place_again
from storage import rules
from storage.call_projection import DESK
from storage.callbacks import Callback, forgone_callbacks, open_callbacks
from storage.database import open_engine, reading, transaction
from storage.event_log import events_after, last_sequence
from storage.phone_numbers import NumberingPlan
from storage.routing import Document

log = structlog.get_logger("console")

T = TypeVar("T")

#: database work of routes at once
THREADS = 6
#: seconds that a reader of the log waits for events that are still to be stored; a tenth of one as a rule
LOG_PATIENCE = 2.0
#: seconds between two looks at the sessions of open consoles
RECHECK_SECONDS = 3.0


class WebDesk:
    """``start`` and ``stop`` on the loop that serves."""

    def __init__(self, config: ConsoleConfig) -> None:
        self.config = config
        self.settings = config.phone()
        self.plan = NumberingPlan(area_code=config.home_area_code)
        self.engine = open_engine(config.database)
        self.executor = ThreadPoolExecutor(THREADS, thread_name_prefix="desk")
        self.phone = PhoneLink(self._queue_called)
        self.phone_for_requests = PatientLink(self.phone)
        self.metrics = Metrics()
        self.sessions = SessionCache(self.read)
        self.logins = LoginGate(self.engine)
        self.lookup = PopLookup(self.engine, config.home_area_code)
        self.calls = LiveCalls(self.lookup)
        self.hub = EventHub(self.calls, config.home_area_code)
        self.presence = Presence(self.phone, self._profile_of, config.session.gone_seconds)
        self.routing = RoutingPush(self.phone, self._newest_routing)
        self._catching_up: set[asyncio.Task[None]] = set()
        self._placing: asyncio.Task[None] | None = None
        self._stored_more = asyncio.Event()
        self.recording_trouble = RecordingTrouble()
        self.queues = QueueBoard(self.hub.tell_all)
        self.finished_recordings = FinishedRecordings(self.read, self.hub.tell_all)
        self.precedence = Precedence(self.phone, self.read, lambda: self.routing.document, self.plan)
        self.hub.listeners += [
            self.metrics.heard,
            self.recording_trouble.heard,
            self.routing.heard,
            self.queues.heard,
            self.finished_recordings.heard,
            self.precedence.heard,
        ]

    async def start(self) -> None:
        """Begin to listen to the phone; it need not be there yet."""
        self.lookup.warm_up()
        self.store = EventStore(
            self.engine, self.plan, self.config.data / "events-set-aside.jsonl", self._events_stored
        )
        self.intake = Intake(
            self.settings.seam_path,
            self.config.node,
            self.phone,
            self.hub,
            self.calls,
            self.store,
            self._last_stored,
            self._phone_connected,
            self._phone_gone,
        )
        self.store.start()
        self.intake.start()
        self.finished_recordings.start()
        self._recheck = asyncio.create_task(self._recheck_consoles(), name="recheck")
        log.info("the console is open", address=f"{self.config.http.host}:{self.config.http.port}")

    async def stop(self) -> None:
        for console in list(self.hub.consoles):
            console.close(1012)
        self._recheck.cancel()
        self.queues.close()
        await self.finished_recordings.stop()
        await asyncio.gather(self._recheck, *self._catching_up, return_exceptions=True)
        await self.precedence.stop()
        await self.presence.stop()
        await self.intake.stop()
        await self.store.stop()
        self.logins.close()
        await asyncio.to_thread(self.lookup.close)
        await asyncio.to_thread(self.executor.shutdown, cancel_futures=True)
        self.engine.dispose()

    async def user_of(self, connection: HTTPConnection) -> User | None:
        return await self.sessions.user_of(connection)

    async def in_transaction(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with transaction(self.engine) as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self.executor, run)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` with a reading connection in a worker thread; never waits for a writer."""

        def run() -> T:
            with reading(self.engine) as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self.executor, run)

    async def read_log(self, work: Callable[[Connection], T]) -> T:
        """As ``read``, with every event that consoles have been told: a page that hears of one and asks finds it. With
        the database away, what there is."""
        await self.store.caught_up(LOG_PATIENCE)
        return await self.read(work)

    async def change_log(self, work: Callable[[Connection], T]) -> T:
        """As ``in_transaction``, for what is said of a call that consoles have been told of."""
        await self.store.caught_up(LOG_PATIENCE)
        return await self.in_transaction(work)

    def publish(self, event: dict[str, Any]) -> None:
        """Tell the consoles of an event that was stored already: what ``storage.event_log.append_desk_event`` gave."""
        if event["sequence"] == self.hub.cursor.get(event["node"], 0) + 1:
            self.hub.publish(event)
            return
        # another one was stored in between and comes first
        task = asyncio.ensure_future(self._catch_up(event["node"]))
        self._catching_up.add(task)
        task.add_done_callback(self._catching_up.discard)

    async def _catch_up(self, node: str) -> None:
        after = self.hub.cursor.get(node, 0)
        try:
            missed = await self.read(lambda conn: events_after(conn, node, after))
        except SQLAlchemyError as error:
            # the next one to be published brings these along
            log.error("events of the desk could not be read", reason=str(error))
            return
        for event in missed:
            self.hub.publish(event)

    async def push_rules(self) -> None:
        """Give the phone the rules in force. Raises ApiError when it is away or refuses one."""
        current = await self.read(rules.current)
        await self.phone.command(
            "rules.set",
            rules={
                name: {"value": rule.value, "unit": rule.unit, "version": rule.version}
                for name, rule in current.items()
            },
        )

    async def push_routing(self) -> None:
        """Give the phone the newest routing document, and agents the queues it has. Raises ApiError when the phone is
        away or refuses it."""
        await self.routing.push()
        await self.presence.renew()

    def _queue_called(self, name: str) -> Message:
        """What people call a queue, by the routing document that was given to the phone."""
        label = next((one.get("label") for one in self.routing.document.get("queues", ()) if one["name"] == name), None)
        return Message((label or {}).get("zh") or name, (label or {}).get("en") or name)

    async def _newest_routing(self) -> Document:
        saved, document = await self.read(lambda conn: documents.newest(conn, self.config))
        return {**document, "version": saved.version}

    async def _waiting_callbacks(self, sequence: int) -> list[Callback]:
        """By a log that has the phone's events up to ``sequence``."""
        while self.store.stored_through < sequence:
            self._stored_more.clear()
            await self._stored_more.wait()
        return await self.read(lambda conn: [*open_callbacks(conn), *forgone_callbacks(conn)])

    async def _place_callbacks(self, sequence: int) -> None:
        """Give the phone the call-backs that it does not hold: those that waited before it was asked what it holds, and
        still do by all that it had said until then."""
        try:
            before = {one.requested_in for one in await self._waiting_callbacks(sequence)}
            snapshot = await self.phone.command("snapshot")
            still = [one for one in await self._waiting_callbacks(snapshot["sequence"]) if one.requested_in in before]
            await place_again(self.phone, snapshot, still, time.time())
        except (ApiError, SQLAlchemyError) as error:
            log.error("call-backs that wait could not be placed again", reason=str(error))

    async def _profile_of(self, username: str) -> AgentProfile:
        def find(conn: Connection) -> AgentProfile:
            return profile_of(conn, username, documents.newest(conn, self.config)[1])

        try:
            return await self.read(find)
        except SQLAlchemyError as error:
            log.error("an agent's queues could not be read; those of the lines hold", user=username, reason=str(error))
            return AgentProfile(self.config.queues, {})

    async def _last_stored(self, node: str) -> int:
        self.hub.cursor.setdefault(DESK, await self.read(lambda conn: last_sequence(conn, DESK)))
        return await self.read(lambda conn: last_sequence(conn, node))

    async def _recheck_consoles(self) -> None:
        """Let consoles go whose session has ended elsewhere: expired, or the user was disabled on the command line."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            consoles = list(self.hub.consoles)
            if not consoles:
                continue
            try:
                users = await self.sessions.look_again([console.token for console in consoles])
            except SQLAlchemyError as error:
                log.warning("the sessions could not be looked up again", reason=str(error))
                continue
            for console in consoles:
                if users[console.token] is None:
                    # no call rings there any more; one that is talked in goes on
                    console.close(SIGNED_OUT)
                    await self.presence.signed_out(console.user.username, leave=False)

    def _events_stored(self, sequence: int) -> None:
        self.intake.stored(sequence)
        self._stored_more.set()

    async def _phone_connected(self, snapshot: dict[str, Any]) -> None:
        log.info("the phone process is there", node=snapshot.get("node"), version=snapshot.get("version"))
        self.metrics.snapshot(snapshot)
        self.queues.begin(snapshot.get("calls", []), time.time())
        for push in (self.push_rules, self.routing.push):
            try:
                await push()
            except (ApiError, SQLAlchemyError) as error:
                log.error("the phone does not have all it is set by", what=push.__name__, reason=str(error))
        await self.presence.phone_connected(snapshot)
        self._placing = asyncio.create_task(self._place_callbacks(snapshot["sequence"]), name="call-backs")
        self.hub.tell_all({"type": "phone", "connected": True})

    def _phone_gone(self) -> None:
        if self._placing is not None:
            self._placing.cancel()
        self.metrics.phone_gone()
        self.routing.phone_gone()
        self.hub.tell_all({"type": "phone", "connected": False})
