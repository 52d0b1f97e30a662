"""The load of the media benchmark: every telephone (a UDP socket) and every headset (a WebSocket).

Each side sends a G.711 packet each 20 ms that carries its sending time, so that the added delay is read at the other
end on the same clock.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import time

from picows import WSFrame, WSListener, WSMsgType, WSTransport

#: sending time (monotonic ns) and number, in front of every payload
STAMP = struct.Struct("!QI")
RTP = struct.Struct("!BBHII")
HEADSET = struct.Struct("!BBHI")
FILLER = bytes(range(160 - STAMP.size))


class Load:
    def __init__(self) -> None:
        self.sent = {"line": 0, "headset": 0}
        #: delays by direction (ns), of packets sent while counting
        self.delays: dict[str, list[int]] = {"to_headset": [], "to_line": []}
        self.from_ns = 1 << 63
        self.until_ns = 1 << 63

    def arrived(self, direction: str, payload: bytes) -> None:
        now = time.monotonic_ns()
        sent_at, _ = STAMP.unpack_from(payload)
        if self.from_ns <= sent_at < self.until_ns:
            self.delays[direction].append(now - sent_at)


class LoadHeadset(WSListener):
    def __init__(self, load: Load) -> None:
        self.load = load
        self.transport: WSTransport | None = None
        self.started = asyncio.Event()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        data = frame.get_payload_as_bytes()
        if data[:1] == b"\x08":
            self.load.arrived("to_headset", data[8:])
            return
        if frame.msg_type == WSMsgType.TEXT:
            message = json.loads(data)
            if message["type"] == "probe":
                alive = {"type": "alive", "n": message["n"], "page_age_ms": 5, "stats": {}}
                transport.send(WSMsgType.TEXT, json.dumps(alive).encode())
            elif message["type"] == "start":
                self.started.set()


class LoadCall:
    """One telephone and one headset, each with a phase of its own."""

    def __init__(self, load: Load, number: int) -> None:
        self.load = load
        self.agent = f"agent{number}"
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setblocking(False)
        self.port: int = self.udp.getsockname()[1]
        self.headset = LoadHeadset(load)
        self.numbers = [0, 0]

    def connect(self, port: int) -> None:
        self.udp.connect(("127.0.0.1", port))
        asyncio.get_running_loop().add_reader(self.udp, self._read)

    def _read(self) -> None:
        try:
            datagram = self.udp.recv(2048)
        except OSError:
            return
        if len(datagram) == 172 and datagram[24:] == FILLER:
            self.load.arrived("to_line", datagram[12:])

    def send_rtp(self) -> None:
        number = self.numbers[0] = self.numbers[0] + 1
        now = time.monotonic_ns()
        header = RTP.pack(0x80, 8, number & 0xFFFF, number * 160 & 0xFFFFFFFF, 4711)
        self.udp.send(header + STAMP.pack(now, number) + FILLER)
        if self.load.from_ns <= now < self.load.until_ns:
            self.load.sent["line"] += 1

    def send_frame(self) -> None:
        number = self.numbers[1] = self.numbers[1] + 1
        now = time.monotonic_ns()
        header = HEADSET.pack(8, 0, number & 0xFFFF, number * 160 & 0xFFFFFFFF)
        assert self.headset.transport is not None
        self.headset.transport.send(WSMsgType.BINARY, header + STAMP.pack(now, number) + FILLER)
        if self.load.from_ns <= now < self.load.until_ns:
            self.load.sent["headset"] += 1


async def generate(calls: list[LoadCall], until: float) -> None:
    """Send every stream's packets on time until loop time ``until``."""
    loop = asyncio.get_running_loop()
    streams = [(random.random() * 0.02, send) for call in calls for send in (call.send_rtp, call.send_frame)]
    streams.sort(key=lambda stream: stream[0])
    frame = loop.time() + 0.01
    while frame < until:
        for phase, send in streams:
            wait = frame + phase - loop.time()
            if wait > 0.0005:
                await asyncio.sleep(wait)
            send()
        frame += 0.02
