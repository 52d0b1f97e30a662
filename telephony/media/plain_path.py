"""What happens to each packet of a call of two that is as expected: the whole of it, in Python.

These are the states that every packet changes and the steps that every packet takes, fifty times a second for each
party. What is rare is in the classes that inherit from them. ``_packet_path.c`` is the same in C; ``packet_path``
says which of the two is used.
"""

from __future__ import annotations

import select
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic_ns
from typing import Any, Protocol

from telephony.media.silence import G711, MOST_SAMPLES

#: ns of one 8 kHz sample
SAMPLE = 125_000
#: how much before its time a frame may pass (ns)
TOLERANCE = 12_000_000
#: our timestamps may fall this much behind the wall before they are set right (ns)
MOST_BEHIND = 2 * 160 * SAMPLE
#: over how many packets "behind" is judged, by the least of them: jitter is not drift
JUDGED = 50
#: of a headset frame (architecture.md)
HEADER_SIZE = 8

#: more than any RTP packet of ours needs; a longer datagram is cut off and then malformed
MOST_BYTES = 2048
_MOST_FRAME = HEADER_SIZE + MOST_SAMPLES

_header = struct.Struct("!BBHII").pack
_fields = struct.Struct("!HII").unpack_from
#: of a headset frame
_timestamp = struct.Struct("!4xI").unpack_from

#: the first two bytes of G.711 packets without CSRC, extension and padding, with and without marker
_PLAIN = frozenset(bytes((0x80, marker | payload_type)) for marker in (0, 0x80) for payload_type in G711)
_LONGEST_PLAIN = 12 + MOST_SAMPLES
#: the first two bytes of a headset frame, by the second byte of the RTP header: payload type, then the marker as flag
FRAME_START = [bytes((second & 0x7F, second >> 7)) for second in range(256)]

#: ``on_audio(datagram, payload, timestamp, now)``: bytes 1 to 7 of ``datagram`` are marker and payload type, sequence
#: number, timestamp (RFC 3550 §5.1), whatever follows them
OnAudio = Callable[[bytes, bytes, int, int], None]
#: ``on_sent(payload_type, timestamp, payload, now)``
OnSent = Callable[[int, int, bytes, int], None]
#: ``record(track, payload_type, timestamp, payload, now)``, see ``tap.Tap``
Record = Callable[[int, int, int, bytes, int], None]


def serve(
    epoll: select.epoll,
    readers: Mapping[int, Callable[[int], object]],
    callbacks: Mapping[int, Callable[[], object]],
    now: int,
    failed: Callable[[Exception], object],
) -> bool:
    """Call the readers (with ``now``) and callbacks of all descriptors that have something; whether there were any.
    ``failed`` is told of what they raise."""
    ready = epoll.poll(0)
    for descriptor, _ in ready:
        try:
            if (reader := readers.get(descriptor)) is not None:
                reader(now)
            elif (callback := callbacks.get(descriptor)) is not None:
                callback()
            # else one before it closed this one
        except Exception as error:
            failed(error)
    return bool(ready)


class Reception:
    """The state of ``quality.ReceiverQuality``."""

    __slots__ = (
        "_arrival",
        "_base",
        "_expected_before",
        "_highest",
        "_jitter",
        "_next",
        "_ssrc",
        "_timestamp",
        "late",
        "received",
    )

    _ssrc: int
    _base: int
    _highest: int
    _next: int
    _expected_before: int
    _arrival: int
    _timestamp: int
    _jitter: float
    received: int
    late: int

    def packet(self, sequence: int, timestamp: int, ssrc: int, now: int) -> bool:
        """``now`` is the arrival in monotonic ns. True when this packet begins a new source."""
        self.received += 1
        # RFC 3550 A.8, kept in ns: D is the change of the relative transit time
        change = now - self._arrival - (timestamp - self._timestamp) * SAMPLE
        self._arrival = now
        self._timestamp = timestamp
        if sequence == self._next and ssrc == self._ssrc:
            self._highest += 1
            self._next = (sequence + 1) & 0xFFFF
            if change < 0:
                change = -change
            if change < 10_000_000_000:  # else the timestamp wrapped or was set anew
                self._jitter += (change - self._jitter) * 0.0625
            return False
        return self._unusual(sequence, ssrc)

    def _unusual(self, sequence: int, ssrc: int) -> bool:
        """Another source, or another number than the next."""
        raise NotImplementedError


