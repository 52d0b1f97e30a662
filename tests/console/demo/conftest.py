"""A whole phone with a sippy line and an agent's headset, and the simulated patients on the far end of its trunk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiortp.port_allocator import PortAllocator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from console.demo.callers.callee import Callees
from console.demo.callers.caller import CallReport, Patience, call
from console.demo.callers.clip import SILENCE
from console.demo.callers.conversation import INBOUND, OUTBOUND
from console.demo.callers.trunk import Trunk
from recordings.capture import CaptureRecorder
from telephony.events import Event
from telephony.lines.sippy_driver import SippyDriver
from telephony.media.g711 import encode
from telephony.media.token import sign
from telephony.phone import Phone
from telephony.seam.client import SeamClient
from telephony.settings import LineSettings, PhoneSettings

#: one sentence is enough here
SHORT_CALL = replace(INBOUND[2], sentences=INBOUND[2].sentences[:1])
SHORT_ANSWER = replace(OUTBOUND, sentences=OUTBOUND.sentences[:1])
PATIENCE = Patience(ring_seconds=15.0, turn_seconds=0.4)


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Ward:
    """``events`` are the phone's; ``trunk`` is the patients' user agent; ``heard`` counts packets at the headset."""

    def __init__(self, folder: Path) -> None:
        patients, sip = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        line = LineSettings(name="trunk", peers=("127.0.0.1",), proxy=f"127.0.0.1:{patients}", caller_id="057188000000")
        self.settings = PhoneSettings(
            data=folder,
            sip_host="127.0.0.1",
            sip_port=sip,
            rtp_host="127.0.0.1",
            rtp_ports=(35000, 35199),
            headset_port=free_port(socket.SOCK_STREAM),
            secret="a secret of the test's own",
            lines=(line,),
        )
        self.trunk = Trunk("127.0.0.1", patients, ("127.0.0.1", sip))
        self.ports = PortAllocator((42000, 42199))
        self.events: list[Event] = []
        self.heard = 0
        self.answers = True
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Ward]:
        recorder = CaptureRecorder(self.settings.data, asyncio.get_running_loop())
        phone = Phone(self.settings, SippyDriver(self.settings), recorder, "test")
        phone.stream.listen(self._happened)
        await phone.start()
        await self.trunk.start()
        callees = Callees(
            self.trunk, self.ports, PATIENCE, random.Random(1), ring_seconds=0.3, conversation=SHORT_ANSWER
        )
        self.seam = await SeamClient.connect(self.settings.seam_path)
        try:
            yield self
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.seam.close()
            await callees.stop()
            await self.trunk.stop()
            await phone.stop()

    async def agent_is_ready(self, tone: bytes = SILENCE, queues: tuple[str, ...] = ("default",)) -> None:
        """agent1 with a headset that says ``tone`` (one A-law packet, over and over) and answers what rings."""
        await self.seam.command("agent.sign_in", agent="agent1", name="", queues=list(queues))
        token = sign(self.settings.secret, "agent1", "test", 60)
        headset = await connect(f"ws://127.0.0.1:{self.settings.headset_port}/headset?token={token}")
        await headset.recv()
        self._tasks.append(asyncio.create_task(self._wear(headset, tone)))
        await self.seam.command("agent.ready", agent="agent1")

    async def patient_calls(self, number: str = "13800138000", patience: Patience = PATIENCE) -> CallReport:
        return await call(self.trunk, self.ports, number, "01066880000", SHORT_CALL, patience, random.Random(1))

    async def event(self, kind: type[Event], **fields: Any) -> Any:
        """The first event of this kind with these fields."""
        async with asyncio.timeout(15):
            while True:
                for event in self.events:
                    if type(event) is kind and all(getattr(event, key) == value for key, value in fields.items()):
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    def _happened(self, event: Event) -> None:
        self.events.append(event)
        self._arrived.set()
        if self.answers and type(event).__name__ == "CallOffered":
            command = self.seam.command("call.answer", agent="agent1", call=event.call)  # type: ignore[attr-defined]
            self._tasks.append(asyncio.create_task(command))

    async def _wear(self, headset: ClientConnection, tone: bytes) -> None:
        """Speak while a call is on; answer probes; count what is heard."""
        speaking: asyncio.Task[None] | None = None
        try:
            async for message in headset:
                if isinstance(message, bytes):
                    self.heard += 1
                    continue
                said = json.loads(message)
                if said["type"] == "probe":
                    await headset.send(json.dumps({"type": "alive", "n": said["n"], "page_age_ms": 1}))
                elif said["type"] == "start":
                    speaking = asyncio.create_task(self._speak(headset, tone))
                elif said["type"] == "stop" and speaking is not None:
                    speaking.cancel()
        finally:
            if speaking is not None:
                speaking.cancel()
            await headset.close()

    async def _speak(self, headset: ClientConnection, tone: bytes) -> None:
        with contextlib.suppress(ConnectionClosed):
            for number in range(3000):
                head = bytes((8, number == 0)) + number.to_bytes(2, "big") + (number * 160).to_bytes(4, "big")
                await headset.send(head + tone)
                await asyncio.sleep(0.02)


@pytest.fixture
def ward(tmp_path: Path) -> Callable[[Callable[[Ward], Awaitable[None]]], None]:
    """Runs an async body with phone and patients, within 60 s."""

    def run(body: Callable[[Ward], Awaitable[None]]) -> None:
        async def main() -> None:
            async with Ward(tmp_path).open() as open_ward, asyncio.timeout(60):
                await body(open_ward)

        asyncio.run(main())

    return run


@pytest.fixture
def loud_packet() -> bytes:
    """20 ms of a 500 Hz square wave as A-law: about -16 dBFS."""
    pcm = b"".join((5000 if n // 8 % 2 else -5000).to_bytes(2, "little", signed=True) for n in range(160))
    return encode(pcm, 8)
