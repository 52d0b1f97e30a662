"""Messages from the wire, and responses to them: sippy's parser and header classes, with what they get wrong mended and
what each call would do several times done once."""

from __future__ import annotations

import re
from secrets import token_hex
from typing import Any

from sippy.ESipHeaderCSV import ESipHeaderCSV
from sippy.SipHeader import SipHeader, hf_types
from sippy.SipRequest import SipRequest
from sippy.SipResponse import SipResponse

from telephony.lines.wire import decode

#: blanks in places that few senders put any into
_UNTIDY = ("\n ", "\t", " :", " ;", " =", " /", "; ", "= ", "/ ")
#: headers whose blanks mean nothing outside of quotes and angle brackets
_STRUCTURED = frozenset(("via", "v", "from", "f", "to", "t", "contact", "m", "record-route", "route"))
_BLANKS = re.compile(r'("(?:[^"\\]|\\.)*"|<[^<>]*>)|[ \t]*([;=/])[ \t]*')


#: headers that nothing can be answered without
_NEEDED = ("via", "from", "to", "cseq")
_LONG_NAMES: dict[str, str] = {name: kind.hf_names[0] for name, kind in hf_types.items()}


class Request(SipRequest):  # type: ignore[misc]
    """A request that came in. Its headers stay as they are: each is read when somebody asks for it, and its ids are
    made once. Raises ValueError, or what sippy's header classes raise, for what is no request."""

    def __init__(self, text: str) -> None:
        head, body = _parted(text)
        start, *lines = head.splitlines()
        self.setSL(start)
        self._texts: dict[str, list[str]] = {}
        self._read: dict[str, list[SipHeader]] = {}
        self._ids: dict[tuple[bool, bool, bool], tuple[Any, ...]] = {}
        self._echo: tuple[str, str, str] | None = None
        for line in lines:
            name, colon, text = line.partition(":")
            if colon:
                name = name.strip().lower()
                self._texts.setdefault(_LONG_NAMES.get(name, name), []).append(text.strip())
            elif line:
                raise ValueError("a header without a colon")
        for name in _NEEDED:
            if name not in self._texts:
                raise ValueError(f"no {name}")
        self._take_body(body)

    def _take_body(self, body: str) -> None:
        lengths, kinds = self.getHFs("content-length"), self.getHFs("content-type")
        if len(lengths) > 1:
            raise ValueError("several Content-Lengths")
        # what sippy's own way of reading leaves for its ``init_body``
        self._SipMsg__mbody = body or None
        self._SipMsg__content_length = lengths[0] if lengths else None
        self._SipMsg__content_type = kinds[-1] if kinds else None
        if lengths and lengths[0].getBody().number < 0:  # sippy cuts that many octets off the end
            raise ValueError("negative Content-Length")
        self.init_body()

    @property
    def headers(self) -> list[SipHeader]:
        return [item for name in self._texts for item in self.getHFs(name)]

    def getHFs(self, name: str) -> list[SipHeader]:
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = []
            for text in self._texts.get(name, ()):
                try:
                    found.append(SipHeader(name=name, bodys=text))
                except ESipHeaderCSV as several:
                    found += [SipHeader(name=name, bodys=one.strip()) for one in several.bodys]
        return found

    def countHFs(self, name: str) -> int:
        return len(self.getHFs(name))

    def getHFBody(self, name: str, idx: int = 0) -> Any:
        return self.getHFs(name)[idx].getBody()

    def getHFBodys(self, name: str) -> list[Any]:
        return [item.getBody() for item in self.getHFs(name)]

    def getHFBCopy(self, name: str, idx: int = 0) -> Any:
        return self.getHFs(name)[idx].getBCopy()

    def getHFBCopys(self, name: str) -> list[Any]:
        return [item.getBCopy() for item in self.getHFs(name)]

    def getTId(self, wCSM: bool = False, wBRN: bool = False, wTTG: bool = False) -> tuple[Any, ...]:
        wanted = (wCSM, wBRN, wTTG)
        made = self._ids.get(wanted)
        if made is None:
            number, method = self.getHFBody("cseq").getCSeq()
            parts = [str(self.getHFBody("call-id")), self.getHFBody("from").getTag(), number]
            if wCSM:
                parts.append(method)
            if wBRN:
                parts.append(self.getHFBody("via").getBranch())
            if wTTG:
                parts.append(self.getHFBody("to").getTag())
            made = self._ids[wanted] = tuple(parts)
        return made

    def echo(self) -> tuple[str, str, str]:
        """What every response repeats (RFC 3261 §8.2.6.2), as it came: the headers before To, To, those behind it."""
        if self._echo is None:
            # received and rport were put into the topmost one (RFC 3581)
            before = [f"Via: {self.getHFBody('via').localStr()}"]
            before += [f"Via: {_written(item)}" for item in self.getHFs("via")[1:]]
            before += [f"Record-Route: {_written(item)}" for item in self.getHFs("record-route")]
            before.append(f"From: {_written(self.getHFs('from')[0])}\r\n")
            behind = f"Call-ID: {_written(self.getHFs('call-id')[0])}\r\nCSeq: {self.getHFBody('cseq')}\r\n"
            self._echo = "\r\n".join(before), f"To: {_written(self.getHFs('to')[0])}", behind
        return self._echo

    def genResponse(
        self, scode: int, reason: str, body: Any = None, server: str | None = None, ext_reason: Any = None
    ) -> Reply:
        return Reply(self, scode, reason, server or "")


