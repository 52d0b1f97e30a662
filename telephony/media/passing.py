"""What is done with each packet that comes from a party, as callbacks for its leg or headset.

They run fifty times a second for each party: what can be known beforehand is bound when the call's routing changes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from time import monotonic_ns

from picows import WSMsgType

from telephony.media.fades import fade_in_payload
from telephony.media.headset import Headset
from telephony.media.packet_path import HeadsetToLeg, LegToHeadset
from telephony.media.plain_path import FRAME_START, HEADER_SIZE, OnAudio, Record
from telephony.media.rtp_leg import RtpLeg
from telephony.media.voice import Voice

_BINARY = WSMsgType.BINARY

#: of a headset frame
_timestamp = struct.Struct("!4xI").unpack_from

#: ``sink(header, payload)``: a packet on its way to one ear; ``header`` is that of a headset frame (architecture.md)
Sink = Callable[[bytes, bytes], None]


def leg_to_nobody(track: int, record: Record) -> OnAudio:
    def on_audio(datagram: bytes, payload: bytes, timestamp: int, now: int) -> None:
        record(track, datagram[1] & 0x7F, timestamp, payload, now)

    return on_audio


def leg_to_headset(track: int, headset: Headset, record: Record) -> OnAudio:
    """What a call of two is made of: the payload untouched, in one frame, and recorded."""
    return LegToHeadset(track, headset, record, _BINARY).audio


def leg_to_all(track: int, sinks: Sequence[Sink], voice: Voice | None, record: Record) -> OnAudio:
    """To ears that hear this one alone (``sinks``), into mixes (``voice``), or both."""

    def on_audio(datagram: bytes, payload: bytes, timestamp: int, now: int) -> None:
        header = FRAME_START[datagram[1]] + datagram[2:8]
        for sink in sinks:
            sink(header, payload)
        if voice is not None:
            voice.push(payload, header[0], timestamp)
        record(track, header[0], timestamp, payload, now)

    return on_audio


def headset_to_leg(track: int, leg: RtpLeg, law: int, record: Record) -> Callable[[bytes], None]:
    """The other half of a call of two."""
    return HeadsetToLeg(track, leg, record, law).frame


def headset_to_all(track: int, sinks: Sequence[Sink], voice: Voice | None, record: Record) -> Callable[[bytes], None]:
    """As ``leg_to_all``, of frames with their header."""

    def on_frame(frame: bytes) -> None:
        header, payload = frame[:HEADER_SIZE], frame[HEADER_SIZE:]
        for sink in sinks:
            sink(header, payload)
        timestamp = _timestamp(header)[0]
        if voice is not None:
            voice.push(payload, header[0], timestamp)
        record(track, header[0], timestamp, payload, monotonic_ns())

    return on_frame


def beginning(sink: Sink, begun: Callable[[], None]) -> Sink:
    """The first packet of another speaker fades in and carries the marker; then ``begun`` is told, once."""

    def first(header: bytes, payload: bytes) -> None:
        sink(bytes((header[0], 1)) + header[2:], fade_in_payload(payload, header[0]))
        begun()

    return first
