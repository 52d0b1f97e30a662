"""One call's audio: line to headset, headset to line, both to the recorder."""

from __future__ import annotations

from telephony.media.headset import Headset
from telephony.media.quality import LegQuality
from telephony.media.rtp_leg import RtpLeg
from telephony.media.silence import silence
from telephony.media.tap import AGENT_LEG, CALLER_LEG, Tap

#: the first two bytes of a headset frame, by the second byte of the RTP header: payload type, then the marker as flag
_FRAME_START = [bytes((second & 0x7F, second >> 7)) for second in range(256)]


class Bridge:
    """Made when a call begins; ``connect`` once somebody may hear it.

    The recorder hears the caller from the first packet on, and of the agent exactly what was sent.
    """

    def __init__(self, call: str, leg: RtpLeg, tap: Tap | None = None) -> None:
        self.call = call
        self.leg = leg
        #: set or changed at any time, as when an answer follows early media
        self.tap = tap
        self._headset: Headset | None = None
        self._muted = False
        self._held = False
        self._closed = False
        leg.on_audio = self._from_line
        leg.on_sent = self._sent

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
        if self._headset is not None:
            self._headset.set_muted(muted)

    @property
    def held(self) -> bool:
        return self._held

    @held.setter
    def held(self, held: bool) -> None:
        """Held: neither side hears the other; the caller's track goes on."""
        self._held = held

    def connect(self, headset: Headset) -> None:
        """Join ``headset`` to the line (in place of another one) and start it."""
        if self._closed:
            return
        if self._headset is not None and self._headset is not headset:
            self.disconnect()
        self._headset = headset
        headset.start(self.call, self.leg.payload_type, self.leg.direction)
        headset.on_audio = self._from_headset
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
            if self.tap is not None:
                self.tap.close()
        return self.leg.quality()

    def _from_line(self, datagram: bytes, payload: bytes, timestamp: int, now: int) -> None:
        headset = self._headset
        if headset is not None and not self._held:
            headset.send_audio(_FRAME_START[datagram[1]] + datagram[2:8] + payload)
        if self.tap is not None:
            self.tap.packet(CALLER_LEG, datagram[1] & 0x7F, timestamp, payload, now)

    def _from_headset(self, payload: bytes) -> None:
        if self._muted or self._held:
            payload = silence(self.leg.payload_type, len(payload))
        self.leg.send_audio(payload)

    def _sent(self, payload_type: int, timestamp: int, payload: bytes, now: int) -> None:
        if self.tap is not None:
            self.tap.packet(AGENT_LEG, payload_type, timestamp, payload, now)
