"""One RTP leg: a UDP socket, the latch onto its peer, and both streams."""

from __future__ import annotations

import asyncio
import ctypes
import ipaddress
import logging
import os
import socket
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from telephony.media.dtmf import DtmfReceiver, MalformedEvent
from telephony.media.latch import RELATCH_SILENCE, Latch
from telephony.media.packet_path import Receiving, transmitter
from telephony.media.plain_path import MOST_BYTES, OnAudio, OnSent, marked
from telephony.media.quality import LegQuality, ReceiverQuality
from telephony.media.rtp import MalformedRtp, RtpPacket
from telephony.media.rtp_sender import RtpSender
from telephony.media.silence import G711, MOST_SAMPLES, PCMA

if TYPE_CHECKING:
    from telephony.media.ports import MediaPorts

_log = logging.getLogger(__name__)

_fields = struct.Struct("!HII").unpack_from


class Negotiated(Protocol):
    """What ``telephony.lines.sdp`` agreed on. ``direction`` is ours: ``sendonly`` means that we send only."""

    @property
    def codec(self) -> str: ...
    @property
    def payload_type(self) -> int: ...
    @property
    def dtmf_payload_type(self) -> int | None: ...
    @property
    def remote_host(self) -> str: ...
    @property
    def remote_port(self) -> int: ...
    @property
    def direction(self) -> str: ...


