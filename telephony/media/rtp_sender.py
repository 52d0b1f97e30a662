"""One leg's outgoing stream: sequence numbers, timestamps that follow the wall, markers, silence and digits."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable

from telephony.media.dtmf import STEP, DtmfSender
from telephony.media.pacer import Pacer
from telephony.media.packet_path import Sending
from telephony.media.plain_path import MOST_BEHIND, SAMPLE, OnSent
from telephony.media.silence import FRAME_SAMPLES, silence

_HEADER = struct.Struct("!BBHII").pack


class RtpSender(Sending):
    """``transmit`` puts a datagram on the wire, raising OSError when the network does not take it;
    ``on_sent(payload_type, timestamp, payload, now)``, where it is not None, hears of audio that went out.

    Timestamps are continuous and keep up with real time: a gap, or a headset whose clock is slow, moves them by whole
    frames and sets the marker, so that the recording of a long call stays aligned.
    """

    __slots__ = ("_dtmf", "event_payload_type")

    _pacer: Pacer

    def __init__(self, payload_type: int, transmit: Callable[[bytes], object], on_sent: OnSent | None = None) -> None:
        self._payload_type = payload_type
        self.transmit = transmit
        self.on_sent = on_sent
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        #: the wall's time of ``_timestamp``; 0: nothing sent yet
        self._stands_for = 0
        self._least_behind = MOST_BEHIND
        self._judged = 0
        self._marker = True
        self._pacer = Pacer(payload_type)
        self._dtmf = DtmfSender()
        #: digits are on their way
        self._keying = False
        self.event_payload_type: int | None = None
        self.sent = 0
        #: datagrams lost on our own machine: a full buffer, no route, the peer's port closed (ICMP)
        self.unsent = 0

    @property
    def payload_type(self) -> int:
        return self._payload_type

    @payload_type.setter
    def payload_type(self, payload_type: int) -> None:
        if payload_type != self._payload_type:
            self._payload_type = payload_type
            self._pacer = Pacer(payload_type)
            self._marker = True

    @property
    def pacer(self) -> Pacer:
        return self._pacer

    @property
    def busy(self) -> bool:
        """Frames wait for their time."""
        return self._pacer.waiting > 0

    def tick(self, now: int) -> bool:
        """Send what has waited long enough. False: nothing waits any more."""
        if self._keying:
            return False
        payload = self._pacer.pop(now)
        while payload is not None:
            self._send(payload, now)
            payload = self._pacer.pop(now)
        return self._pacer.waiting > 0

    def frame_due(self, now: int) -> int:
        """The digits' next step, or silence when the headset has nothing; call each 20 ms from the returned time on."""
        if self._keying:
            self._event_step(now)
            return 0
        resumed = not self._pacer.in_gap
        if self._pacer.gap(now):
            self._marker |= resumed
            self._send(silence(self._payload_type), now)
        return self._pacer.gap_at

    def digits(self, digits: str) -> None:
        """Raises ValueError for what is no digit, or when the peer agreed to no telephone events."""
        if self.event_payload_type is None:
            raise ValueError("the peer takes no telephone events (RFC 4733)")
        self._dtmf.add(digits)
        self._keying = self._dtmf.active

    def pause(self) -> None:
        """Nothing goes out for a while (hold): what waits is stale, digits too."""
        self._pacer.clear()
        self._dtmf.clear()
        self._keying = False
        self._marker = True

    def _event_step(self, now: int) -> None:
        self._pacer.hold_back(now, STEP)
        packet = self._dtmf.step()
        self._keying = self._dtmf.active
        if packet is None:
            self._send(silence(self._payload_type), now)
            return
        if packet.marker:
            self._keep_up(now - self._stands_for)
        second = (self.event_payload_type or 0) | (0x80 if packet.marker else 0)
        begin = (self._timestamp - packet.offset) & 0xFFFFFFFF
        try:
            self.transmit(_HEADER(0x80, second, self._sequence, begin, self._ssrc) + packet.payload)
        except OSError:
            self.unsent += 1
        self.sent += 1
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + STEP) & 0xFFFFFFFF
        self._stands_for = (self._stands_for or now) + STEP * SAMPLE
        self._marker = True

    def _judge(self) -> None:
        least = self._least_behind
        self._judged = 0
        self._least_behind = 1 << 62
        if least >= MOST_BEHIND:
            self._marker = True
            self._keep_up(least)

    def _keep_up(self, behind: int) -> None:
        """Move the timestamp over whole frames in which nothing was sent."""
        if not self._stands_for:
            return
        frames = behind // (FRAME_SAMPLES * SAMPLE)
        if frames > 0:
            self._timestamp = (self._timestamp + frames * FRAME_SAMPLES) & 0xFFFFFFFF
            self._stands_for += frames * FRAME_SAMPLES * SAMPLE
