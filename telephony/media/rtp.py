"""RTP packets (RFC 3550 §5.1, §5.3.1): parsing and writing."""

from __future__ import annotations

import struct
from dataclasses import dataclass

VERSION = 2
HEADER_SIZE = 12

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


class MalformedRtp(ValueError):
    """A datagram that is no RTP packet; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class RtpExtension:
    """Header extension (RFC 3550 §5.3.1): ``profile`` is 16 bits, ``data`` a multiple of 4 bytes."""

    profile: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet. ``payload`` comes without padding; ``padding`` is the number of padding bytes (0 to 255)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    csrc: tuple[int, ...] = ()
    extension: RtpExtension | None = None
    padding: int = 0

    @classmethod
    def parse(cls, datagram: bytes) -> RtpPacket:
        """Raises MalformedRtp for anything that RFC 3550 does not allow."""
        size = len(datagram)
        if size < HEADER_SIZE:
            raise MalformedRtp(f"{size} bytes are too short for an RTP header")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
        if first >> 6 != VERSION:
            raise MalformedRtp(f"RTP version {first >> 6}, expected 2")
        csrc_count = first & 0x0F
        start = HEADER_SIZE + 4 * csrc_count
        if start > size:
            raise MalformedRtp(f"{csrc_count} CSRC entries do not fit into {size} bytes")
        csrc = struct.unpack_from(f"!{csrc_count}I", datagram, HEADER_SIZE)
        extension = None
        if first & 0x10:
            if start + 4 > size:
                raise MalformedRtp("the header extension is cut off")
            profile, words = _EXTENSION.unpack_from(datagram, start)
            start += 4
            if start + 4 * words > size:
                raise MalformedRtp("the header extension is longer than the packet")
            extension = RtpExtension(profile, bytes(datagram[start : start + 4 * words]))
            start += 4 * words
        padding = 0
        if first & 0x20:
            padding = datagram[-1]
            if padding == 0 or start + padding > size:
                raise MalformedRtp(f"a padding of {padding} bytes does not fit")
        return cls(
            payload_type=second & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=bytes(datagram[start : size - padding]),
            marker=bool(second & 0x80),
            csrc=csrc,
            extension=extension,
            padding=padding,
        )

    def serialise(self) -> bytes:
        """The datagram. Raises MalformedRtp when a field does not fit its bits."""
        if not 0 <= self.payload_type <= 127 or len(self.csrc) > 15 or not 0 <= self.padding <= 255:
            raise MalformedRtp("payload type, CSRC count or padding out of range")
        if self.extension is not None and len(self.extension.data) % 4:
            raise MalformedRtp("header extension data is not a multiple of 4 bytes")
        first = VERSION << 6 | len(self.csrc)
        if self.padding:
            first |= 0x20
        if self.extension is not None:
            first |= 0x10
        second = self.payload_type | (0x80 if self.marker else 0)
        try:
            parts = [_HEADER.pack(first, second, self.sequence, self.timestamp, self.ssrc)]
            parts.append(struct.pack(f"!{len(self.csrc)}I", *self.csrc))
            if self.extension is not None:
                parts.append(_EXTENSION.pack(self.extension.profile, len(self.extension.data) // 4))
                parts.append(self.extension.data)
        except struct.error as error:
            raise MalformedRtp(f"a field does not fit its bits: {error}") from error
        parts.append(self.payload)
        if self.padding:
            parts.append(bytes(self.padding - 1) + bytes([self.padding]))
        return b"".join(parts)
