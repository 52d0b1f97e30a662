"""``HeadlessAgent``: signs in, holds the two sockets that a browser holds, and does what an agent does with a call."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from console.headless_agent import sound
from console.headless_agent.call_deeds import CallDeeds, Target
from console.headless_agent.console_api import ConsoleApi, ConsoleRefused
from console.headless_agent.headset_line import REPLACED, RETRY, HeadsetLine

_log = logging.getLogger(__name__)

#: an event socket frame may carry a snapshot of the whole floor
MOST_FRAME = 16 * 1024 * 1024
#: the event socket is closed with it when the session ended (docs/architecture.md)
SIGNED_OUT = 4003
#: calls whose sound stays in memory
KEPT_CALLS = 20


class HeadlessAgent(CallDeeds):
    """Use as ``async with HeadlessAgent(url, user, password) as agent``.

    What happens is told as records ``{"event", "at", …}``: ``signed_in``, ``headset``, ``headset_lost``, ``console``,
    ``ready``, ``dialled``, ``ringing``, ``answered``, ``audio``, ``offer_ended``, ``joined``, ``left``,
    ``transferred``, ``transfer_failed``, ``ended``, ``disposed``, ``recorded``, ``refused``, ``replaced``,
    ``signed_out``; ``told`` keeps
    the last 5000, ``on_event`` hears each, ``wait_for`` awaits one. Numbers are masked in them.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        play: Path | None = None,
        record: Path | None = None,
        auto_answer: bool = False,
        ready: bool = False,
        hang_up_after: float | None = None,
        disposition: str | None = None,
        transfer_to: Target | None = None,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Raises ValueError for a bad ``url``, UnreadableSound or OSError for ``play``."""
        self.user = user
        self._password = password
        super().__init__(ConsoleApi(url))
        self._record = record
        self._recorded = 0
        self._auto_answer = auto_answer
        self._ready = ready
        self._hang_up_after = hang_up_after
        self._disposition = disposition
        self._transfer_to = transfer_to
        self._on_event = on_event
        self._console = secrets.token_hex(8)
        pcm = None if play is None else sound.load(play)
        self._headset = HeadsetLine(self._api, self._console, self._headset_said, pcm)
        self._cursor: dict[str, int] = {}
        self._events: asyncio.Task[None] | None = None
        self._deeds: set[asyncio.Task[None]] = set()
        self._mine: set[str] = set()
        #: calls that ended: other facts about them may still come
        self._over: deque[str] = deque(maxlen=200)
        self._news = asyncio.Condition()
        self._saved: deque[str] = deque()
        self.told: deque[dict[str, Any]] = deque(maxlen=5000)
        #: ends since the start
        self.ended = 0
        self.replaced = False
        self.signed_out = False

    @property
    def api(self) -> ConsoleApi:
        return self._api

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, within: float = 15.0) -> None:
        """Sign in and open both sockets. Raises ConsoleRefused (wrong password …), OSError or TimeoutError."""
        await self._api.post("/api/session", {"username": self.user, "password": self._password})
        self._tell("signed_in", user=self.user)
        self._events = asyncio.create_task(self._keep_events(), name="events")
        await self.wait_for("console", within)
        self._headset.start()
        await asyncio.wait_for(self._headset.connected.wait(), within)

    async def stop(self) -> None:
        """Close the sockets and sign out. What was heard of a call that still runs is saved."""
        for task in [self._events, *self._deeds]:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._events = None
        await self._headset.stop()
        for call in list(self._headset.heard):
            self._save(call)
        try:
            await self._api.delete("/api/session")
        except (ConsoleRefused, OSError) as error:
            _log.info("signing out: %s", error)

    # deeds; each raises ConsoleRefused or OSError

    async def be_ready(self) -> None:
        await self._api.post("/api/agent/state", {"state": "ready"})
        self._tell("ready")

    async def be_not_ready(self, reason: str = "") -> None:
        await self._api.post("/api/agent/state", {"state": "not_ready", "reason": reason})

    async def dial(self, number: str, line: str = "") -> str:
        """The new call's id; without a line the phone takes the first that is up."""
        answer = await self._api.post("/api/calls", {"number": number, "line": line})
        call = str(answer["id"])
        self._mine.add(call)
        self._tell("dialled", call=call)
        return call

    async def dispose(self, call: str, code: str = "", note: str = "") -> None:
        """Close the call's wrap-up. Without a ``code``: the first that the console offers."""
        if not code:
            offered = await self._api.get("/api/dispositions")
            offered = offered.get("dispositions", []) if isinstance(offered, dict) else offered
            code = offered[0]["code"]
        await self._api.put(f"/api/calls/{quote(call)}/disposition", {"code": code, "note": note})
        self._tell("disposed", call=call, code=code)

    def heard(self, call: str) -> bytes:
        """What the headset heard of ``call``: 8 kHz mono, 16-bit little-endian PCM."""
        heard = self._headset.heard.get(call)
        return heard.pcm if heard is not None else b""

    async def wait_for(self, event: str, within: float = 15.0, **fields: Any) -> dict[str, Any]:
        """The first record of ``event`` with these fields, past ones too. Raises TimeoutError, and says what came."""

        def found() -> dict[str, Any] | None:
            for record in self.told:
                if record["event"] == event and all(record.get(name) == value for name, value in fields.items()):
                    return record
            return None

        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: found() is not None)
        except TimeoutError:
            came = [record["event"] for record in self.told]
            raise TimeoutError(f"no {event} {fields} within {within} s; there were {came}") from None
        record = found()
        assert record is not None
        return record

    # the event socket

    async def _keep_events(self) -> None:
        url = self._api.socket_url("/ws/events")
        while True:
            try:
                headers = {"Cookie": self._api.cookie}
                async with connect(
                    url, additional_headers=headers, ssl=self._api.tls, max_size=MOST_FRAME, proxy=None
                ) as socket:
                    hello = {"type": "hello", "console": self._console, "after": self._cursor}
                    await socket.send(json.dumps(hello))
                    async for text in socket:
                        self._heard_of(json.loads(text))
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code == REPLACED:
                    self.replaced = True
                    self._tell("replaced")
                    return
                if closed.rcvd is not None and closed.rcvd.code == SIGNED_OUT:
                    self.signed_out = True
                    self._tell("signed_out")
                    return
                _log.info("event socket closed: %s", closed)
            except (OSError, WebSocketException, ValueError, TimeoutError) as error:
                _log.info("event socket: %s", error)
            await asyncio.sleep(RETRY)

    def _heard_of(self, event: dict[str, Any]) -> None:
        kind = str(event.get("type", ""))
        if kind == "snapshot":
            self._cursor.update(event.get("cursor") or {})
            self._tell("console")
            return
        if "node" in event and "sequence" in event:
            self._cursor[event["node"]] = max(event["sequence"], self._cursor.get(event["node"], -1))
        call = str(event.get("call", ""))
        if event.get("agent") == self.user and call and call not in self._over:
            self._mine.add(call)
        if call not in self._mine:
            return
        if kind == "call.offered" and event.get("agent") == self.user:
            pop = event.get("pop") or {}
            self._tell("ringing", call=call, masked=pop.get("masked"), match=pop.get("match"), rang_at=event.get("at"))
            if self._auto_answer:
                self._do(self.answer(call))
        elif kind == "call.offer_ended" and event.get("agent") == self.user:
            self._tell("offer_ended", call=call, outcome=event.get("outcome"), rings=event.get("rings"))
        elif kind == "call.answered" and event.get("agent") == self.user:
            rings = {name: event.get(name) for name in ("caller_rings", "agent_rings", "within_three_rings", "codec")}
            self._tell("answered", call=call, **rings)
            if self._transfer_to is not None:
                self._do(self.transfer(call, **self._transfer_to))
            elif self._hang_up_after is not None:
                self._do(self._hang_up_later(call, self._hang_up_after))
        elif kind == "party.joined" and event.get("agent") == self.user:
            self._tell("joined", call=call, party=event["party"], role=event["role"])
        elif kind in ("call.transferred", "call.transfer_failed") and event.get("by") == self.user:
            self._tell(kind.removeprefix("call."), call=call, kind=event.get("kind"), target=event.get("target"))
        elif kind == "party.left":
            self._party_left(call, event)
        elif kind == "call.ended":
            self._mine.discard(call)
            self._over.append(call)
            self._call_ended(call, event)

    def _party_left(self, call: str, event: dict[str, Any]) -> None:
        self._tell("left", call=call, party=event["party"], by=event.get("by"), joined=event.get("joined"))

    def _call_ended(self, call: str, event: dict[str, Any]) -> None:
        self.ended += 1
        names = ("by", "sip_status", "reason", "talk_seconds")
        self._save(call)
        self._tell("ended", call=call, **{name: event.get(name) for name in names})
        if self._disposition is not None and event.get("agent") == self.user:
            self._do(self.dispose(call, self._disposition))

    async def _hang_up_later(self, call: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if call in self._mine:
            await self.hang_up(call)

    def _headset_said(self, event: str, **fields: Any) -> None:
        self._tell(event, **fields)
        if event == "headset" and self._ready:
            self._do(self.be_ready())

    def _do(self, deed: Any) -> None:
        """Run a deed beside the sockets; a refusal is told, not raised."""

        async def guarded() -> None:
            try:
                await deed
            except (ConsoleRefused, OSError, KeyError, IndexError, TypeError) as error:
                self._tell("refused", reason=str(error), code=getattr(error, "code", ""))

        task = asyncio.create_task(guarded())
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)

    def _save(self, call: str) -> None:
        heard = self._headset.heard.get(call)
        if heard is None or call in self._saved:
            return
        self._saved.append(call)
        if len(self._saved) > KEPT_CALLS:
            self._headset.heard.pop(self._saved.popleft(), None)
        if self._record is None:
            return
        self._recorded += 1
        path = self._record
        if self._recorded > 1:
            path = path.with_name(f"{path.stem}-{self._recorded}{path.suffix}")
        try:
            heard.save(path)
        except OSError as error:
            self._tell("refused", reason=f"{path} cannot be written: {error.strerror}", code="not_recorded")
            return
        self._tell("recorded", call=call, file=str(path), seconds=round(len(heard.pcm) / 16000, 2))

    def _tell(self, event: str, **fields: Any) -> None:
        record = {"event": event, "at": round(time.time(), 4), **fields}
        self.told.append(record)
        if self._on_event is not None:
            self._on_event(record)
        task = asyncio.get_running_loop().create_task(self._announce())
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)

    async def _announce(self) -> None:
        async with self._news:
            self._news.notify_all()