class _ReplyTo:
    """A reply's To as sippy asks for it: the tag is ours to choose where none came."""

    __slots__ = ("_ours", "_theirs")

    def __init__(self, tag: str | None) -> None:
        self._theirs, self._ours = tag, ""

    def getTag(self) -> str | None:
        return self._theirs or self._ours or None

    def setTag(self, tag: str) -> None:
        self._ours = tag

    def genTag(self) -> None:
        self._ours = token_hex(16)

    @property
    def added(self) -> str:
        return f";tag={self._ours}" if self._ours and not self._theirs else ""


class Reply(SipResponse):  # type: ignore[misc]
    """A response to a request that came in. What it echoes is written as it came and once for all its responses, not
    parsed, copied and written anew; ``headers`` are only those that are added."""

    def __init__(self, request: Request, status: int, reason: str, server: str) -> None:
        self.headers: list[SipHeader] = []
        self.scode, self.reason, self.sipver = status, reason, request.sipver
        self._request, self._server = request, server
        self._to = _ReplyTo(request.getHFBody("to").getTag())

    def getHFBody(self, name: str, idx: int = 0) -> Any:
        return self._to if name == "to" else self._request.getHFBody(name, idx)

    def localStr(self, local_addr: Any = None, compact: bool = False) -> str:
        before, to, behind = self._request.echo()
        server = f"Server: {self._server}\r\n" if self._server else ""
        added = "".join([f"{item.localStr(local_addr)}\r\n" for item in self.headers])
        head = f"{self.sipver} {self.scode} {self.reason}\r\n{before}{to}{self._to.added}\r\n{behind}{server}{added}"
        if self.body is None:
            return f"{head}Content-Length: 0\r\n\r\n"
        content = self.body.localStr(local_addr)
        return f"{head}Content-Type: {self.body.mtype}\r\nContent-Length: {len(content)}\r\n\r\n{content}"


def _written(item: SipHeader) -> str:
    """A header's value as it came."""
    return str(item.body.body)


def _tidied(head: str) -> str:
    """Headers on one line each, without blanks that sippy takes for a part of names and values (RFC 3261 §7.3.1)."""
    start, *lines = re.sub(r"\r?\n[ \t]+", " ", head).split("\n")
    for index, line in enumerate(lines):
        name, colon, value = line.partition(":")
        if name.strip().lower() in _STRUCTURED:
            value = _BLANKS.sub(lambda found: found[1] or found[2], value.strip())
        lines[index] = f"{name.strip()}{colon} {value.strip()}\r" if colon else line
    return "\n".join([start, *lines])


def _parted(text: str) -> tuple[str, str]:
    """Head and body. Some senders end their lines as they like, and sippy bears with them."""
    for end in ("\r\n\r\n", "\r\r", "\n\n"):
        head, found, body = text.partition(end)
        if found:
            return head, body
    return text, ""


def parse(datagram: bytes) -> Request | SipResponse:
    """A message of sippy from the wire. Raises whatever sippy's parser raises for what is no SIP."""
    text = decode(datagram)
    head, separator, body = text.partition("\r\n\r\n")
    if any(blank in head for blank in _UNTIDY):
        head = _tidied(head)
        text = f"{head}{separator}{body}"
    if not text.startswith("SIP/2.0 "):
        return Request(text)
    message = SipResponse(text)
    names = head.lower()
    if names.count("\ncontent-length:") + names.count("\nl:") > 1:
        raise ValueError("several Content-Lengths")
    length = getattr(message, "_SipMsg__content_length", None)
    if length is not None and length.getBody().number < 0:
        raise ValueError("negative Content-Length")
    return message
