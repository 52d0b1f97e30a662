"""The headset socket as a browser's worker speaks it (docs/architecture.md): probes, frames in, frames out."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from console.headless_agent import sound
from console.headless_agent.console_api import ConsoleApi, ConsoleRefused
from telephony.media.silence import FRAME_SAMPLES, G711, silence

_log = logging.getLogger(__name__)

_HEADER = struct.Struct("!BBHI")
FRAME = 0.02
REPLACED = 4001
#: seconds before a lost socket is tried again
RETRY = 0.5
#: a sender that is this late (s) leaves out what it missed
MOST_LATE = 0.2


class HeadsetLine:
    """Keeps the socket open until ``stop``; plays and records while a call's audio runs.

    ``tell(event, **fields)`` hears ``headset`` (connected), ``headset_lost`` (reason) and ``audio`` (call, running).
    """

    def __init__(self, api: ConsoleApi, console: str, tell: Callable[..., None], pcm: bytes | None = None) -> None:
        self._api = api
        self._console = console
        self._tell = tell
        self._pcm = pcm
        self._frames: dict[int, list[bytes]] = {}
        self._task: asyncio.Task[None] | None = None
        self._player: asyncio.Task[None] | None = None
        self._call = ""
        self.connected = asyncio.Event()
        self.heard: dict[str, sound.Heard] = {}
        self.muted = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep_open(), name="headset")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _keep_open(self) -> None:
        while True:
            reason = ""
            try:
                ticket = await self._api.post("/api/headset", {"console": self._console})
                url = f"{ticket['url']}{'&' if '?' in ticket['url'] else '?'}token={quote(ticket['token'])}"
                context = self._api.tls if url.startswith("wss:") else None
                async with connect(url, compression=None, ssl=context, proxy=None) as socket:
                    await self._serve(socket)
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                reason = closed.rcvd.reason if closed.rcvd else "broke off"
                if code == REPLACED:
                    self._tell("headset_lost", reason="replaced")
                    return
            except (ConsoleRefused, OSError, WebSocketException, KeyError, TypeError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            finally:
                self._silence()
                was_there = self.connected.is_set()
                self.connected.clear()
            if was_there:
                self._tell("headset_lost", reason=reason)
            else:
                _log.info("headset: %s", reason)
            await asyncio.sleep(RETRY)

    async def _serve(self, socket: ClientConnection) -> None:
        async for message in socket:
            if isinstance(message, str):
                await self._obey(socket, json.loads(message))
            elif len(message) > _HEADER.size and message[0] in G711 and self._call:
                payload_type, _flags, _sequence, timestamp = _HEADER.unpack_from(message)
                self.heard[self._call].packet(payload_type, timestamp, message[_HEADER.size :])

    async def _obey(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "welcome":
            self.connected.set()
            self._tell("headset", agent=message.get("agent"))
        elif kind == "probe":
            alive = {"type": "alive", "n": message["n"], "page_age_ms": 0, "stats": {}}
            await socket.send(json.dumps(alive))
        elif kind == "start":
            self._silence()
            self._call = str(message["call"])
            self.heard.setdefault(self._call, sound.Heard())
            self._player = asyncio.create_task(self._play(socket, int(message["payload_type"])))
            self._tell("audio", call=self._call, running=True, payload_type=message["payload_type"])
        elif kind == "stop" and message.get("call") == self._call:
            self._silence()
            self._tell("audio", call=message["call"], running=False)
        elif kind == "mute":
            self.muted = bool(message.get("muted"))

    def _silence(self) -> None:
        self._call = ""
        self.muted = False
        if self._player is not None:
            self._player.cancel()
            self._player = None

    async def _play(self, socket: ClientConnection, payload_type: int) -> None:
        loop = asyncio.get_running_loop()
        quiet = [silence(payload_type)]
        if self._pcm is not None and payload_type not in self._frames:
            self._frames[payload_type] = sound.frames(self._pcm, payload_type)
        cut = self._frames.get(payload_type, quiet)
        sequence = secrets.randbits(16)
        timestamp = secrets.randbits(32)
        due = loop.time()
        number = 0
        marker = 1
        try:
            while True:
                payload = quiet[0] if self.muted else cut[number % len(cut)]
                await socket.send(_HEADER.pack(payload_type, marker, sequence, timestamp) + payload)
                marker = 0
                number += 1
                sequence = (sequence + 1) & 0xFFFF
                timestamp = (timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
                due += FRAME
                late = loop.time() - due
                if late > MOST_LATE:
                    missed = int(late / FRAME)
                    due += missed * FRAME
                    timestamp = (timestamp + missed * FRAME_SAMPLES) & 0xFFFFFFFF
                    marker = 1
                await asyncio.sleep(max(0.0, due - loop.time()))
        except ConnectionClosed:
            return  # the reader tells