class RtpLeg(Receiving):
    """Not threadsafe: everything happens on the loop that opened it.

    ``on_audio`` gets each G.711 packet of the peer, ``on_digit`` each DTMF digit once, ``on_sent`` each packet of
    audio that went out.
    """

    _latch: Latch
    _quality: ReceiverQuality
    _sender: RtpSender

    def __init__(self, ports: MediaPorts, loop: asyncio.AbstractEventLoop) -> None:
        """Raises NoFreePort or OSError."""
        self._ports = ports
        self._loop = loop
        self._socket = ports.open_socket()
        self.port: int = self._socket.getsockname()[1]
        #: the clock's (``media_clock.Clocked``): now, whenever something new is to be sent
        self.wakes_at = 0
        self.on_audio: OnAudio = _ignore
        self.on_digit: Callable[[str], None] = _ignore
        self.negotiated: Negotiated | None = None
        self._latch = Latch()
        self._quality = ReceiverQuality()
        self._events = DtmfReceiver()
        self._event_type = -1
        self._sender = RtpSender(PCMA, self._send_to)
        self._receive_from(self._socket)
        self._connected = False
        self._may_send = False
        self._streaming = False
        self._closed = False
        self._ignored = 0
        ports.reader.read(self._socket.fileno(), self._read_open, loop)
        ports.clock.add(self, loop)

    @classmethod
    async def open(cls, ports: MediaPorts, loop: asyncio.AbstractEventLoop | None = None) -> RtpLeg:
        """Raises NoFreePort or OSError."""
        return cls(ports, loop or asyncio.get_running_loop())

    @property
    def payload_type(self) -> int:
        return self._sender.payload_type

    @property
    def direction(self) -> str:
        return str(self.negotiated.direction) if self.negotiated else "inactive"

    @property
    def sender(self) -> RtpSender:
        return self._sender

    @property
    def on_sent(self) -> OnSent | None:
        return self._sender.on_sent

    @on_sent.setter
    def on_sent(self, on_sent: OnSent | None) -> None:
        self._sender.on_sent = on_sent

    @property
    def unsent(self) -> int:
        """Datagrams that the network did not take."""
        return self._sender.unsent

    @property
    def foreign(self) -> int:
        """Packets from elsewhere than the negotiated peer; while the peer talks the kernel refuses them uncounted."""
        return self._latch.foreign

    @property
    def received(self) -> int:
        """Packets of the peer so far."""
        return self._quality.received

    def negotiate(self, negotiated: Negotiated) -> None:
        """Take what SDP agreed on; again after each re-INVITE.

        Raises ValueError when the address is no IP literal, the port no port, or the payload type not G.711.
        """
        host, written = _address(negotiated.remote_host)
        if not 0 <= negotiated.remote_port <= 65535:
            raise ValueError(f"port {negotiated.remote_port} is no UDP port")
        if negotiated.payload_type not in G711:
            raise ValueError(f"payload type {negotiated.payload_type} is not G.711")
        if self._closed:
            return
        if (host.version == 6) != (self._socket.family == socket.AF_INET6):
            raise ValueError(f"the peer's IPv{host.version} address cannot be reached from {self._ports.host}")
        self.negotiated = negotiated
        self._sender.payload_type = negotiated.payload_type
        self._sender.event_payload_type = negotiated.dtmf_payload_type
        self._event_type = -1 if negotiated.dtmf_payload_type is None else negotiated.dtmf_payload_type
        # 0.0.0.0 is the hold of RFC 2543, port 0 a refused stream: who the peer is does not change
        reachable = negotiated.remote_port != 0 and not host.is_unspecified
        if reachable:
            self._latch.expect(written, negotiated.remote_port)
            if not self._latch.latched:
                self._open_up()
        may_send = reachable and str(negotiated.direction) in ("sendrecv", "sendonly")
        if self._may_send and not may_send:
            self._sender.pause()
        self._may_send = may_send
        self.wakes_at = 0

    def stream(self) -> None:
        """From now on the peer gets a continuous stream: audio when there is some, else silence."""
        self._streaming = True
        self.wakes_at = 0

    def send_digits(self, digits: str) -> None:
        """Send DTMF as telephone events. Raises ValueError for what is no digit, or when the peer takes none (now)."""
        if not self._may_send:
            raise ValueError("the peer takes nothing now: the call is held or not negotiated")
        self._sender.digits(digits)
        self.wakes_at = 0

    def quality(self) -> LegQuality:
        return LegQuality(
            received=self._quality.received,
            lost=self._quality.lost,
            late=self._quality.late,
            jitter_ms=round(self._quality.jitter_ms, 3),
            ignored=self._ignored,
            foreign=self._latch.foreign,
            sent=self._sender.sent,
        )

    def close(self) -> LegQuality:
        """Release the port. May be called again."""
        if not self._closed:
            self._closed = True
            self._may_send = False
            self._ports.clock.remove(self)
            self._ports.reader.forget(self._socket.fileno())
            self._ports.release(self._socket)
            self.on_audio = self.on_digit = _ignore
            self._sender.on_sent = None
            self._sender.transmit = _ignore
            self._receive_from(None)
        return self.quality()

    # the clock's calls

    def frame_due(self, now: int) -> None:
        if self._connected and self._latch.silent(now):
            self._open_up()
        if self._may_send and (self._streaming or self._sender.sent):
            self.wakes_at = self._sender.frame_due(now)
        else:
            self.wakes_at = now + RELATCH_SILENCE // 2

    def tick(self, now: int) -> None:
        if not self._may_send or not self._sender.tick(now):
            self._ports.clock.idle(self)

    # sending

    def _waits(self) -> None:
        self._ports.clock.busy(self)

    def _send_to(self, datagram: bytes) -> None:
        """While the socket is not connected."""
        if self._latch.address is not None:
            self._socket.sendto(datagram, self._latch.address)

    # receiving

    def _read_open(self, now: int) -> None:
        """Nobody is latched: look at where each packet comes from, and connect to the peer once it is known."""
        for _ in range(64):
            try:
                datagram, source = self._socket.recvfrom(MOST_BYTES)
            except BlockingIOError:
                if self._connected:
                    # what others sent before the connect is used up: from here on all is the peer's
                    self._ports.reader.read(self._socket.fileno(), self._read_connected, self._loop)
                return
            except OSError:
                continue  # an ICMP error of something we sent
            try:
                packet = RtpPacket.parse(datagram)
            except MalformedRtp:
                self._ignored += 1
                continue
            before = self._latch.address if self._latch.latched else None
            if not self._latch.accept(source[:2], packet.ssrc, now):
                continue
            if before != self._latch.address or not self._connected:
                self._connect()
            self._packet(datagram, now)
            if self._closed:
                return

    def _packet(self, datagram: bytes, now: int) -> None:
        if len(datagram) > 12 and datagram[0] == 0x80:
            payload = datagram[12:]
        else:
            try:
                payload = RtpPacket.parse(datagram).payload
            except MalformedRtp:
                self._ignored += 1
                return
        payload_type = datagram[1] & 0x7F
        sequence, timestamp, ssrc = _fields(datagram, 2)
        if payload_type in G711 and 0 < len(payload) <= MOST_SAMPLES:
            if self._quality.packet(sequence, timestamp, ssrc, now):
                datagram = marked(datagram)
            self.on_audio(datagram, payload, timestamp, now)
        elif payload_type == self._event_type:
            self._quality.packet(sequence, timestamp, ssrc, now)
            try:
                digit = self._events.packet(timestamp, payload)
            except MalformedEvent:
                self._ignored += 1
                return
            if digit is not None:
                self.on_digit(digit)
        else:
            self._ignored += 1

    def _connect(self) -> None:
        address = self._latch.address
        assert address is not None
        try:
            self._socket.connect(address)
        except OSError as error:
            _log.warning("RTP socket cannot be connected, it stays open: %s", error.strerror)
            self._connected = False
            self._sender.transmit = self._send_to
            return
        self._connected = True
        self._sender.transmit = transmitter(self._socket)

    def _open_up(self) -> None:
        """Undo the connect, so that the peer may come back from another port."""
        if self._connected:
            self._connected = False
            self._sender.transmit = self._send_to
            _disconnect(self._socket)
            self._ports.reader.read(self._socket.fileno(), self._read_open, self._loop)


@lru_cache(maxsize=1024)
def _address(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, str]:
    """An IP literal and its usual spelling. Raises ValueError."""
    address = ipaddress.ip_address(text)
    return address, str(address)


_libc = ctypes.CDLL(None, use_errno=True)


def _disconnect(udp: socket.socket) -> None:
    """connect(2) with AF_UNSPEC dissolves the association; Python's own connect cannot say that."""
    unspecified = ctypes.create_string_buffer(16)  # AF_UNSPEC is 0 everywhere
    if _libc.connect(udp.fileno(), unspecified, 16) != 0:
        _log.warning("RTP socket cannot be disconnected: %s", os.strerror(ctypes.get_errno()))


def _ignore(*_: object) -> None:
    return None
