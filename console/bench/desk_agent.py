"""An agent for measuring: both of the console's sockets, ready for calls, every event with the time it came."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from console.bench.product import PASSWORD

OnEvent = Callable[[dict[str, Any], int], None]


def _unheard(_event: dict[str, Any], _now: int) -> None:
    pass


class DeskAgent:
    """``on_event(event, monotonic_ns)`` hears the events of ``/ws/events`` whose type is one of ``types``; the time is
    taken before they are parsed.

    ``start`` is all that makes an agent ready. Who has both sockets elsewhere calls ``log_in``, opens them there (the
    console's with ``cookie``, the headset's at the address that it gives), and calls ``ready``. ``rings`` holds when
    the phone said on the headset's socket that a call rings here, by call.
    """

    def __init__(self, url: str, username: str, on_event: OnEvent = _unheard, types: tuple[str, ...] = ()) -> None:
        self.url = url
        self.username = username
        self.on_event = on_event
        self.types = tuple(f'"{kind}"' for kind in types)
        self.cookie = ""
        self.rings: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: list[ClientConnection] = []

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the JSON API. Raises urllib.error.HTTPError."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json", "Origin": self.url, "Cookie": self.cookie},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            if cookie := answer.headers.get("Set-Cookie"):
                self.cookie = cookie.split(";")[0]
            text = answer.read()
            return json.loads(text) if text else None

    async def start(self) -> None:
        address = await self.log_in()
        await self._listen()
        headset = await connect(address, origin=self.url, compression=None)  # type: ignore[arg-type]
        self._sockets.append(headset)
        self._tasks.append(asyncio.ensure_future(self._answer_probes(headset)))
        await asyncio.sleep(0.2)
        await self.ready()

    async def log_in(self) -> str:
        """Gives the address of the headset's socket, with a token that is good for a short while."""
        await asyncio.to_thread(self.request, "POST", "/api/session", {"username": self.username, "password": PASSWORD})
        ticket = await asyncio.to_thread(self.request, "POST", "/api/headset", {})
        return f"{ticket['url']}?token={ticket['token']}"

    async def _listen(self) -> None:
        events = await connect(
            self.url.replace("http", "ws") + "/ws/events",
            additional_headers={"Cookie": self.cookie},
            origin=self.url,  # type: ignore[arg-type]
            compression=None,
            max_size=None,
        )
        await events.send(json.dumps({"type": "hello", "console": self.username, "after": {}}))
        await events.recv()
        self._sockets.append(events)
        self._tasks.append(asyncio.ensure_future(self._hear(events)))

    async def ready(self) -> None:
        await asyncio.to_thread(self.request, "POST", "/api/agent/state", {"state": "ready", "reason": ""})

    async def _hear(self, events: ClientConnection) -> None:
        async for message in events:
            now = time.monotonic_ns()
            # whoever waits for a few kinds must not be late because of all the others
            if isinstance(message, str) and any(kind in message for kind in self.types):
                self.on_event(json.loads(message), now)

    async def _answer_probes(self, headset: ClientConnection) -> None:
        async for message in headset:
            now = time.monotonic_ns()
            said = json.loads(message) if isinstance(message, str) else {}
            if said.get("type") == "probe":
                await headset.send(json.dumps({"type": "alive", "n": said["n"], "page_age_ms": 1, "stats": {}}))
            elif said.get("type") == "ring" and said["on"]:
                self.rings.setdefault(said["call"], now)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for websocket in self._sockets:
            with contextlib.suppress(OSError):
                await websocket.close()