class Pacing:
    """The state of ``pacer.Pacer``."""

    __slots__ = ("_backlogged", "_due", "_queue", "in_gap")

    _backlogged: int
    _due: int
    _queue: deque[bytes]
    in_gap: bool

    def push(self, payload: bytes, now: int) -> bool:
        """True: send ``payload`` now. False: it waits, ``pop`` gives it in time."""
        due = self._due
        if self._queue or (now < due - TOLERANCE and not self.in_gap):
            return self._wait(payload)
        # the first frame after silence sets the beat anew
        self._due = (now if now > due or self.in_gap else due) + len(payload) * SAMPLE
        self._backlogged = 0
        self.in_gap = False
        return True

    def _wait(self, payload: bytes) -> bool:
        """Keep it. Gives False."""
        raise NotImplementedError


class Sending:
    """The state of ``rtp_sender.RtpSender``."""

    __slots__ = (
        "_judged",
        "_keying",
        "_least_behind",
        "_marker",
        "_pacer",
        "_payload_type",
        "_sequence",
        "_ssrc",
        "_stands_for",
        "_timestamp",
        "on_sent",
        "sent",
        "transmit",
        "unsent",
    )

    _judged: int
    _keying: bool
    _least_behind: int
    _marker: bool
    _pacer: Any
    _payload_type: int
    _sequence: int
    _ssrc: int
    _stands_for: int
    _timestamp: int
    on_sent: OnSent | None
    sent: int
    transmit: Callable[[bytes], object]
    unsent: int

    def audio(self, payload: bytes, now: int) -> bool:
        """A frame of the headset. False: it waits, ``tick`` must be called."""
        if self._keying:
            return True  # the digit has the line
        if self._pacer.push(payload, now):
            self._send(payload, now)
            return True
        return False

    def _send(self, payload: bytes, now: int) -> None:
        behind = now - self._stands_for
        if behind < self._least_behind:
            self._least_behind = behind
        self._judged += 1
        if self._judged >= JUDGED:
            self._judge()
        second = self._payload_type
        if self._marker:
            self._marker = False
            second |= 0x80
            if not self._stands_for:
                self._stands_for = now
            elif behind >= MOST_BEHIND:
                self._keep_up(behind)
        timestamp = self._timestamp
        sequence = self._sequence
        transmit = self.transmit
        try:
            transmit(_header(0x80, second, sequence, timestamp, self._ssrc) + payload)
        except OSError:
            self.unsent += 1
        self.sent += 1
        self._sequence = (sequence + 1) & 0xFFFF
        samples = len(payload)
        self._timestamp = (timestamp + samples) & 0xFFFFFFFF
        self._stands_for += samples * SAMPLE
        on_sent = self.on_sent
        if on_sent is not None:
            on_sent(self._payload_type, timestamp, payload, now)

    def _judge(self) -> None:
        """``JUDGED`` packets went out since the last time."""
        raise NotImplementedError

    def _keep_up(self, behind: int) -> None:
        """Move the timestamp over whole frames in which nothing was sent."""
        raise NotImplementedError


def transmitter(udp: socket.socket) -> Callable[[bytes], object]:
    """Sends a datagram by a connected socket, which must not be closed before this is forgotten. It raises OSError."""
    return udp.send


