"""SIP messages for the pyVoIP line: pyVoIP's own class, with a reader that survives what the network sends.

pyVoIP's reader wants ``Name: value`` to the letter, knows four methods and its own list of status codes, parses the
SDP with the headers and raises whatever comes up. Here the text is taken apart by RFC 3261 §7.3 and handed to
pyVoIP's ``parse_header`` in the canonical form that it understands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

import pyVoIP.VoIP  # noqa: F401 - before pyVoIP.SIP, which cannot be imported first
from pyVoIP.SIP import SIPMessage, SIPMessageType, SIPParseError, SIPStatus

from telephony.lines.bodies import media_type, session_body
from telephony.lines.peers import AddressError, HostPort
from telephony.lines.stateless import METHOD
from telephony.lines.wire import decode, encode, from_wire, to_wire

__all__ = ["Address", "Draft", "Message", "SIPParseError", "SIPStatus", "host_of", "user_of", "values_of"]

_COMPACT = {
    "v": "Via",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "l": "Content-Length",
    "c": "Content-Type",
    "k": "Supported",
}
_NAMES = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate"}
_REQUEST_LINE = re.compile(rf"({METHOD}) (\S+) (SIP/\d\.\d)")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?")
_CSEQ = re.compile(rf"(\d{{1,10}})\s+({METHOD})")
_NAME_ADDR = re.compile(
    r'("(?:[^"\\]|\\.)*"\s*|[^"<]*)<\s*([^<>\s]+)\s*>\s*((?:;(?:[^<>"]|"(?:[^"\\]|\\.)*")*)?)', re.DOTALL
)
_URI = re.compile(r"(?:sips?|tel):\S+", re.IGNORECASE)
_TAG = re.compile(r";\s*tag\s*=\s*([^;,\s]+)", re.IGNORECASE)
_NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")
_SINGLE = ("From", "To", "Call-ID", "CSeq", "Content-Length", "Max-Forwards")
_MAX_CSEQ = 2**31 - 1
_MAX_HEADERS = 200
#: bounds on what the patterns below have to look at
_MAX_HEADER = 4096
MAX_DATAGRAM = 32_768


@dataclass(frozen=True, slots=True)
class Address:
    """A From, To, Contact or Record-Route value (RFC 3261 §20.10). ``tag`` is empty without one."""

    uri: str
    display: str = ""
    tag: str = ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raises ``SIPParseError`` for what holds no sip, sips or tel URI."""
        match = _NAME_ADDR.fullmatch(text.strip())
        if match:
            display, uri, rest = match.groups()
        else:  # without brackets, parameters belong to the header (§20.10)
            display, (uri, semicolon, rest) = "", text.strip().partition(";")
            rest = semicolon + rest
        if not _URI.fullmatch(uri):
            raise SIPParseError("no SIP URI in an address")
        display = display.strip()
        if display.startswith('"'):
            display = re.sub(r"\\(.)", r"\1", display[1:-1])
        tag = _TAG.search(rest)
        return cls(uri, display.strip(), tag.group(1) if tag else "")

    @property
    def user(self) -> str:
        return user_of(self.uri)


def user_of(uri: str) -> str:
    """The user part of a SIP URI, the number of a tel URI; without password and parameters, escapes undone."""
    scheme, _, rest = uri.partition(":")
    user = rest if scheme.lower() == "tel" else rest.rpartition("@")[0]
    return unquote(user.partition(";")[0].partition(":")[0])


def host_of(uri: str) -> HostPort:
    """Host and port of a SIP URI. Raises ``AddressError``."""
    rest = uri.partition(":")[2]
    return HostPort.parse(re.split("[;?]", rest.rpartition("@")[2])[0])


