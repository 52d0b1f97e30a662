"""Parts of the media tests: a telephone on loopback, a headset client, a tap that keeps what it hears, tones."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from telephony.media import g711
from telephony.media.gathering_loop import GatheringLoop
from telephony.media.headset_server import HeadsetServer
from telephony.media.ports import MediaPorts
from telephony.media.token import sign
from telephony.settings import PhoneSettings

SECRET = "a secret of the tests"


@dataclass(frozen=True)
class Agreed:
    remote_port: int
    remote_host: str = "127.0.0.1"
    codec: str = "PCMA"
    payload_type: int = 8
    dtmf_payload_type: int | None = 101
    direction: str = "sendrecv"


class Telephone:
    """The peer's end of a leg."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((host, 0))
        self.udp.setblocking(False)
        self.port: int = self.udp.getsockname()[1]
        self.sequence = 0
        self.timestamp = 0

    def send(
        self, to: int, payload: bytes = b"\x2a" * 160, *, payload_type: int = 8, ssrc: int = 7, marker: bool = False
    ) -> None:
        second = payload_type | (0x80 if marker else 0)
        header = struct.pack("!BBHII", 0x80, second, self.sequence, self.timestamp, ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + len(payload)) & 0xFFFFFFFF
        self.udp.sendto(header + payload, ("127.0.0.1", to))

    async def receive(self, within: float = 5.0) -> bytes:
        async with asyncio.timeout(within):
            return await asyncio.get_running_loop().sock_recv(self.udp, 2048)

    def waiting(self) -> list[bytes]:
        """All that has arrived."""
        datagrams = []
        for _ in range(10_000):
            try:
                datagrams.append(self.udp.recv(2048))
            except BlockingIOError:
                break
        return datagrams

    def close(self) -> None:
        self.udp.close()


@dataclass
class KeepingTap:
    packets: list[tuple[int, int, int, bytes, int]] = field(default_factory=list)
    closed: int = 0

    def packet(self, leg: int, payload_type: int, timestamp: int, payload: bytes, monotonic_ns: int) -> None:
        self.packets.append((leg, payload_type, timestamp, payload, monotonic_ns))

    def close(self) -> None:
        self.closed += 1

    def of(self, leg: int) -> list[tuple[int, int, int, bytes, int]]:
        return [packet for packet in self.packets if packet[0] == leg]


@dataclass
class KeepingListener:
    told: list[tuple[str, str, str]] = field(default_factory=list)

    def headset_connected(self, agent: str, console: str) -> None:
        self.told.append(("connected", agent, console))

    def headset_lost(self, agent: str, reason: str) -> None:
        self.told.append(("lost", agent, reason))


class Desk:
    """A headset server and its consoles."""

    def __init__(self, **settings: Any) -> None:
        self.listener = KeepingListener()
        self.server = HeadsetServer(PhoneSettings(headset_port=0, secret=SECRET, **settings), self.listener)

    async def __aenter__(self) -> Desk:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    def url(self, agent: str = "agent1", console: str = "console1", token: str | None = None) -> str:
        token = sign(SECRET, agent, console) if token is None else token
        return f"ws://127.0.0.1:{self.server.port}/headset?token={token}"

    async def headset(self, agent: str = "agent1", console: str = "console1") -> ClientConnection:
        """A connected console that was welcomed; a probe is the next thing it gets."""
        client = await connect(self.url(agent, console), compression=None, proxy=None)
        assert json.loads(await client.recv()) == {"type": "welcome", "agent": agent}
        return client


async def eventually(holds: Callable[[], Any], within: float = 5.0) -> None:
    """Give the loop time until ``holds()``; fails after ``within`` seconds."""
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until, "it did not come about in time"
        await asyncio.sleep(0.002)


async def text_of(client: ClientConnection, kind: str, within: float = 5.0) -> dict[str, Any]:
    """The next text frame of this type; others and audio are passed over."""
    async with asyncio.timeout(within):
        while True:
            message = await client.recv()
            if isinstance(message, str):
                decoded: dict[str, Any] = json.loads(message)
                if decoded["type"] == kind:
                    return decoded


async def close_of(client: ClientConnection, within: float = 5.0) -> tuple[int, str]:
    """Code and reason with which the phone closes."""
    async with asyncio.timeout(within):
        try:
            while True:
                await client.recv()
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "no close frame came")


def tone(frequency: float, seconds: float, amplitude: int = 8000) -> bytes:
    count = int(8000 * seconds)
    return struct.pack(
        f"<{count}h", *(round(amplitude * math.sin(2 * math.pi * frequency * n / 8000)) for n in range(count))
    )


def level(payloads: list[bytes], frequency: float, payload_type: int = 8) -> float:
    """Amplitude of ``frequency`` in G.711 payloads, 16-bit units (Goertzel)."""
    pcm = g711.decode(b"".join(payloads), payload_type)
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    coefficient = 2 * math.cos(2 * math.pi * frequency / 8000)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = before * before + last * last - coefficient * before * last
    return 2 * math.sqrt(max(power, 0)) / len(samples)


@pytest.fixture
def on_loop() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine on the loop that the product uses; no test takes longer than 30 s."""

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(30):
                return await work

        return uvloop.run(bounded(), loop_factory=GatheringLoop)

    return run


@pytest.fixture
def parts() -> Any:
    """The names of this file."""
    import types

    names = (Agreed, Telephone, KeepingTap, Desk, eventually, text_of, close_of, tone, level)
    return types.SimpleNamespace(**{name.__name__: name for name in names}, SECRET=SECRET)


@pytest.fixture
def ports() -> MediaPorts:
    return MediaPorts("127.0.0.1", (34000, 35999))
