"""What the network says it could not deliver: ICMP errors of a UDP socket's datagrams (RFC 3261 §18.4).

Linux queues them for a socket that asks (``IP_RECVERR``), with the beginning of the datagram. Elsewhere nothing comes,
and requests end by their timers.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

log = logging.getLogger(__name__)

# <linux/in.h>, <linux/in6.h>; Python has no names for them
_IP_RECVERR = 11
_IPV6_RECVERR = 25
_ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", 0)
#: errors read in one turn of the loop
_BURST = 16


class Undelivered:
    """``on_lost(beginning)`` gets the first octets of each datagram that came back; at least some 500 on loopback."""

    def __init__(self, sock: socket.socket, on_lost: Callable[[bytes], None]) -> None:
        self._socket, self._on_lost = sock, on_lost
        self.asked = False
        if _ERRQUEUE:
            six = sock.family == socket.AF_INET6
            level, option = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if six else (socket.IPPROTO_IP, _IP_RECVERR)
            try:
                sock.setsockopt(level, option, 1)
                self.asked = True
            except OSError as error:
                log.info("sip socket: no reports of what is not delivered: %s", error)

    def read(self) -> None:
        """Take what is queued. Call it when the socket reports an error."""
        for _ in range(_BURST if self.asked else 0):
            try:
                beginning = self._socket.recvmsg(2048, 512, _ERRQUEUE)[0]
            except OSError:
                return
            if beginning:
                self._on_lost(beginning)
