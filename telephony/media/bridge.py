"""One call's audio: line to headset, headset to line, both to the recorder."""

from __future__ import annotations

from functools import partial

from picows import WSMsgType

from telephony.media.headset import Headset
from telephony.media.quality import LegQuality
from telephony.media.rtp_leg import RtpLeg
from telephony.media.silence import silence
from telephony.media.tap import AGENT_LEG, CALLER_LEG, Tap

#: the first two bytes of a headset frame, by the second byte of the RTP header: payload type, then the marker as flag
_FRAME_START = [bytes((second & 0x7F, second >> 7)) for second in range(256)]


_BINARY = WSMsgType.BINARY


class Bridge:
    """Made when a call begins; ``connect`` once somebody may hear it.

    The recorder hears the caller from the first packet on, and of the agent exactly what was sent.
    """

    def __init__(self, call: str, leg: RtpLeg, tap: Tap | None = None) -> None:
        self.call = call
        self.leg = leg
        self._headset: Headset | None = None
        self._muted = False
        self._held = False
        self._closed = False
        leg.on_audio = self._from_line
        self.tap = tap

    @property
    def tap(self) -> Tap | None:
        """Who records; set or changed at any time, as when an answer follows early media."""
        return self._tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._tap = tap
        self._record = _ignore if tap is None else tap.packet
        self.leg.on_sent = _ignore if tap is None else partial(tap.packet, AGENT_LEG)

    @property
    def headset(self) -> Headset | None:
        return self._headset

    @property
    def muted(self) -> bool:
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        """Muted: the line and the agent's track get silence."""
        self._muted = muted
        self._route()
        if self._headset is not None:
            self._headset.set_muted(muted)

    @property
    def held(self) -> bool:
        return self._held

    @held.setter
    def held(self, held: bool) -> None:
        """Held: neither side hears the other; the caller's track goes on."""
        self._held = held
        self._route()

    def connect(self, headset: Headset) -> None:
        """Join ``headset`` to the line (in place of another one) and start it."""
        if self._closed:
            return
        if self._headset is not None and self._headset is not headset:
            self.disconnect()
        self._headset = headset
        headset.start(self.call, self.leg.payload_type, self.leg.direction)
        self._route()
        if self._muted:
            headset.set_muted(True)
        self.leg.stream()

    def renegotiated(self) -> None:
        """The leg's session changed: tell the headset its law and direction."""
        if self._headset is not None:
            self._headset.start(self.call, self.leg.payload_type, self.leg.direction)

    def disconnect(self) -> None:
        """Part the headset from the line; the line gets silence."""
        headset, self._headset = self._headset, None
        if headset is not None:
            headset.stop(self.call)

    def close(self) -> LegQuality:
        """The call is over: part the headset, close leg and recorder. May be called again."""
        if not self._closed:
            self._closed = True
            self.disconnect()
            self.leg.close()
            if self._tap is not None:
                self._tap.close()
        return self.leg.quality()

    def _from_line(self, datagram: bytes, payload: bytes, timestamp: int, now: int) -> None:
        headset = self._headset
        if headset is not None and not self._held:
            headset.deliver(_BINARY, _FRAME_START[datagram[1]] + datagram[2:8] + payload)
        self._record(CALLER_LEG, datagram[1] & 0x7F, timestamp, payload, now)

    def _route(self) -> None:
        """Where the headset's audio goes: straight to the leg while it may be heard."""
        if self._headset is not None:
            quiet = self._muted or self._held
            self._headset.on_audio = self._quiet if quiet else self.leg.send_audio

    def _quiet(self, payload: bytes) -> None:
        self.leg.send_audio(silence(self.leg.payload_type, len(payload)))


def _ignore(*_: object) -> None:
    return None
