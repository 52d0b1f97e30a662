"""Where each packet of a capture belongs in the finished audio, each party on a track of its own.

Time 0 is the instant the recording was opened. RTP timestamps say how packets of one stream lie
to each other (RFC 3550 §5.1), arrival times say where the stream lies on the call's clock: the offset between both is
the lowest delay seen, because a packet may be late but never early. When the sender's clock drifts, pauses without
counting on, changes its stream or wraps, the offset moves; a network stall that a burst catches up does not move it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from recordings.capture_format import AGENT_LEG, CALLER_LEG, Capture, Packet, Segment

RATE = 8000
_NS_PER_SAMPLE = 1_000_000_000 // RATE

#: an offset that is wrong by more than this (samples; 40 ms) is set anew
_TOLERANCE = 320
#: packets looked ahead for the burst that ends a network stall (10 s)
_LOOK_AHEAD = 500
#: a timestamp that runs ahead of the clock by this (samples; 100 ms), or back by that (5 s), begins another stream
_AHEAD = 800
_BACK = 5 * RATE

#: every recording has these tracks, whether anything is on them or not
ALWAYS = (CALLER_LEG, AGENT_LEG)


@dataclass(frozen=True, slots=True)
class Piece:
    """``length`` G.711 bytes from ``start`` in the capture's data, heard from sample ``at`` on."""

    at: int
    start: int
    length: int
    payload_type: int

    @property
    def end(self) -> int:
        return self.at + self.length


@dataclass(frozen=True, slots=True)
class Timeline:
    """``parties`` are the party numbers of the tracks, ascending; ``legs`` the pieces of each track in order of time,
    without overlap; ``samples`` is the length of the whole.

    ``started_at`` is the wall time (Unix seconds) of sample 0. ``dropped`` lists what the recorder could not keep, as
    ``(party, first sample, last sample)``.
    """

    started_at: float
    samples: int
    parties: tuple[int, ...]
    legs: tuple[tuple[Piece, ...], ...]
    dropped: tuple[tuple[int, int, int], ...]
    #: packets that came twice, too late to matter, or in a codec that cannot be decoded, by track
    unused: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return self.samples / RATE


def lay_out(capture: Capture, expected: Collection[int] = (), decodable: Sequence[int] = (0, 8)) -> Timeline:
    """Place every packet of the capture. Each party with a packet has a track, and each that is ``expected`` to have
    been heard; ``decodable`` are the payload types that can be used."""
    origin_wall = capture.segments[0].header.wall_ns
    spoke = {leg for segment in capture.segments for leg, packets in segment.legs.items() if packets}
    lost = {leg for segment in capture.segments for gap in segment.gaps for leg, n in enumerate(gap.packets) if n}
    parties = tuple(sorted({*ALWAYS, *expected, *spoke, *lost}))
    legs: list[tuple[Piece, ...]] = []
    unused: list[int] = []
    end = 0
    dropped: list[tuple[int, int, int]] = []
    for leg in parties:
        placed: list[Piece] = []
        count = 0
        for segment in capture.segments:
            packets = segment.legs.get(leg, [])
            count += len(packets)
            usable = [packet for packet in packets if packet[2] in decodable]
            placed += _place(usable, _zero(segment, origin_wall))
        pieces = _without_overlap(placed)
        unused.append(count - len(pieces))
        legs.append(tuple(pieces))
        if pieces:
            end = max(end, pieces[-1].end)
    for segment in capture.segments:
        zero = _zero(segment, origin_wall)
        if segment.ended_ns:
            end = max(end, (segment.ended_ns - zero) // _NS_PER_SAMPLE)
        for gap in segment.gaps:
            first, last = (gap.first_ns - zero) // _NS_PER_SAMPLE, (gap.last_ns - zero) // _NS_PER_SAMPLE
            dropped += [(leg, first, last) for leg, count in enumerate(gap.packets) if count]
    return Timeline(origin_wall / 1e9, end, parties, tuple(legs), tuple(dropped), tuple(unused))


def _zero(segment: Segment, origin_wall: int) -> int:
    """The monotonic instant of sample 0 on this segment's clock."""
    return segment.header.monotonic_ns - (segment.header.wall_ns - origin_wall)


def _place(packets: Sequence[Packet], zero: int) -> list[Piece]:
    pieces: list[Piece] = []
    for stream in _streams(packets, zero):
        pieces += _place_stream(stream)
    return pieces


#: arrival (samples from 0), RTP timestamp unwrapped, payload type, start, length
_Unwrapped = tuple[int, int, int, int, int]


def _streams(packets: Sequence[Packet], zero: int) -> list[list[_Unwrapped]]:
    """Cut where the timestamps no longer go with the clock: another SSRC, or a jump."""
    streams: list[list[_Unwrapped]] = []
    stream: list[_Unwrapped] = []
    highest = arrived = 0
    for arrival, timestamp, payload_type, start, length in packets:
        at = (arrival - zero) // _NS_PER_SAMPLE
        step = ((timestamp - highest + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        # counting less than the clock is a pause or a late packet, and is settled by the offset
        if not stream or step > at - arrived + _AHEAD or step < -_BACK:
            stream = []
            streams.append(stream)
            highest = timestamp
            step = 0
        unwrapped = highest + step
        stream.append((at, unwrapped, payload_type, start, length))
        if step >= 0:
            highest, arrived = unwrapped, at
    return streams


def _place_stream(stream: Sequence[_Unwrapped]) -> list[Piece]:
    delays = [at - timestamp for at, timestamp, _, _, _ in stream]
    lowest_ahead = _minimum_ahead(delays, _LOOK_AHEAD)
    offset = lowest_ahead[0]
    pieces = []
    for (_, timestamp, payload_type, start, length), delay, ahead in zip(stream, delays, lowest_ahead, strict=True):
        if ahead > offset + _TOLERANCE:
            offset = ahead
        elif delay < offset - _TOLERANCE:
            offset = delay
        pieces.append(Piece(timestamp + offset, start, length, payload_type))
    return pieces


def _minimum_ahead(values: Sequence[int], window: int) -> list[int]:
    """For each place the least of it and the ``window - 1`` values after it."""
    result = [0] * len(values)
    candidates: deque[int] = deque()
    for place in range(len(values) - 1, -1, -1):
        value = values[place]
        while candidates and values[candidates[-1]] >= value:
            candidates.pop()
        candidates.append(place)
        if candidates[0] >= place + window:
            candidates.popleft()
        result[place] = values[candidates[0]]
    return result


def _without_overlap(placed: list[Piece]) -> list[Piece]:
    """In order of time; duplicates go, and where the clock was set back the later piece loses its head."""
    placed.sort(key=lambda piece: piece.at)
    pieces: list[Piece] = []
    end = 0
    for piece in placed:
        cut = max(0, end - piece.at)
        if cut >= piece.length:
            continue
        pieces.append(Piece(piece.at + cut, piece.start + cut, piece.length - cut, piece.payload_type))
        end = piece.end
    return pieces
