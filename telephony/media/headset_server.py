"""The server behind ``/headset``: tokens, one headset an agent, and headsets that are gone (docs/architecture.md)."""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from http import HTTPStatus
from time import monotonic_ns
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from picows import (
    WSListener,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from telephony.events import CallOffered, Event, OfferEnded
from telephony.media.headset import BAD_TOKEN, REPLACED, SILENT_SOCKET, Headset
from telephony.media.headset_liveness import PROBE_EVERY, SILENT
from telephony.media.token import InvalidToken, verify
from telephony.settings import PhoneSettings

_log = logging.getLogger(__name__)

PATH = "/headset"
_MOST_FRAME = 8192
_GOING_AWAY = 1001
#: probes of many headsets do not all go out at once: audio would have to wait for them
_STEPS = 20
#: ns by which a step is late before it counts that we ourselves did not run
_STALLED = 10_000_000


class HeadsetListener(Protocol):
    def headset_connected(self, agent: str, console: str) -> None:
        """A headset is there: a new one, one that takes an older one's place, or one whose page runs again."""

    def headset_lost(self, agent: str, reason: str) -> None:
        """``closed``, ``silent`` (the socket is dead), ``frozen`` (the page hangs; audio of a call may still flow) or
        ``unplugged`` (no microphone; the agent still hears). Told again where one trouble follows another.

        One that a newer headset replaces is not reported lost: its successor is reported connected.
        """


class HeadsetServer:
    def __init__(self, settings: PhoneSettings, listener: HeadsetListener) -> None:
        self._settings = settings
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._prober: asyncio.Task[None] | None = None
        #: the newest of each agent
        self._by_agent: dict[str, Headset] = {}
        self._all: set[Headset] = set()
        self._numbers = itertools.count()
        self.port = 0

    async def start(self) -> None:
        """Raises OSError (port taken) or ssl.SSLError (certificate)."""
        settings = self._settings
        context = None
        if settings.certfile:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(settings.certfile, settings.keyfile or None)
        self._server = await ws_create_server(
            self._route,
            settings.headset_host,
            settings.headset_port,
            ssl=context,
            max_frame_size=_MOST_FRAME,
            logger_name="headset",
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._prober = asyncio.get_running_loop().create_task(self._probe())

    async def stop(self) -> None:
        """Close all headsets (1001). No losses are reported."""
        if self._prober is not None:
            self._prober.cancel()
            self._prober = None
        self._by_agent.clear()
        for headset in list(self._all):
            headset.close(_GOING_AWAY, "the phone stops")
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def headset(self, agent: str) -> Headset | None:
        """The headset that can take a call now, or None."""
        headset = self._by_agent.get(agent)
        return headset if headset is not None and headset.open and not headset.trouble else None

    def connected(self) -> list[str]:
        """Agents whose headset can take a call."""
        return [agent for agent in self._by_agent if self.headset(agent) is not None]

    def observe(self, event: Event) -> None:
        """Heeds the event stream: tells a headset that a call rings at its agent, or no longer does."""
        if isinstance(event, CallOffered | OfferEnded):
            headset = self._by_agent.get(event.agent)
            if headset is not None:
                headset.send_text({"type": "ring", "call": event.call, "on": isinstance(event, CallOffered)})

    # the sockets

    def _route(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener | None:
        url = urlsplit(request.path.decode("latin-1"))
        if url.path != PATH:
            return None
        origin = request.headers.get("Origin")
        if self._settings.headset_origins and origin not in self._settings.headset_origins:
            _log.warning("headset refused: its origin is not among headset_origins")
            refusal = WSUpgradeResponse.create_error_response(HTTPStatus.FORBIDDEN, b"origin not allowed")
            return WSUpgradeResponseWithListener(refusal, None)
        token = parse_qs(url.query).get("token", [""])[0]
        try:
            claims = verify(self._settings.secret, token)
        except InvalidToken as error:
            _log.warning("headset refused: token %s", error)
            return _Refusal(str(error))
        return Headset(claims.agent, claims.console, self, next(self._numbers))

    def opened(self, headset: Headset) -> None:
        self._all.add(headset)
        older = self._by_agent.get(headset.agent)
        self._by_agent[headset.agent] = headset
        if older is not None and older.open:
            older.send_text({"type": "replaced"})
            older.close(REPLACED, "replaced")
        self._tell_connected(headset)

    def closed(self, headset: Headset, reason: str) -> None:
        self._all.discard(headset)
        if self._by_agent.get(headset.agent) is not headset:
            return
        del self._by_agent[headset.agent]
        if headset.trouble != SILENT:  # else it was reported when the socket was found dead
            self._tell_lost(headset, reason)

    def changed(self, headset: Headset) -> None:
        if self._by_agent.get(headset.agent) is headset and headset.open:
            self._weigh(headset, monotonic_ns())

    async def _probe(self) -> None:
        for step in itertools.cycle(range(_STEPS)):
            due = monotonic_ns() + int(PROBE_EVERY / _STEPS * 1e9)
            await asyncio.sleep(PROBE_EVERY / _STEPS)
            now = monotonic_ns()
            if now - due > _STALLED:
                for headset in self._by_agent.values():
                    headset.liveness.forgive(now - due)
            for headset in list(self._by_agent.values()):
                if headset.number % _STEPS != step:
                    continue
                try:
                    if self._weigh(headset, now):
                        headset.probe()
                except Exception:
                    _log.exception("probe of a headset failed")

    def _weigh(self, headset: Headset, now: int) -> bool:
        """Tell of a headset that got into trouble or out of it; False: its socket is dead."""
        trouble = headset.liveness.trouble(now)
        before, headset.trouble = headset.trouble, trouble
        if trouble == SILENT:
            self._tell_lost(headset, SILENT)
            headset.close(SILENT_SOCKET, SILENT)
            return False
        if trouble and trouble != before:
            self._tell_lost(headset, trouble)
        elif before and not trouble:
            self._tell_connected(headset)
        return True

    def _tell_connected(self, headset: Headset) -> None:
        try:
            self._listener.headset_connected(headset.agent, headset.console)
        except Exception:
            _log.exception("headset_connected failed")

    def _tell_lost(self, headset: Headset, reason: str) -> None:
        try:
            self._listener.headset_lost(headset.agent, reason)
        except Exception:
            _log.exception("headset_lost failed")


class _Refusal(WSListener):
    """Lets a browser see why: a refused upgrade would only show it 1006."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send_close(BAD_TOKEN, self._reason.encode())  # type: ignore[arg-type]
        transport.disconnect()
