"""The raw capture file: framed G.711 payloads of one call, as they passed, readable after a kill at any byte.

A file is one or more segments. A segment is a header, then records, all big endian::

    header  magic 8s | version u16 | size u16 | wall clock u64 (ns since the Unix epoch)
            | monotonic clock u64 (ns) | call id length u8, call id (ASCII) | CRC-32 u32 of all before it
    record  leg u8 | payload type u8 | length u16 | RTP timestamp u32 | arrival u64 (ns, monotonic) | payload

The two clocks of the header were read at the same instant, so that an arrival becomes wall time. A leg is a party's
number (docs/call-control.md): 0 caller, 1 first agent, up to 15; 0xF0 notes packets that could not be kept, 0xF1 ends a
segment that was closed in order. A torn tail is ignored. Bytes that make no sense (a lost disk block) are skipped up
to where sound records follow again, and counted.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"\x89SSCAP\r\n"
VERSION = 1

CALLER_LEG = 0
AGENT_LEG = 1
LAST_LEG = 15
LEGS = LAST_LEG + 1
GAP_NOTE = 0xF0
END_NOTE = 0xF1

#: leg, payload type, payload length, RTP timestamp, arrival in monotonic ns
RECORD = struct.Struct(">BBHIQ")
#: first and last arrival of what was dropped (monotonic ns), packets dropped of each leg
GAP = struct.Struct(f">QQ{LEGS}I")
#: the same of two legs, as calls of two were noted once
_GAP_OF_TWO = struct.Struct(">QQII")
#: packets offered to this segment, packets dropped
END = struct.Struct(">II")
_HEADER = struct.Struct(">8sHHQQB")
_CRC = struct.Struct(">I")

#: an arrival further from the anchor than this is no arrival: 7 days
_SANE_NS = 7 * 86_400 * 10**9


class CaptureUnreadable(ValueError):
    """The file does not begin with a capture header that can be trusted."""


@dataclass(frozen=True, slots=True)
class CaptureHeader:
    call: str
    wall_ns: int
    monotonic_ns: int

    def pack(self) -> bytes:
        call = self.call.encode("ascii")
        size = _HEADER.size + len(call) + _CRC.size
        head = _HEADER.pack(MAGIC, VERSION, size, self.wall_ns, self.monotonic_ns, len(call)) + call
        return head + _CRC.pack(zlib.crc32(head))


#: arrival (ns), RTP timestamp, payload type, where the payload begins in the file, its length
Packet = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class CaptureGap:
    """Packets the recorder had to drop, by leg, between two arrivals (monotonic ns)."""

    first_ns: int
    last_ns: int
    packets: tuple[int, ...]


@dataclass(slots=True)
class Segment:
    """What one run of the recorder wrote. ``ended_ns`` (monotonic) is 0 when it was killed before it could close."""

    header: CaptureHeader
    legs: dict[int, list[Packet]] = field(default_factory=dict)
    gaps: list[CaptureGap] = field(default_factory=list)
    ended_ns: int = 0


@dataclass(slots=True)
class Capture:
    """A parsed file. ``torn_bytes`` is the unfinished tail, ``damaged_bytes`` what had to be skipped before it."""

    call: str
    data: bytes
    segments: list[Segment]
    torn_bytes: int = 0
    damaged_bytes: int = 0

    @property
    def packets(self) -> int:
        return sum(len(packets) for segment in self.segments for packets in segment.legs.values())

    @property
    def ended(self) -> bool:
        return bool(self.segments) and all(segment.ended_ns for segment in self.segments)


def read_header(data: bytes, offset: int = 0) -> tuple[CaptureHeader, int] | None:
    """The header at ``offset`` and where its records begin; ``None`` where there is no whole, sound header."""
    if len(data) - offset < _HEADER.size:
        return None
    magic, version, size, wall_ns, monotonic_ns, length = _HEADER.unpack_from(data, offset)
    if magic != MAGIC or version != VERSION or size != _HEADER.size + length + _CRC.size:
        return None
    end = offset + size
    if len(data) < end:
        return None
    (checksum,) = _CRC.unpack_from(data, end - _CRC.size)
    if zlib.crc32(data[offset : end - _CRC.size]) != checksum:
        return None
    call = data[offset + _HEADER.size : end - _CRC.size].decode("ascii", "replace")
    return CaptureHeader(call, wall_ns, monotonic_ns), end


def read_capture(path: Path) -> Capture:
    """Parse a capture file.

    Raises:
        CaptureUnreadable: no sound header at its start, so that the audio belongs to nobody.
        OSError: the file cannot be read.
    """
    return parse_capture(path.read_bytes())


def parse_capture(data: bytes) -> Capture:
    """As ``read_capture``, from bytes."""
    first = read_header(data)
    if first is None:
        raise CaptureUnreadable(f"no capture header at the start of {len(data)} bytes")
    header, offset = first
    segment = Segment(header)
    capture = Capture(header.call, data, [segment])
    end = len(data)
    while offset < end:
        if data[offset] == MAGIC[0]:
            found = read_header(data, offset)
            if found is not None:
                header, offset = found
                segment = Segment(header)
                capture.segments.append(segment)
                continue
        following = _record_end(data, offset, segment.header.monotonic_ns)
        if following == 0 or following > end:
            # nonsense, or cut short: a torn tail, unless sound records follow
            resumed = _next_sound(data, offset + 1, segment.header.monotonic_ns)
            if resumed == end:
                capture.torn_bytes = end - offset
            else:
                capture.damaged_bytes += resumed - offset
            offset = resumed
            continue
        _take(segment, data, offset)
        offset = following
    return capture


def _take(segment: Segment, data: bytes, offset: int) -> None:
    leg, payload_type, length, timestamp, arrival = RECORD.unpack_from(data, offset)
    start = offset + RECORD.size
    if leg <= LAST_LEG:
        segment.legs.setdefault(leg, []).append((arrival, timestamp, payload_type, start, length))
    elif leg == GAP_NOTE:
        note = GAP if length == GAP.size else _GAP_OF_TWO
        first, last, *packets = note.unpack_from(data, start)
        segment.gaps.append(CaptureGap(first, last, tuple(packets)))
    else:
        segment.ended_ns = arrival


def _record_end(data: bytes, offset: int, anchor_ns: int) -> int:
    """Where the record at ``offset`` ends (maybe past the data); 0 where it is no record."""
    if len(data) - offset < RECORD.size:
        return len(data) + 1
    leg, payload_type, length, _, arrival = RECORD.unpack_from(data, offset)
    if abs(arrival - anchor_ns) > _SANE_NS:
        return 0
    if leg <= LAST_LEG:
        sound = length > 0 and payload_type < 128
    elif leg == GAP_NOTE:
        sound = length in (GAP.size, _GAP_OF_TWO.size)
    else:
        sound = leg == END_NOTE and length == END.size
    return offset + RECORD.size + length if sound else 0


def _next_sound(data: bytes, offset: int, anchor_ns: int) -> int:
    """The next place from ``offset`` where a header stands, two records in a row or a last one; else the end."""
    end = len(data)
    for place in range(offset, end):
        if data[place] == MAGIC[0]:
            if read_header(data, place) is not None:
                return place
        elif data[place] <= LAST_LEG or data[place] in (GAP_NOTE, END_NOTE):
            following = _record_end(data, place, anchor_ns)
            if following == end:
                return place
            if not 0 < following < end:
                continue
            second = _record_end(data, following, anchor_ns)
            if 0 < second <= end or read_header(data, following) is not None:
                return place
    return end