def values_of(text: str) -> list[str]:
    """A comma-separated header taken apart; commas in quotes and angle brackets separate nothing."""
    found = re.findall(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+', text)
    return [value.strip() for value in found if value.strip()]


class Message(SIPMessage):
    """One message as it came. ``code`` is the status of a response, 0 for a request; ``uri`` a request's target.

    Raises ``SIPParseError`` for what must not touch any state (§8.1.1); its text repeats nothing of the message.
    """

    def __init__(self, data: bytes, source: tuple[str, int]) -> None:
        self.source = source
        self.lines: list[tuple[str, str]] = []
        self.code, self.phrase = 0, ""
        self.method, self.uri = "", ""
        self.content = b""
        super().__init__(data)

    # reading

    def parse(self, data: bytes) -> None:
        if len(data) > MAX_DATAGRAM:
            raise SIPParseError("the message is too large")
        head, separator, body = data.partition(b"\r\n\r\n")
        if not separator:
            raise SIPParseError("no empty line after the headers")
        start, *lines = decode(head.lstrip(b"\r\n")).split("\r\n")
        self._start_line(start)
        self._split(lines)
        missing = next((name for name in _NEEDED if not self.values(name)), "")
        if missing:
            raise SIPParseError(f"{missing} is missing")
        for name in ("Via", "From", "To", "CSeq", "Call-ID"):
            self.parse_header(name, self.value(name))
        for name in ("Contact", "Record-Route"):
            if self.values(name) and not self.listed(name):
                raise SIPParseError(f"{name} cannot be read")
            for value in self.listed(name):
                if value != "*":
                    Address.parse(value)
        self._check()
        hops = self.value("Max-Forwards")
        if hops and not (hops.isascii() and hops.isdigit()):
            raise SIPParseError("Max-Forwards cannot be read")
        length = self.value("Content-Length")
        if length and (not (length.isascii() and length.isdigit()) or int(length) > len(body)):
            raise SIPParseError("Content-Length does not fit")
        self.content = body[: int(length)] if length else body

    def _start_line(self, start: str) -> None:
        self.heading = encode(start)
        if match := _STATUS_LINE.fullmatch(start):
            self.type = SIPMessageType.RESPONSE
            self.code, self.phrase = int(match.group(1)), match.group(2) or ""
            try:
                self.status = SIPStatus(self.code)
            except ValueError:  # an unknown code means what its class means (§8.1.3.2)
                self.status = SIPStatus(self.code // 100 * 100)
            return
        match = _REQUEST_LINE.fullmatch(start)
        if not match:
            raise SIPParseError("neither a request nor a response")
        self.type = SIPMessageType.MESSAGE
        self.method, self.uri, self.version = match.group(1), match.group(2), match.group(3)
        if self.version != "SIP/2.0":
            raise SIPParseError("SIP Version not compatible")
        if not _URI.fullmatch(self.uri):
            raise SIPParseError("the Request-URI is none of SIP")

    def _split(self, lines: list[str]) -> None:
        for line in lines:
            if line[:1] in (" ", "\t") and self.lines:
                name, value = self.lines[-1]
                self.lines[-1] = (name, f"{value} {line.strip()}".strip())
                continue
            name, colon, value = line.partition(":")
            name = name.strip().lower()
            if not colon or not name:
                raise SIPParseError("a header without a name")
            name = _COMPACT.get(name) or _NAMES.get(name) or name.title()
            self.lines.append((name, value.strip()))
        if len(self.lines) > _MAX_HEADERS or any(len(value) > _MAX_HEADER for _, value in self.lines):
            raise SIPParseError("too many headers, or too long ones")

    def parse_header(self, header: str, data: str) -> None:
        if header in ("From", "To"):
            address = Address.parse(data)
            # the shape that pyVoIP's generators read
            self.headers[header] = {
                "raw": _TAG.sub("", data),
                "tag": address.tag,
                "address": address.uri.partition(":")[2],
                "number": address.user,
                "caller": address.display,
                "host": address.uri.rpartition("@")[2],
            }
        elif header == "Via":
            if not re.match(r"SIP\s*/\s*2\.0\s*/\s*\w+\s+\S", data, re.IGNORECASE):
                raise SIPParseError("Via cannot be read")
        elif header == "CSeq":
            if not (match := _CSEQ.fullmatch(data)) or int(match.group(1)) > _MAX_CSEQ:
                raise SIPParseError("CSeq cannot be read")
            super().parse_header(header, f"{match.group(1)} {match.group(2)}")
        else:
            super().parse_header(header, data)

    def _check(self) -> None:
        if self.is_request and self.headers["CSeq"]["method"] != self.method:
            raise SIPParseError("CSeq names another method")
        if not self.call_id:
            raise SIPParseError("Call-ID is missing")
        if any(len(self.values(name)) > 1 for name in _SINGLE):
            raise SIPParseError("a header that must be alone is not")
        contacts = self.listed("Contact")
        if self.is_request and self.method == "INVITE" and (len(contacts) != 1 or contacts[0] == "*"):
            raise SIPParseError("an INVITE needs one Contact")

    # what was read

    @property
    def is_request(self) -> bool:
        return bool(self.type == SIPMessageType.MESSAGE)

    def values(self, name: str) -> list[str]:
        """Header values in order, one for each line, as they came."""
        return [value for header, value in self.lines if header == name]

    def value(self, name: str) -> str:
        return next(iter(self.values(name)), "")

    def listed(self, name: str) -> list[str]:
        """The single values of a header that may hold several in a line."""
        return [one for value in self.values(name) for one in values_of(value)]

    def number(self, name: str) -> int:
        """A header's leading number, 0 without one."""
        match = re.match(r"\d{1,8}", self.value(name))
        return int(match.group()) if match else 0

    @property
    def call_id(self) -> str:
        return self.value("Call-ID")

    @property
    def cseq(self) -> int:
        return int(self.headers["CSeq"]["check"])

    @property
    def cseq_method(self) -> str:
        return str(self.headers["CSeq"]["method"])

    @property
    def from_tag(self) -> str:
        return str(self.headers["From"]["tag"])

    @property
    def to_tag(self) -> str:
        return str(self.headers["To"]["tag"])

    @property
    def branch(self) -> str:
        """Of the topmost Via; a message of RFC 2543 gets one made of Call-ID and CSeq."""
        found = re.search(r";\s*branch\s*=\s*([^;,\s]+)", self.listed("Via")[0], re.IGNORECASE)
        return found.group(1) if found else f"{self.call_id}|{self.cseq}"

    @property
    def sent_by(self) -> str:
        """Host and port that the topmost Via names."""
        found = re.match(r"SIP\s*/\s*2\.0\s*/\s*\w+\s+([^\s;]+)", self.listed("Via")[0], re.IGNORECASE)
        return found.group(1) if found else ""

    @property
    def contact(self) -> str:
        """The Contact's URI, empty without one."""
        contacts = [value for value in self.listed("Contact") if value != "*"]
        return Address.parse(contacts[0]).uri if contacts else ""

    @property
    def required(self) -> str:
        """The extensions that the peer insists on (§8.2.2.3); empty without any, and always for ACK and CANCEL."""
        return "" if self.method in ("ACK", "CANCEL") else ", ".join(self.listed("Require"))

    @property
    def content_type(self) -> str:
        return media_type(self.value("Content-Type")) if self.content else ""

    @property
    def sdp(self) -> str:
        """The session description, also inside multipart/mixed; empty without one."""
        return from_wire(session_body(self.value("Content-Type"), decode(self.content)))

    def vias_for_response(self) -> list[str]:
        """The Via lines as a response repeats them: the topmost with ``received`` and ``rport`` (§18.2.1, RFC 3581)."""
        first, *rest = self.listed("Via")
        first = re.sub(r";\s*received\s*=[^;]*", "", first, flags=re.IGNORECASE)
        first = re.sub(r";\s*rport\b(\s*=\s*\d*)?", f";rport={self.source[1]}", first, flags=re.IGNORECASE)
        return [f"{first};received={self.source[0]}", *rest]

    def reply_address(self) -> tuple[str, int]:
        """Where a response to this request goes (§18.2.2, RFC 3581 §4)."""
        top = self.listed("Via")[0]
        if re.search(r";\s*rport\b", top, re.IGNORECASE):
            return self.source
        try:
            return self.source[0], HostPort.parse(top.partition(";")[0].split()[-1]).port
        except AddressError:
            return self.source


class Draft:
    """A message of ours: pyVoIP's text taken apart, to be mended before it is sent. Names are case-sensitive here."""

    def __init__(self, text: str, body: str = "", kind: str = "application/sdp") -> None:
        head = text.partition("\r\n\r\n")[0]
        self.start, *lines = head.split("\r\n")
        self.headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        self.remove("Content-Length", "Content-Type")
        self.body, self.kind = body, kind

    def set(self, name: str, *values: str) -> None:
        """In place of all ``name`` headers, where the first of them stood."""
        place = next((index for index, (header, _) in enumerate(self.headers) if header == name), len(self.headers))
        self.remove(name)
        self.headers[place:place] = [(name, to_wire(value)) for value in values]

    def remove(self, *names: str) -> None:
        self.headers = [(header, value) for header, value in self.headers if header not in names]

    def value(self, name: str) -> str:
        return next((value for header, value in self.headers if header == name), "")

    @property
    def method(self) -> str:
        return self.start.partition(" ")[0]

    @property
    def uri(self) -> str:
        return self.start.split(" ")[1]

    def octets(self) -> bytes:
        content = encode(self.body)
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        if content:
            lines.append(f"Content-Type: {self.kind}")
        return encode("\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""])) + content
