"""A whole phone in the test's own process: real SIP and RTP sockets on loopback, a real headset socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from call_floor import CallFloor, call_floor
from websockets.asyncio.client import ClientConnection, connect

from console.bench.product import free_port
from console.bench.sip_source import SipSource, SourceCall
from recordings.capture import CaptureRecorder
from telephony.events import Event
from telephony.lines.sippy_driver import SippyDriver
from telephony.media.token import sign
from telephony.phone import Phone
from telephony.seam.client import SeamClient
from telephony.settings import LineSettings, PhoneSettings


class Desk:
    """A running phone, its event list, and a source of calls."""

    def __init__(self, folder: Path) -> None:
        self.settings = PhoneSettings(
            data=folder,
            sip_host="127.0.0.1",
            sip_port=free_port(socket.SOCK_DGRAM),
            rtp_host="127.0.0.1",
            rtp_ports=(34000, 34199),
            headset_port=free_port(),
            secret="a secret of the test's own",
            lines=(LineSettings(name="trunk", peers=("127.0.0.1",), proxy=f"127.0.0.1:{free_port()}"),),
        )
        self.events: list[Event] = []
        self._arrived = asyncio.Event()
        self._sockets: list[ClientConnection] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Desk]:
        recorder = CaptureRecorder(self.settings.data, asyncio.get_running_loop())
        self.phone = Phone(self.settings, SippyDriver(self.settings), recorder, "test")
        self.phone.stream.listen(self._heard)
        await self.phone.start()
        self.source = await SipSource.open(("127.0.0.1", self.settings.sip_port))
        self.seam = await SeamClient.connect(self.settings.seam_path)
        try:
            yield self
        finally:
            await self.seam.close()
            for headset in self._sockets:
                await headset.close()
            self.source.close()
            await self.phone.stop()

    def _heard(self, event: Event) -> None:
        self.events.append(event)
        self._arrived.set()

    async def event(self, kind: type[Event], **fields: Any) -> Any:
        """The first event of this kind with these fields, waiting for it if need be."""
        async with asyncio.timeout(10):
            while True:
                for event in self.events:
                    if type(event) is kind and all(getattr(event, key) == value for key, value in fields.items()):
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    async def headset(self, agent: str) -> ClientConnection:
        """A headset that answers its probes."""
        token = sign(self.settings.secret, agent, "test", 60)
        headset = await connect(f"ws://127.0.0.1:{self.settings.headset_port}/headset?token={token}")
        self._sockets.append(headset)
        await headset.recv()

        async def answer_probes() -> None:
            with contextlib.suppress(Exception):
                async for message in headset:
                    if isinstance(message, str) and (probe := json.loads(message))["type"] == "probe":
                        await headset.send(json.dumps({"type": "alive", "n": probe["n"], "page_age_ms": 1}))

        headset.prober = asyncio.ensure_future(answer_probes())  # type: ignore[attr-defined]
        return headset

    async def ready(self, agent: str) -> ClientConnection:
        await self.seam.command("agent.sign_in", agent=agent, name=agent, queues=["default"])
        headset = await self.headset(agent)
        await self.seam.command("agent.ready", agent=agent)
        return headset

    async def over(self, call: SourceCall) -> int:
        """Wait for the INVITE's final status."""
        await asyncio.wait_for(call.done.wait(), 10)
        return call.status


@pytest.fixture
def desk(tmp_path: Path) -> Callable[[Callable[[Desk], Awaitable[None]]], None]:
    """Runs an async body with a running phone, within 30 s."""

    def run(body: Callable[[Desk], Awaitable[None]]) -> None:
        async def main() -> None:
            async with Desk(tmp_path).running() as desk, asyncio.timeout(30):
                await body(desk)

        asyncio.run(main())

    return run


@pytest.fixture
def on_floor(tmp_path: Path) -> Callable[..., None]:
    """Runs an async body on a floor of its own, within 60 s."""

    def run(body: Callable[[CallFloor], Awaitable[None]], **line: Any) -> None:
        async def main() -> None:
            async with asyncio.timeout(60), call_floor(tmp_path, **line) as at:
                await body(at)

        asyncio.run(main())

    return run
