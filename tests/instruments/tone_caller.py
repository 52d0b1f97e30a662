"""A caller who says a tone and keeps every packet that comes: SIP and RTP of our own, on a thread of its own.

For tests that block, as those in a browser do. Unlike baresip it goes on hearing while it is on hold.
"""

from __future__ import annotations

import array
import asyncio
import math
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from rtp_voice import RtpVoice
from scripted_peer import Leg, Message, Peer
from tones import RATE, Heard, hear_pcm

from recordings.g711 import LINEAR
from telephony.lines.sdp import make_answer, make_offer

PCMA = 8
FRAME = 160
PATIENCE = 15.0
_BY_CODE = LINEAR[PCMA]


def alaw_tone(hertz: float, dbfs: float) -> list[bytes]:
    """A sine of ``dbfs`` RMS as A-law packets of 20 ms, to be said over and over: its period must fit in a second."""
    amplitude = 32768 * 10 ** (dbfs / 20) * math.sqrt(2)
    codes = bytearray()
    for n in range(RATE):
        value = amplitude * math.sin(2 * math.pi * hertz * n / RATE)
        codes.append(min(range(256), key=lambda code: abs(_BY_CODE[code] - value)))
    return [bytes(codes[at : at + FRAME]) for at in range(0, RATE, FRAME)]


class ToneCaller:
    """``sends`` False: a telephone whose voice does not get through, whatever SDP says."""

    def __init__(self, desk: tuple[str, int], number: str, hertz: float, dbfs: float = -18.0) -> None:
        self.desk, self.number = desk, number
        self.sends = True
        self.direction = "inactive"
        self.ended = threading.Event()
        self._frames = alaw_tone(hertz, dbfs)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks: list[asyncio.Task[None]] = []
        self._do(self._open())

    def dial(self, number: str) -> None:
        """Sends the INVITE; answers and requests are seen to on the thread."""
        self._do(self._dial(number))

    def hang_up(self) -> None:
        self._do(self._hang_up())
        assert self.ended.wait(PATIENCE), "no answer to BYE"

    def hears(self, seconds: float = 1.0) -> Heard:
        """What came during the last so many seconds; what did not come is silence."""
        since = time.monotonic() - seconds
        pcm = _linear(data for at, data in list(self._voice.received) if at > since)
        missing = round(seconds * RATE) - len(pcm) // 2
        return hear_pcm(pcm + bytes(2 * max(0, missing)), edge=0)

    def all_heard(self) -> Heard:
        """All that came so far, one packet after the other."""
        return hear_pcm(_linear(data for _, data in list(self._voice.received)), edge=0)

    def close(self) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # on the loop

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE)

    async def _open(self) -> None:
        _, self._peer = await self._loop.create_datagram_endpoint(lambda: Peer(self.desk), local_addr=("127.0.0.1", 0))
        self._voice = await RtpVoice.open()
        self._target: tuple[str, int] | None = None

    async def _dial(self, number: str) -> None:
        self._leg: Leg = self._peer.call(number, self.number, make_offer("127.0.0.1", self._voice.port))
        self._tasks = [self._loop.create_task(self._serve()), self._loop.create_task(self._speak())]

    async def _hang_up(self) -> None:
        self._leg.send("BYE")

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._voice.close()
        self._peer.transport.close()

    async def _serve(self) -> None:
        while True:
            message = await self._peer.inbox.get()
            if message.is_request:
                self._asked(message)
            elif message.method == "INVITE" and message.status >= 200:
                self._leg.learn(message)
                self._leg.ack(refused=message.status >= 300)
                if message.status < 300:
                    self._agreed(make_answer(message.body, "127.0.0.1", self._voice.port)[1])
                else:
                    self.ended.set()
            elif message.method == "BYE":
                self.ended.set()

    def _asked(self, request: Message) -> None:
        if request.method == "INVITE":
            answer, agreed = make_answer(request.body, "127.0.0.1", self._voice.port)
            self._peer.respond(request, 200, "OK", body=answer)
            self._agreed(agreed)
        elif request.method != "ACK":
            self._peer.respond(request, 200, "OK")
        if request.method == "BYE":
            self.ended.set()

    def _agreed(self, agreed: Any) -> None:
        self._target = (agreed.remote_host, agreed.remote_port)
        self.direction = str(agreed.direction)

    async def _speak(self) -> None:
        begun, n = self._loop.time(), 0
        while not self.ended.is_set():
            if self.sends and self._target and self.direction in ("sendrecv", "sendonly"):
                header = struct.pack("!BBHII", 0x80, PCMA | 0x80 * (n == 0), n & 0xFFFF, n * FRAME & 0xFFFFFFFF, 7)
                self._voice.send(header + self._frames[n % len(self._frames)], self._target)
            n += 1
            await asyncio.sleep(max(0.0, begun + n * 0.02 - self._loop.time()))


def _linear(packets: Iterator[bytes]) -> bytes:
    samples = array.array("h")
    for data in packets:
        if data[1] & 0x7F == PCMA:
            samples.extend(_BY_CODE[code] for code in data[12:])
    return samples.tobytes()


@pytest.fixture
def tone_caller() -> Iterator[Callable[..., ToneCaller]]:
    """``tone_caller(sip_port, "13805711001", 1240)``: not dialled yet."""
    opened: list[ToneCaller] = []

    def start(port: int, number: str, hertz: float, dbfs: float = -18.0) -> ToneCaller:
        opened.append(ToneCaller(("127.0.0.1", port), number, hertz, dbfs))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
