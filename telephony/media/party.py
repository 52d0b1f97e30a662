"""The parties of a room: an RTP leg or a headset, as somebody who speaks and as an ear."""

from __future__ import annotations

from picows import WSMsgType

from telephony.media import g711
from telephony.media.headset import Headset
from telephony.media.passing import Sink
from telephony.media.playing import Playing
from telephony.media.rtp_leg import RtpLeg

_BINARY = WSMsgType.BINARY

#: what a party hears when it hears no speakers
PLAYING = (-1,)


class LegParty:
    """Fits ``mixer.Ear``."""

    def __init__(self, number: int, leg: RtpLeg) -> None:
        self.number = number
        self.leg = leg
        #: the numbers of whom it hears, or ``PLAYING``
        self.feed: tuple[int, ...] = ()
        #: it has heard something before
        self.began = False
        #: another speaker's first packet is to come
        self.fresh = False
        self.playing: Playing | None = None
        self.hear = leg.send_audio

    def begins(self) -> None:
        """The leg numbers its packets itself."""

    @property
    def law(self) -> int:
        return self.leg.payload_type

    def sink(self) -> Sink:
        """For packets that pass through, in either law."""
        send, wanted = self.leg.send_audio, self.law

        def to_leg(header: bytes, payload: bytes) -> None:
            given = header[0]
            send(payload if given == wanted else g711.transcode(payload, given, wanted))

        return to_leg


class HeadsetParty:
    """Fits ``mixer.Ear``. The party stays when its headset is gone, silent."""

    def __init__(self, number: int, headset: Headset) -> None:
        self.number = number
        self.headset: Headset | None = headset
        self.feed: tuple[int, ...] = ()
        self.began = False
        self.fresh = False
        self.playing: Playing | None = None
        self.law = -1
        self.muted = False
        self._sequence = 0
        self._timestamp = 0
        self._marker = True

    def begins(self) -> None:
        """What is made here for this ear is another source from now on."""
        self._marker = True

    def hear(self, payload: bytes) -> None:
        """Audio made here: mixes, music, prompts."""
        if self.headset is None:
            return
        sequence, timestamp = self._sequence, self._timestamp
        self._sequence = (sequence + 1) & 0xFFFF
        self._timestamp = (timestamp + len(payload)) & 0xFFFFFFFF
        header = bytes((self.law, self._marker)) + sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big")
        self._marker = False
        self.headset.deliver(_BINARY, header + payload)

    def sink(self) -> Sink:
        """For packets that pass through: a headset takes either law."""
        headset = self.headset
        if headset is None:
            return _nowhere

        def to_headset(header: bytes, payload: bytes) -> None:
            headset.deliver(_BINARY, header + payload)

        return to_headset


Party = LegParty | HeadsetParty


def _nowhere(header: bytes, payload: bytes) -> None:
    return None
