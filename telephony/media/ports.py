"""RTP ports: sockets on even ports of the configured range (RFC 3550 §11), and the legs' clock and reader."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import socket
from typing import TYPE_CHECKING

from telephony.afterwards import afterwards
from telephony.media.media_clock import MediaClock
from telephony.media.rtp_reader import RtpReader

if TYPE_CHECKING:
    from telephony.media.rtp_leg import RtpLeg

#: expedited forwarding (RFC 3246, DSCP 46) in the upper six bits
EXPEDITED = 46 << 2

#: errors of a bind that another port of the range may not have
_TAKEN = {errno.EADDRINUSE, errno.EACCES}


class NoFreePort(RuntimeError):
    """Every even port of the range is taken."""


class MediaPorts:
    """Hands out bound UDP sockets. The range is inclusive; ports are taken in turn, so that one just freed rests."""

    def __init__(self, host: str, ports: tuple[int, int]) -> None:
        low, high = ports
        if not 0 < low <= high <= 65535:
            raise ValueError(f"RTP ports {low} to {high}: expected 1 ≤ low ≤ high ≤ 65535")
        self.host = host
        self._first = low + low % 2
        self._count = (high - self._first) // 2 + 1
        if self._count < 1:
            raise ValueError(f"RTP ports {low} to {high} hold no even port")
        self._turn = secrets.randbelow(self._count)
        self._taken: set[int] = set()
        #: bound already, so that a call that comes does not wait for the kernel
        self._spare: socket.socket | None = None
        self._closed = False
        self.clock = MediaClock()
        self.reader = RtpReader()

    @property
    def in_use(self) -> int:
        return len(self._taken) - (self._spare is not None)

    def open_socket(self) -> socket.socket:
        """A bound, non-blocking UDP socket. Raises NoFreePort, or OSError when the host is not one of ours."""
        udp, self._spare = self._spare, None
        return udp or self._bind()

    def prepare(self) -> None:
        """Have a socket ready for the next call; without one it binds its own, and hears of it when that fails."""
        if self._spare is None and not self._closed:
            with contextlib.suppress(NoFreePort, OSError):
                self._spare = self._bind()

    def close(self) -> None:
        """No more calls come."""
        self._closed = True
        if self._spare is not None:
            udp, self._spare = self._spare, None
            self.release(udp)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        for _ in range(self._count):
            port = self._first + 2 * self._turn
            self._turn = (self._turn + 1) % self._count
            if port in self._taken:
                continue
            udp = socket.socket(family, socket.SOCK_DGRAM)
            try:
                udp.setblocking(False)
                udp.bind((self.host, port))
            except OSError as error:
                udp.close()
                if error.errno in _TAKEN:
                    continue
                raise
            if family == socket.AF_INET:
                udp.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED)
            else:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED)
            self._taken.add(port)
            return udp
        raise NoFreePort(f"no free RTP port: {len(self._taken)} of {self._count} even ports are ours")

    def release(self, udp: socket.socket) -> None:
        """Close a socket of ``open_socket``."""
        self._taken.discard(udp.getsockname()[1])
        udp.close()

    def open_leg(self, loop: asyncio.AbstractEventLoop | None = None) -> RtpLeg:
        """A new leg on a free port. Raises NoFreePort, or OSError (no more file descriptors)."""
        from telephony.media.rtp_leg import RtpLeg

        loop = loop or asyncio.get_running_loop()
        leg = RtpLeg(self, loop)
        afterwards(loop, self.prepare)
        return leg
