"""A process that places calls and hears them ring and pop, and does nothing else, so that no stamp of its waits for
other work.

Plain sockets behind one epoll, before everything that keeps no time (``SCHED_RR``) where that is allowed. What it is to
do comes as lines of JSON on standard input: first ``{"sip": [host, port], "origin": …, "console": address, "cookies":
[…], "headsets": [address, …]}``, to which it prints ``ready``; then, as often as wanted, ``{"calls": [[number, dialled,
ring_seconds], …], "rate": …}``, to which it prints one line with what it saw. It ends with its input.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import itertools
import json
import os
import select
import socket
import sys
import time
from typing import Any

from console.bench.console_socket import ConsoleSocket
from console.bench.headset_socket import HeadsetSocket
from console.bench.sip_source import SipSource, SourceCall

#: above the phone's: of two that are ready it is the one that looks at the clock that must not wait
PRIORITY = 3
#: seconds that calls may take to end after the last of them was cancelled
PATIENCE = 5.0
_RECEIVE_BUFFER = 1 << 20


class RingSource:
    def __init__(
        self, sip: tuple[str, int], origin: str, console: str, cookies: list[str], headsets: list[str]
    ) -> None:
        """Raises OSError, ConnectionError where a console or a headset is not taken."""
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.connect(sip)
        self._udp.setblocking(False)
        self._source = SipSource("127.0.0.1", sip)
        self._source.port = self._udp.getsockname()[1]
        self._source.send = self._udp.send
        self._consoles = {one.fileno(): one for one in (ConsoleSocket(console, origin, cookie) for cookie in cookies)}
        self._headsets = {one.fileno(): one for one in (HeadsetSocket(address, origin) for address in headsets)}
        self._epoll = select.epoll()
        for descriptor in (self._udp.fileno(), *self._consoles, *self._headsets):
            self._epoll.register(descriptor, select.EPOLLIN)
        #: when to place a call (1) or to cancel it (0)
        self._due: list[tuple[int, int, int, str, str]] = []
        self._calls: dict[str, SourceCall] = {}
        self._late: list[float] = []

    def follow(self, commands: int, written: bytes) -> None:
        """Do what was ``written``, and what comes on the descriptor ``commands`` until its end."""
        self._epoll.register(commands, select.EPOLLIN)
        while True:
            if self._look(commands):
                piece = os.read(commands, 65_536)
                if not piece:
                    return
                written += piece
            while b"\n" in written:
                line, _, written = written.partition(b"\n")
                print(json.dumps(self.place(**json.loads(line))), flush=True)

    def place(self, calls: list[tuple[str, str, float]], rate: float) -> dict[str, Any]:
        """INVITEs at ``rate`` a second, each cancelled after its ``ring_seconds``. Times are monotonic ns, 0: never."""
        begun = time.monotonic_ns() + 100_000_000
        self._calls, self._late = {}, []
        for turn, (number, dialled, ring_seconds) in enumerate(calls):
            at = begun + int(turn * 1e9 / rate)
            heapq.heappush(self._due, (at, 1, turn, number, dialled))
            heapq.heappush(self._due, (at + int(ring_seconds * 1e9), 0, turn, number, dialled))
        last = max(entry[0] for entry in self._due) + int(PATIENCE * 1e9)
        while time.monotonic_ns() < last and (self._due or any(not call.final for call in self._calls.values())):
            self._look()
        return {
            "calls": {
                dialled: {"invited": call.invited, "ringing": call.ringing, "final": call.final}
                for dialled, call in self._calls.items()
            },
            "offered": dict(itertools.chain.from_iterable(one.offered.items() for one in self._consoles.values())),
            "rings": dict(itertools.chain.from_iterable(one.rings.items() for one in self._headsets.values())),
            "late_ms": self._late,
        }

    def _look(self, commands: int = -1) -> bool:
        """One wake-up: what is there, then what is due. Whether there is something on ``commands``."""
        wait = min(1.0, (self._due[0][0] - time.monotonic_ns()) / 1e9) if self._due else 1.0
        # epoll counts in whole milliseconds and rounds up: it is woken before the time, and looks again
        ready = [descriptor for descriptor, _ in self._epoll.poll(max(0.0, wait - 0.001))]
        now = time.monotonic_ns()
        for descriptor in ready:
            if descriptor == self._udp.fileno():
                self._hear(now)
            elif descriptor in self._headsets:
                self._headsets[descriptor].read(now)
            elif descriptor in self._consoles:
                self._consoles[descriptor].read(now)
        while self._due and self._due[0][0] <= time.monotonic_ns():
            self._act(*heapq.heappop(self._due))
        return commands in ready

    def _hear(self, now: int) -> None:
        while True:
            try:
                datagram = self._udp.recv(65_535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self._source.receive(datagram, now)

    def _act(self, at: int, begins: int, _turn: int, number: str, dialled: str) -> None:
        if begins:
            self._calls[dialled] = self._source.invite(number, dialled)
            self._late.append((self._calls[dialled].invited - at) / 1e6)
        else:
            self._source.cancel(self._calls[dialled], dialled)


def main() -> int:
    commands, written = sys.stdin.fileno(), b""
    while b"\n" not in written:
        piece = os.read(commands, 65_536)
        if not piece:
            return 0
        written += piece
    first, _, written = written.partition(b"\n")
    begin = json.loads(first)
    source = RingSource(tuple(begin["sip"]), begin["origin"], begin["console"], begin["cookies"], begin["headsets"])
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    source.follow(commands, written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
