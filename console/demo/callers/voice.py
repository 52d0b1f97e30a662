"""A simulated patient's mouth and ear: RTP by aiortp, one packet each 20 ms, silence in between like a telephone."""

from __future__ import annotations

import array
import asyncio
import math
from collections import deque

from aiortp import RTPSession, get_codec
from aiortp.clock import MediaClock
from aiortp.port_allocator import PortAllocator
from aiosipua.sdp import SdpMessage, build_sdp

from console.demo.callers.clip import SILENCE

PCMU, PCMA = 0, 8

#: louder than this (dBFS, over 20 ms) counts as speech
SPEECH_LEVEL = -42.0
#: this much quiet (seconds) after speech ends a turn
TURN_GAP = 0.9

#: where packets go until the other side's address is known: RFC 863 discard
_NOWHERE = ("127.0.0.1", 9)


class Voice:
    """Opened with :meth:`open`; silent until :meth:`connect`. ``packets_heard`` counts what arrived."""

    def __init__(self, ports: PortAllocator, port: int, payload_type: int) -> None:
        self.port = port
        self.payload_type = payload_type
        #: while the other side holds the call, nothing is sent and the sentence waits
        self.held = False
        self.packets_heard = 0
        self.loudest = -math.inf
        self._ports = ports
        self._session: RTPSession | None = None
        self._clock = MediaClock(0.02, self._tick)
        self._waiting: deque[bytes] = deque()
        self._said = asyncio.Event()
        self._said.set()
        self._connected = False
        self._spoken_to_at = -math.inf
        self._to_ulaw = payload_type == PCMU

    @classmethod
    async def open(cls, host: str, ports: PortAllocator, payload_type: int = PCMA) -> Voice:
        """Raises ``RuntimeError`` when no port pair of the range is free."""
        port, _ = await ports.allocate()
        voice = cls(ports, port, payload_type)
        voice._session = await RTPSession.create((host, port), _NOWHERE, payload_type, jitter_prefetch=0)
        voice._session.on_audio = voice._heard
        return voice

    def connect(self, address: tuple[str, int]) -> None:
        """Start sending to ``address``, or go on sending to a new one."""
        assert self._session is not None
        self._session.update_remote(address)
        if not self._connected:
            self._connected = True
            self._clock.start()

    async def say(self, clip: list[bytes]) -> None:
        """Speak; returns when the last packet has left. ``clip``: A-law packets of 20 ms."""
        if self._to_ulaw:
            alaw, ulaw = get_codec(PCMA), get_codec(PCMU)
            clip = [ulaw.encode(alaw.decode(frame)) for frame in clip]
        self._said.clear()
        self._waiting.extend(clip)
        await self._said.wait()

    def key(self, digit: str) -> None:
        """Press one key of the telephone (RFC 4733)."""
        assert self._session is not None
        self._session.send_dtmf(digit)

    async def listen(self, longest: float) -> bool:
        """Wait for the other side to speak and then to pause; ``longest`` seconds at most. False: nothing was said."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < longest:
            await asyncio.sleep(0.1)
            if self._spoken_to_at >= began and loop.time() - self._spoken_to_at >= TURN_GAP:
                return True
        return self._spoken_to_at >= began

    def interrupt(self) -> None:
        """Stop in the middle of the sentence."""
        self._waiting.clear()
        self._said.set()

    async def close(self) -> None:
        self.interrupt()
        await self._clock.stop()
        if self._session is not None:
            await self._session.close()
        await self._ports.release(self.port)

    def offer(self, host: str) -> SdpMessage:
        """The session description to offer: this voice's address and its one codec."""
        return build_sdp(host, self.port, self.payload_type, "PCMU" if self._to_ulaw else "PCMA")

    def _tick(self) -> None:
        assert self._session is not None
        if self.held:
            return
        frame = self._waiting.popleft() if self._waiting else self._silence()
        self._session.send_audio_auto(frame)
        if not self._waiting:
            self._said.set()

    def _silence(self) -> bytes:
        return b"\xff" * len(SILENCE) if self._to_ulaw else SILENCE

    def _heard(self, pcm: bytes, _timestamp: int) -> None:
        self.packets_heard += 1
        level = loudness(pcm)
        self.loudest = max(self.loudest, level)
        if level > SPEECH_LEVEL and not is_ring_back(pcm):
            self._spoken_to_at = asyncio.get_running_loop().time()


def is_ring_back(pcm: bytes) -> bool:
    """Whether this is the ring-back tone (450 Hz) and nothing else: nobody has answered yet."""
    samples = array.array("h", pcm)
    energy = sum(sample * sample for sample in samples)
    turn = 2 * math.pi * 450 / 8000
    real = sum(sample * math.cos(turn * place) for place, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(turn * place) for place, sample in enumerate(samples))
    # a pure tone has all its energy there: |X|² = n/2 · Σx²
    return energy > 0 and (real * real + imaginary * imaginary) * 2 / len(samples) > 0.8 * energy


def loudness(pcm: bytes) -> float:
    """Root mean square level in dBFS of signed 16-bit little-endian samples; ``-inf`` for none."""
    samples = array.array("h", pcm)
    power = sum(sample * sample for sample in samples) / len(samples) if samples else 0.0
    return 10 * math.log10(power / 32768**2) if power else -math.inf
