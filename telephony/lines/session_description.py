"""Reading of SDP text (RFC 8866): tolerant where deployed phones are sloppy, strict where media would go astray."""

from __future__ import annotations

from dataclasses import dataclass, field

#: names of the static payload types that an offer may list without an rtpmap (RFC 3551 table 4)
_STATIC_NAMES = {
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    13: ("CN", 8000),
    18: ("G729", 8000),
}
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_MAX_LINES = 500


class SdpError(ValueError):
    """The text is not an SDP that we can use; the message says why."""


@dataclass(slots=True)
class MediaDescription:
    """One ``m=`` section. ``direction`` and ``host`` are empty where the section leaves them to the session."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    host: str = ""
    direction: str = ""
    ptime: int | None = None
    mid: str = ""
    #: payload type -> (encoding name in capitals, clock rate)
    rtpmap: dict[int, tuple[str, int]] = field(default_factory=dict)

    def payload_types(self) -> list[int]:
        """The RTP payload types in the order of preference; formats that are no such number are left out."""
        return [int(text) for text in self.formats if text.isascii() and text.isdigit() and int(text) < 128]

    def codec_of(self, payload_type: int) -> str:
        """The 8 kHz encoding name in capitals, ``""`` when unknown or of another clock rate."""
        name, rate = self.rtpmap.get(payload_type) or _STATIC_NAMES.get(payload_type, ("", 0))
        return name if rate == 8000 else ""

    def payload_type_of(self, codec: str) -> int | None:
        for payload_type in self.payload_types():
            if self.codec_of(payload_type) == codec:
                return payload_type
        return None


@dataclass(slots=True)
class SessionDescription:
    host: str
    media: list[MediaDescription]
    direction: str = ""
    session_id: str = ""
    version: str = ""
    timing: str = "0 0"

    @classmethod
    def parse(cls, text: str) -> SessionDescription:
        """Read ``text``. Unknown lines are passed over; raises ``SdpError`` for what cannot be understood."""
        lines = [bare for line in text.replace("\r", "\n").split("\n") if (bare := line.strip())]
        if not lines:
            raise SdpError("the SDP is empty")
        if len(lines) > _MAX_LINES:
            raise SdpError(f"the SDP has more than {_MAX_LINES} lines")
        if not lines[0].startswith("v="):
            raise SdpError("the SDP does not begin with v=")
        description = cls(host="", media=[])
        for line in lines[1:]:
            kind, separator, value = line.partition("=")
            if not separator or len(kind) != 1:
                raise SdpError(f"not an SDP line: {line[:60]!r}")
            description._read(kind, value.strip())
        if not description.media:
            raise SdpError("the SDP has no m= line")
        return description

    def _read(self, kind: str, value: str) -> None:
        section = self.media[-1] if self.media else None
        if kind == "m":
            self.media.append(_media_line(value))
        elif kind == "c":
            host = _connection_host(value)
            if section is None:
                self.host = host
            else:
                section.host = host
        elif kind == "o":
            parts = value.split()
            if len(parts) >= 3:
                self.session_id, self.version = parts[1], parts[2]
        elif kind == "t" and section is None:
            self.timing = value or "0 0"
        elif kind == "a":
            if value.lower() in _DIRECTIONS:
                if section is None:
                    self.direction = value.lower()
                else:
                    section.direction = value.lower()
            elif section is not None:
                _media_attribute(section, value)


def _media_line(value: str) -> MediaDescription:
    parts = value.split()
    if len(parts) < 4:
        raise SdpError(f"m= line is incomplete: {value[:60]!r}")
    port_text = parts[1].partition("/")[0]
    if not (port_text.isascii() and port_text.isdigit()) or int(port_text) > 65535:
        raise SdpError(f"m= line has no valid port: {value[:60]!r}")
    return MediaDescription(kind=parts[0].lower(), port=int(port_text), protocol=parts[2], formats=parts[3:])


def _connection_host(value: str) -> str:
    parts = value.split()
    if len(parts) != 3 or parts[0].upper() != "IN" or parts[1].upper() not in ("IP4", "IP6"):
        raise SdpError(f"c= line is not an internet address: {value[:60]!r}")
    return parts[2].partition("/")[0]


def _media_attribute(section: MediaDescription, value: str) -> None:
    name, _, rest = value.partition(":")
    if name == "rtpmap":
        number, _, encoding = rest.strip().partition(" ")
        codec, _, rate = encoding.strip().partition("/")
        clock = rate.partition("/")[0]
        if number.isascii() and number.isdigit() and clock.isascii() and clock.isdigit() and codec:
            section.rtpmap[int(number)] = (codec.upper(), int(clock))
    elif name == "ptime":
        whole = rest.strip().partition(".")[0]
        if whole.isascii() and whole.isdigit() and 0 < int(whole) <= 200:
            section.ptime = int(whole)
    elif name == "mid":
        section.mid = rest.strip()
