"""Guests of a room: a telephone or a console, each saying a tone of its own and keeping what it hears."""

from __future__ import annotations

import array
import asyncio
import json
import math
import socket
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tones import Heard, hear_pcm

from telephony.media import g711
from telephony.media.ports import MediaPorts
from telephony.media.room import Room

RATE = 8000
FRAME = 160
#: RMS of what each guest says, dBFS
LEVEL = -18.0
#: no multiple of one is near another, and each has whole periods in a quarter of a second
PITCHES = (404, 692, 1108, 1716, 2308)


def tone(hertz: float, law: int, dbfs: float = LEVEL) -> bytes:
    """A second of G.711."""
    amplitude = 32768 * 10 ** (dbfs / 20) * math.sqrt(2)
    samples = (round(amplitude * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(RATE))
    return g711.encode(array.array("h", samples).tobytes(), law)


@dataclass(frozen=True)
class Agreement:
    remote_port: int
    payload_type: int = 8
    remote_host: str = "127.0.0.1"
    codec: str = "PCMA"
    dtmf_payload_type: int | None = 101
    direction: str = "sendrecv"


class Guest:
    """``say`` sends the next 20 ms of its tone. ``ear`` holds (payload type, payload) as they came."""

    def __init__(self, number: int, hertz: float, law: int) -> None:
        self.number = number
        self.hertz = hertz
        self.law = law
        self.sequence = 65530  # soon to wrap
        self.timestamp = 0xFFFFF000
        self.said = 0
        self.ear: list[tuple[int, bytes]] = []
        self._tone = tone(hertz, law)

    def say(self) -> None:
        payload = self.next()
        self.send(payload)

    def next(self) -> bytes:
        """The next 20 ms, counted whether they are sent or not."""
        at = self.said * FRAME % RATE
        self.said += 1
        self.skip(1)
        return self._tone[at : at + FRAME]

    def skip(self, packets: int) -> None:
        """Count on, or back, as if so many had been sent."""
        self.sequence = (self.sequence + packets) & 0xFFFF
        self.timestamp = (self.timestamp + packets * FRAME) & 0xFFFFFFFF

    def send(self, payload: bytes) -> None:
        raise NotImplementedError

    def listen(self) -> None:
        """Take in what came."""

    async def close(self) -> None:
        raise NotImplementedError

    def heard(self, edge: float = 0.1) -> Heard:
        return hear_pcm(b"".join(g711.decode(payload, law) for law, payload in self.ear), edge)


class Caller(Guest):
    """A telephone on a leg of its own."""

    def __init__(self, number: int, hertz: float, ports: MediaPorts, law: int = 8) -> None:
        super().__init__(number, hertz, law)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setblocking(False)
        self.ssrc = 1000 + number
        self.leg = ports.open_leg()
        self.agree()
        self.packets: list[tuple[int, int, int]] = []

    def agree(self, **changes: Any) -> None:
        port = self.udp.getsockname()[1]
        self.leg.negotiate(Agreement(port, **{"payload_type": self.law, **changes}))

    def send(self, payload: bytes) -> None:
        header = struct.pack("!BBHII", 0x80, self.law, self.sequence, self.timestamp, self.ssrc)
        self.udp.sendto(header + payload, ("127.0.0.1", self.leg.port))

    def listen(self) -> None:
        for _ in range(1000):
            try:
                datagram = self.udp.recv(2048)
            except BlockingIOError:
                return
            _, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", datagram)
            self.packets.append((sequence, timestamp, ssrc))
            self.ear.append((second & 0x7F, datagram[12:]))

    async def close(self) -> None:
        self.udp.close()


class Agent(Guest):
    """A console's headset. Its law is the one that the phone's ``start`` said."""

    def __init__(self, number: int, hertz: float, client: Any, name: str) -> None:
        super().__init__(number, hertz, 8)
        self.name = name
        self.client = client
        self.headers: list[tuple[bool, int, int]] = []
        self.said_to: list[str] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._listening = asyncio.create_task(self._listen())

    def send(self, payload: bytes) -> None:
        header = struct.pack("!BBHI", self.law, 0, self.sequence, self.timestamp)
        task = asyncio.create_task(self.client.send(header + payload))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _listen(self) -> None:
        async for message in self.client:
            if isinstance(message, bytes):
                law, flags, sequence, timestamp = struct.unpack_from("!BBHI", message)
                self.headers.append((bool(flags & 1), sequence, timestamp))
                self.ear.append((law, message[8:]))
                continue
            self.said_to.append(message)
            said = json.loads(message)
            if said["type"] == "probe":
                await self.client.send(json.dumps({"type": "alive", "n": said["n"], "page_age_ms": 1.0}))

    async def close(self) -> None:
        self._listening.cancel()
        await self.client.close()


async def gather(room: Room, ports: MediaPorts, desk: Any, kinds: Sequence[str]) -> list[Guest]:
    """Guests numbered from 0 on, in the room: ``alaw`` and ``ulaw`` are telephones, ``agent`` is a headset."""
    guests: list[Guest] = []
    for number, kind in enumerate(kinds):
        hertz = PITCHES[number]
        if kind == "agent":
            name = f"agent{number}"
            guest: Guest = Agent(number, hertz, await desk.headset(name), name)
            room.add_headset(number, desk.server.headset(name))
        else:
            caller = Caller(number, hertz, ports, 0 if kind == "ulaw" else 8)
            room.add_leg(number, caller.leg)
            guest = caller
        guests.append(guest)
    law = next((guest.law for guest in guests if isinstance(guest, Caller)), 8)
    for guest in guests:
        if isinstance(guest, Agent) and guest.law != law:
            guest.law, guest._tone = law, tone(guest.hertz, law)
    return guests


def conference(guests: Collection[Guest]) -> dict[int, list[int]]:
    numbers = [guest.number for guest in guests]
    return {number: [other for other in numbers if other != number] for number in numbers}


async def talk(guests: Collection[Guest], seconds: float, silent: Collection[Guest] = ()) -> None:
    """Everybody says their tone, one packet each 20 ms; those ``silent`` only listen."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for count in range(round(seconds * 50)):
        for guest in guests:
            if guest not in silent:
                guest.say()
        await asyncio.sleep(max(0, began + (count + 1) * 0.02 - loop.time()))
        for guest in guests:
            guest.listen()
    await asyncio.sleep(0.06)
    for guest in guests:
        guest.listen()


def levels(guest: Guest, other: Guest, edge: float = 0.1) -> tuple[float, float]:
    """How loud ``guest`` hears ``other``, in dB against what they say: at best, and as a rule (the median).

    Of overlapping quarters of a second: where a busy machine lets a packet come late, the tone's phase jumps, and the
    stretch with the jump is weaker.
    """
    heard = guest.heard(edge)
    quarters = [
        heard.part(at / RATE, at / RATE + 0.25).tone(other.hertz)
        for at in range(0, max(1, len(heard.samples) - RATE // 4 + 1), 400)
    ]
    return max(quarters) - LEVEL, median(quarters) - LEVEL