class Receiving:
    """What ``rtp_leg.RtpLeg`` does with each packet, of both directions."""

    on_audio: OnAudio
    _latch: Any
    _quality: Any
    _sender: Any
    _may_send: bool

    def _receive_from(self, udp: socket.socket | None) -> None:
        """None, before the socket is closed."""
        if udp is not None:
            self._recv = udp.recv

    def _read_connected(self, now: int) -> None:
        """The kernel lets only the latched peer through."""
        recv = self._recv  # a function in an attribute is called faster by way of a name
        try:
            datagram = recv(MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._sender.unsent += 1  # an ICMP error of something we sent
            return
        self._latch.last_heard = now
        # what nearly every packet is, with nothing of ``_packet`` that it does not need
        if datagram[:2] in _PLAIN and 12 < len(datagram) <= _LONGEST_PLAIN:
            sequence, timestamp, ssrc = _fields(datagram, 2)
            on_audio = self.on_audio
            if not self._quality.packet(sequence, timestamp, ssrc, now):
                on_audio(datagram, datagram[12:], timestamp, now)
            else:
                on_audio(marked(datagram), datagram[12:], timestamp, now)
        else:
            self._packet(datagram, now)

    def send_audio(self, payload: bytes, now: int = 0) -> None:
        """One G.711 payload of the negotiated law. Dropped while the direction does not let us send. ``now``: the time,
        where it is known (monotonic ns)."""
        if self._may_send and not self._sender.audio(payload, now or monotonic_ns()):
            self._waits()

    def _packet(self, datagram: bytes, now: int) -> None:
        """Any packet of the peer."""
        raise NotImplementedError

    def _waits(self) -> None:
        """What was to be sent waits for its time."""
        raise NotImplementedError


def marked(datagram: bytes) -> bytes:
    """The header with the marker set: the headset must know that a new source begins."""
    return bytes((0x80, datagram[1] | 0x80)) + datagram[2:12]


class Frame(Protocol):
    def get_payload_as_bytes(self) -> bytes: ...


class Microphone:
    """What a headset says: counts frames of ``payload_type`` and gives them on. ``other(transport, frame, payload)``
    gets every other frame. ``lost`` are gaps in the console's own numbering, ``next`` its next number (lower byte; -1:
    it begins anew)."""

    __slots__ = ("_other", "lost", "next", "on_audio", "on_frame", "payload_type", "received")

    def __init__(self, other: Callable[[Any, Any, bytes], None]) -> None:
        self._other = other
        self.payload_type = -1
        self.next = -1
        self.received = 0
        self.lost = 0
        self.on_audio: Callable[[bytes], None] | None = None
        self.on_frame: Callable[[bytes], None] | None = None

    def frame(self, transport: object, frame: Frame) -> None:
        # ``frame.msg_type`` costs more than all the rest of this path, and no other kind of frame can begin with 0
        # or 8: text is JSON, close codes begin at 1000
        data = frame.get_payload_as_bytes()
        if data and data[0] == self.payload_type and HEADER_SIZE < len(data) <= _MOST_FRAME:
            low = data[3]
            if low != self.next:
                self._numbering(low)
            self.next = (low + 1) & 0xFF
            self.received += 1
            if (on_audio := self.on_audio) is not None:
                on_audio(data[HEADER_SIZE:])
            elif (on_frame := self.on_frame) is not None:
                on_frame(data)
        else:
            self._other(transport, frame, data)

    def _numbering(self, low: int) -> None:
        if self.next >= 0:
            gap = (low - self.next) & 0xFF
            if gap < 128:
                self.lost += gap


class Ear(Protocol):
    deliver: Callable[[Any, bytes], None]


class LegToHeadset:
    """What a call of two is made of: the payload untouched, in one frame of ``kind``, and recorded."""

    __slots__ = ("_headset", "_kind", "_record", "_track")

    def __init__(self, track: int, headset: Ear, record: Record, kind: Any) -> None:
        self._track = track
        self._headset = headset
        self._record = record
        self._kind = kind

    def audio(self, datagram: bytes, payload: bytes, timestamp: int, now: int) -> None:
        second = datagram[1]
        self._headset.deliver(self._kind, FRAME_START[second] + datagram[2:8] + payload)
        record = self._record
        record(self._track, second & 0x7F, timestamp, payload, now)


class HeadsetToLeg:
    """The other half of a call of two."""

    __slots__ = ("_law", "_record", "_send", "_track")

    def __init__(self, track: int, leg: Receiving, record: Record, law: int) -> None:
        self._track = track
        self._send = leg.send_audio
        self._record = record
        self._law = law

    def frame(self, frame: bytes) -> None:
        now = monotonic_ns()
        payload = frame[HEADER_SIZE:]
        send, record = self._send, self._record
        send(payload, now)
        record(self._track, self._law, _timestamp(frame)[0], payload, now)
