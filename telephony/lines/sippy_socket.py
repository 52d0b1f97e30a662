"""The UDP socket of the SIP stack on the asyncio loop, in the shape that sippy's transactions send through."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

from telephony.lines.peers import is_address
from telephony.lines.undelivered import Undelivered
from telephony.lines.wire import encode

log = logging.getLogger(__name__)

_MAX_UDP = 65_535
#: datagrams taken in one turn of the loop: each costs about half a millisecond, and audio waits meanwhile
_BURST = 1
_NAME_LIFETIME = 60.0
_RECEIVE_BUFFER = 1 << 20


class SippySocket:
    """Bound and reading until ``close``. ``on_datagram(data, (host, port))`` runs on the loop, and so does
    ``on_lost(beginning)`` with the first octets of a datagram that could not be delivered.
    """

    transport = "udp"

    def __init__(
        self,
        host: str,
        port: int,
        on_datagram: Callable[[bytes, tuple[str, int]], None],
        on_lost: Callable[[bytes], None],
    ) -> None:
        self._on_datagram = on_datagram
        self._loop = asyncio.get_running_loop()
        self._names: dict[str, tuple[float, str]] = {}
        self._lookups: set[asyncio.Task[None]] = set()
        self._buffer = memoryview(bytearray(_MAX_UDP))
        self.sent = self.received = self.send_errors = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._socket.bind((host.strip("[]"), port))
        except OSError:
            self._socket.close()
            raise
        self.host, self.port = host.strip("[]"), int(self._socket.getsockname()[1])
        self._undelivered = Undelivered(self._socket, on_lost)
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        for _ in range(_BURST):
            try:
                size, source = self._socket.recvfrom_into(self._buffer)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # an ICMP error of an earlier datagram
                log.debug("sip socket: %s", error)
                self._undelivered.read()
                self._read_on()
                return
            self.received += 1
            host = f"[{source[0]}]" if ":" in source[0] else source[0]
            self._on_datagram(bytes(self._buffer[:size]), (host, source[1]))

    def _read_on(self) -> None:
        """uvloop stops to watch a socket that has reported an error."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.add_reader(self._socket.fileno(), self._readable)

    # what sippy's transaction manager calls

    class uopts:
        @staticmethod
        def isWildCard() -> bool:
            return False

    def getSIPaddr(self) -> tuple[tuple[str, int], str]:
        return (self.host, self.port), self.transport

    def addr2str(self, address: tuple[str, int]) -> str:
        return f"udp:{address[0]}:{address[1]}"

    def send_to(self, data: str | bytes, address: tuple[str, int], *_: Any) -> None:
        datagram = data if isinstance(data, bytes) else encode(data)
        host, port = address[0].strip("[]"), int(address[1])
        if is_address(host):
            self._send(datagram, host, port)
            return
        known = self._names.get(host)
        if known is not None and known[0] > self._loop.time():
            self._send(datagram, known[1], port)
            return
        task = self._loop.create_task(self._send_to_name(datagram, host, port))
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    async def _send_to_name(self, datagram: bytes, host: str, port: int) -> None:
        try:
            found = await self._loop.getaddrinfo(host, port, family=self._socket.family, type=socket.SOCK_DGRAM)
        except OSError as error:
            self.send_errors += 1
            log.warning("sip: cannot resolve %s: %s", host, error)
            return
        address = str(found[0][4][0])
        self._names[host] = (self._loop.time() + _NAME_LIFETIME, address)
        self._send(datagram, address, port)

    def _send(self, datagram: bytes, host: str, port: int) -> None:
        if self._socket.fileno() < 0:
            return
        try:
            try:
                self._socket.sendto(datagram, (host, port))
            except ConnectionRefusedError:  # of an earlier datagram, to whomever
                self._loop.call_soon(self._undelivered.read)
                self._socket.sendto(datagram, (host, port))
            self.sent += 1
        except (OSError, OverflowError) as error:
            # as good as lost on the way: the transaction repeats it and times out in the end
            self.send_errors += 1
            log.warning("sip: cannot send to %s: %s", f"{host}:{port}", error)

    async def close(self) -> None:
        for task in list(self._lookups):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
