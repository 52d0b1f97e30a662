"""A voice that tells the time: RTP in A-law with a pitch of its own each second, and an ear for what comes back."""

from __future__ import annotations

import asyncio
import math
import struct
import time
from dataclasses import dataclass

from recordings.g711 import LINEAR

Address = tuple[str, int]

RATE = 8000
#: samples a packet, 20 ms
FRAME = 160
#: the marker: so long (seconds), at the beginning of each second, over a murmur of another pitch
MARK_SECONDS, MARK_HZ, MURMUR_HZ = 0.2, 1000.0, 400.0

_BY_VALUE = sorted((value, code) for code, value in enumerate(LINEAR[8]))
_ALAW = bytes(min(_BY_VALUE, key=lambda pair: abs(pair[0] - step * 256))[1] for step in range(-128, 128))


def _code(sample: float) -> int:
    return _ALAW[round(sample * 127) + 128]


def _second() -> bytes:
    """One second that begins with its marker; both pitches are whole periods in it."""
    out = bytearray()
    for n in range(RATE):
        t = n / RATE
        loud = t < MARK_SECONDS
        hertz, level = (MARK_HZ, 0.5) if loud else (MURMUR_HZ, 0.12)
        out.append(_code(level * math.sin(2 * math.pi * hertz * t)))
    return bytes(out)


SECOND = _second()


@dataclass(slots=True)
class Stream:
    """How the packets are numbered. ``ssrc_every`` seconds another source goes on (0: never)."""

    ssrc: int = 0x1234
    sequence: int = 1
    timestamp: int = 1000
    ssrc_every: float = 0.0


class RtpVoice(asyncio.DatagramProtocol):
    """``received`` holds arrival (monotonic) and datagram of each packet that came."""

    def __init__(self) -> None:
        self.received: list[tuple[float, bytes]] = []
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0

    @classmethod
    async def open(cls) -> RtpVoice:
        loop = asyncio.get_running_loop()
        _, voice = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        return voice

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.received.append((time.monotonic(), data))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there any more: the call is over."""

    def send(self, packet: bytes, target: Address) -> None:
        assert self._transport is not None
        self._transport.sendto(packet, target)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def speak(self, target: Address, seconds: int, stream: Stream) -> None:
        """``seconds`` of markers on the clock, 20 ms a packet."""
        assert self._transport is not None
        begun = time.monotonic()
        sequence, timestamp, ssrc = stream.sequence, stream.timestamp, stream.ssrc
        for n in range(seconds * 50):
            await asyncio.sleep(max(0.0, begun + n * 0.02 - time.monotonic()))
            changes = stream.ssrc_every and n and n % round(stream.ssrc_every * 50) == 0
            if changes:
                ssrc, sequence, timestamp = ssrc + 1, (sequence * 31 + 7) & 0xFFFF, (timestamp * 17 + 5) & 0xFFFFFFFF
            at = n % 50 * FRAME
            head = struct.pack(">BBHII", 0x80, 0x80 * bool(changes or not n) | 8, sequence, timestamp, ssrc)
            self._transport.sendto(head + SECOND[at : at + FRAME], target)
            sequence, timestamp = (sequence + 1) & 0xFFFF, (timestamp + FRAME) & 0xFFFFFFFF


def markers(samples: list[float]) -> list[float]:
    """The second at which each marker lies, by where its pitch fits best (steps of 2.5 ms); samples from -1 to 1."""
    step = RATE // 400
    strength = []
    for at in range(0, len(samples) - step + 1, step):
        real = sum(samples[at + n] * math.cos(2 * math.pi * MARK_HZ * (at + n) / RATE) for n in range(step))
        imaginary = sum(samples[at + n] * math.sin(2 * math.pi * MARK_HZ * (at + n) / RATE) for n in range(step))
        strength.append(math.hypot(real, imaginary) / step)
    width = round(MARK_SECONDS * 400)
    sums = [0.0]
    for one in strength:
        sums.append(sums[-1] + one)
    fits = [sums[at + width] - sums[at] for at in range(len(strength) - width + 1)]
    found = []
    floor = 0.5 * max(fits, default=0.0)
    at = 0
    while at < len(fits):
        if fits[at] < floor:
            at += 1
            continue
        stop = min(len(fits), at + 2 * width)
        best = max(range(at, stop), key=fits.__getitem__)
        found.append(best * step / RATE)
        at = best + 2 * width
    return found
