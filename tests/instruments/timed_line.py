"""A call's far end on RTP that says when: it sends bursts of sound and takes down the bursts that come.

In a process of its own, at real-time priority where that is allowed, so that nothing else on the machine makes its
times late: the times of what it gets are the kernel's, those of what it sends are taken right before. All wall clock,
seconds.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telephony.media.g711 import decode, encode

PCMA = 8
FRAME = 160
#: packets from one burst to the next, and samples of a burst (1 kHz)
EVERY, BURST = 15, 240
#: of 16 bits, as loud as what the other instruments count as a burst
LOUD = 3277
#: samples of quiet before one
QUIET = 800
_NANOSECONDS = struct.Struct("@qq")
# linux/socket.h; Python does not name it
_SO_TIMESTAMPNS = 35


@dataclass(frozen=True)
class Heard:
    """What a line sent and got since the last report."""

    #: when the packet with the beginning of each burst was sent
    sent: list[float]
    #: when the packet came in which each burst begins
    got: list[float]
    #: how late the line itself was with each packet, ms
    late: list[float]


class TimedLine:
    """``start``, ``talk_to`` the phone's RTP port, ``report`` as often as wanted, ``stop``."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port: int = self._read()

    def talk_to(self, port: int) -> None:
        self._say(str(port))

    def report(self) -> Heard:
        self._say("report")
        return Heard(**self._read())

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _burst() -> bytes:
    wave = (round(16384 * math.cos(2 * math.pi * 1000 * n / 8000)) for n in range(BURST))
    return encode(struct.pack(f"<{BURST}h", *wave), PCMA)


class _Line:
    def __init__(self) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.sent: list[float] = []
        self.got: list[float] = []
        self.late: list[float] = []
        self.quiet = 0
        burst, silence = _burst(), encode(bytes(2 * FRAME), PCMA)
        #: payloads of the packets in turn
        self.turn = [burst[:FRAME], (burst[FRAME:] + silence)[:FRAME], *[silence] * (EVERY - 2)]

    def send(self, number: int, due: float) -> None:
        header = struct.pack("!BBHII", 0x80, PCMA, number & 0xFFFF, number * FRAME & 0xFFFFFFFF, 0x5A)
        self.late.append(1000 * (time.monotonic() - due))
        if number % EVERY == 0:
            self.sent.append(time.time())
        with contextlib.suppress(ConnectionRefusedError):  # the phone is gone
            self.udp.send(header + self.turn[number % EVERY])

    def receive(self) -> None:
        datagram, ancillary, _, _ = self.udp.recvmsg(2048, 64)
        at = time.time()
        for _, kind, data in ancillary:
            if kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = _NANOSECONDS.unpack(data)
                at = seconds + nanoseconds / 1e9
        for (value,) in struct.iter_unpack("<h", decode(datagram[12:], PCMA)):
            if abs(value) > LOUD and self.quiet > QUIET:
                self.got.append(at)
            self.quiet = 0 if abs(value) > LOUD else self.quiet + 1

    def report(self) -> None:
        print(json.dumps({"sent": self.sent, "got": self.got, "late": self.late}), flush=True)
        self.sent, self.got, self.late = [], [], []


def main() -> None:
    line = _Line()
    print(line.udp.getsockname()[1], flush=True)
    peer = sys.stdin.readline()
    if not peer:
        return
    line.udp.connect(("127.0.0.1", int(peer)))
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    begun, number = time.monotonic(), 0
    while True:
        due = begun + number * 0.02
        rest = due - time.monotonic()
        if rest <= 0:
            line.send(number, due)
            number += 1
            continue
        ready, _, _ = select.select([line.udp, 0], [], [], rest)
        if line.udp in ready:
            with contextlib.suppress(ConnectionRefusedError):  # the phone is gone
                line.receive()
        if 0 in ready:
            if not os.read(0, 100):
                return
            line.report()


if __name__ == "__main__":
    main()
