"""A strict scripted SIP peer on loopback, and a core that keeps every report of the driver under test.

The peer reads and writes SIP with code of its own, so that a mistake of the driver's stack cannot hide behind the
same mistake here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5, sha256
from itertools import count
from typing import Any

from telephony.lines.line import Dialog, DialogEnd, Invite, Line
from telephony.lines.sdp import make_offer

#: seconds that an expected message or report may take at most
PATIENCE = 10.0
OFFER = make_offer("127.0.0.1", 30000)
_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}
_numbers = count(1)


@dataclass
class Message:
    """One SIP message as received. ``headers`` keeps order; names are long and lower case."""

    start: str
    headers: list[tuple[str, str]]
    body: str
    source: tuple[str, int] = ("", 0)

    @classmethod
    def parse(cls, datagram: bytes, source: tuple[str, int] = ("", 0)) -> Message:
        head, separator, body = datagram.partition(b"\r\n\r\n")
        assert separator, f"no empty line in {datagram!r}"
        lines = head.decode(errors="surrogateescape").split("\r\n")
        assert not any("\n" in line or "\r" in line for line in lines), "bare CR or LF"
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon, f"not a header: {line!r}"
            name = name.strip().lower()
            headers.append((_COMPACT.get(name, name), value.strip()))
        message = cls(lines[0], headers, body.decode(), source)
        message.check(len(body))
        return message

    def check(self, octets: int) -> None:
        """What RFC 3261 §8.1.1 and §8.2.6 ask of any message."""
        for name in ("via", "from", "to", "call-id", "cseq", "content-length"):
            assert self.all(name), f"{name} is missing in {self.start}"
        assert int(self["content-length"]) == octets, f"Content-Length of {self.start}"
        assert len(self.all("content-length")) == 1
        assert "tag=" in self["from"], f"no From tag in {self.start}"
        if self.body:
            assert self["content-type"], f"no Content-Type in {self.start}"
        if self.is_request:
            assert re.fullmatch(r"[A-Z]+ sips?:\S+ SIP/2\.0", self.start), self.start
            assert ";branch=z9hG4bK" in self["via"]
            assert int(self["max-forwards"]) > 0
            assert self["cseq"].split()[1] == self.method
            if self.method in ("INVITE", "REFER"):
                assert len(self.all("contact")) == 1
        else:
            assert re.fullmatch(r"SIP/2\.0 [1-6]\d\d .*", self.start), self.start
            if self.status > 100:
                assert "tag=" in self["to"], f"no To tag in {self.start}"
            if 200 <= self.status < 300 and self["cseq"].endswith("INVITE"):
                assert len(self.all("contact")) == 1

    def __getitem__(self, name: str) -> str:
        return next((value for header, value in self.headers if header == name), "")

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name]

    @property
    def is_request(self) -> bool:
        return not self.start.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        return self.start.split()[0] if self.is_request else self["cseq"].split()[1]

    @property
    def status(self) -> int:
        return 0 if self.is_request else int(self.start.split()[1])

    @property
    def cseq(self) -> int:
        return int(self["cseq"].split()[0])

    @property
    def uri(self) -> str:
        return self.start.split()[1]

    @property
    def branch(self) -> str:
        found = re.search(r"branch=([^;,\s]+)", self["via"])
        return found.group(1) if found else ""

    def tag(self, name: str) -> str:
        found = re.search(r";tag=([^;,\s]+)", self[name])
        return found.group(1) if found else ""


class Peer(asyncio.DatagramProtocol):
    """A SIP peer that does exactly what a test tells it to."""

    def __init__(self, desk: tuple[str, int]) -> None:
        self.desk = desk
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.seen: list[Message] = []
        self.failures: list[BaseException] = []
        #: answers BYE, CANCEL and REGISTER by itself, as at the end of each test
        self.polite = False
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            message = Message.parse(data, addr)
        except BaseException as error:
            self.failures.append(error)
            return
        self.seen.append(message)
        if self.polite and message.is_request and message.method in ("BYE", "CANCEL", "REGISTER"):
            self.respond(message, 200, "OK")
            if message.method == "CANCEL":
                invite = next(m for m in self.seen if m.method == "INVITE" and m.branch == message.branch)
                self.respond(invite, 487, "Request Terminated")
        self.inbox.put_nowait(message)

    @property
    def address(self) -> tuple[str, int]:
        return self.transport.get_extra_info("sockname")[:2]

    @property
    def here(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    def send(self, message: str | bytes) -> None:
        self.transport.sendto(message if isinstance(message, bytes) else message.encode(), self.desk)

    async def receive(self) -> Message:
        try:
            return await asyncio.wait_for(self.inbox.get(), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"nothing came within {PATIENCE} s; before: {[m.start for m in self.seen]}") from None

    async def status(self, *statuses: int, method: str = "") -> Message:
        """The next response with one of ``statuses``; other messages on the way are dropped."""
        while True:
            message = await self.receive()
            if message.status in statuses and method in ("", message.method):
                return message

    async def request(self, method: str) -> Message:
        """The next request ``method``; other messages on the way are dropped."""
        while True:
            message = await self.receive()
            if message.is_request and message.method == method:
                return message

    def drain(self) -> list[Message]:
        """All that waits unread."""
        found = []
        while not self.inbox.empty():
            found.append(self.inbox.get_nowait())
        return found

    def respond(
        self,
        request: Message,
        status: int,
        reason: str = "Reason",
        *,
        tag: str = "peer",
        body: str = "",
        headers: tuple[str, ...] = (),
        contact: str | None = None,
    ) -> None:
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {via}" for via in request.all("via")]
        to = request["to"] if "tag=" in request["to"] or status == 100 else f"{request['to']};tag={tag}"
        lines += [f"From: {request['from']}", f"To: {to}", f"Call-ID: {request['call-id']}", f"CSeq: {request['cseq']}"]
        if request.method == "INVITE" and 100 < status < 300:
            lines.append(f"Contact: <{contact or f'sip:callee@{self.here}'}>")
        self.transport.sendto(_message(lines, headers, body), request.source)

    def call(self, number: str = "4001", caller: str = "13800001234", sdp: str = OFFER, **options: Any) -> Leg:
        """INVITE the desk."""
        leg = Leg(self, number, caller, **options)
        leg.invite(sdp)
        return leg


def _message(lines: list[str], headers: tuple[str, ...], body: str, kind: str = "application/sdp") -> bytes:
    octets = body.encode()
    lines = [*lines, *headers]
    if body:
        lines.append(f"Content-Type: {kind}")
    return "\r\n".join([*lines, f"Content-Length: {len(octets)}", "", ""]).encode() + octets


@dataclass
class Leg:
    """The peer's view of one call: builds requests with the right tags, CSeq and targets."""

    peer: Peer
    number: str
    caller: str
    display: str = ""
    call_id: str = ""
    local: str = ""
    remote: str = ""
    target: str = ""
    cseq: int = 0
    routes: tuple[str, ...] = ()
    branch: str = ""
    contact: str = ""
    requests: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        serial = next(_numbers)
        host = f"{self.peer.desk[0]}:{self.peer.desk[1]}"
        self.call_id = self.call_id or f"call{serial}@peer"
        self.local = self.local or f"{self.display}<sip:{self.caller}@{self.peer.here}>;tag=caller{serial}"
        self.remote = self.remote or f"<sip:{self.number}@{host}>"
        self.target = self.target or f"sip:{self.number}@{host}"
        self.contact = self.contact or f"sip:{self.caller}@{self.peer.here}"

    @classmethod
    def of(cls, peer: Peer, invite: Message, tag: str = "peer") -> Leg:
        """The peer's side of a call that the desk dialled."""
        contact = re.search(r"<([^>]+)>", invite["contact"])
        return cls(
            peer,
            "",
            "callee",
            call_id=invite["call-id"],
            local=f"{invite['to']};tag={tag}",
            remote=invite["from"],
            target=contact.group(1) if contact else "",
        )

    def build(
        self,
        method: str,
        body: str = "",
        *,
        kind: str = "application/sdp",
        headers: tuple[str, ...] = (),
        cseq: int | None = None,
        branch: str = "",
    ) -> bytes:
        if cseq is None:
            if method not in ("ACK", "CANCEL"):
                self.cseq += 1
            cseq = self.cseq
        branch = branch or f"z9hG4bK-{self.call_id}-{method}-{next(_numbers)}"
        lines = [
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.peer.here};rport;branch={branch}",
            *(f"Route: {route}" for route in self.routes),
            "Max-Forwards: 70",
            f"From: {self.local}",
            f"To: {self.remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <{self.contact}>",
        ]
        datagram = _message(lines, headers, body, kind)
        self.requests[method] = datagram
        return datagram

    def send(self, method: str, body: str = "", **options: Any) -> None:
        self.peer.send(self.build(method, body, **options))

    def invite(self, sdp: str = OFFER, **options: Any) -> None:
        self.branch = f"z9hG4bK-{self.call_id}-{next(_numbers)}"
        self.send("INVITE", sdp, branch=self.branch, **options)

    def cancel(self, **options: Any) -> None:
        self.send("CANCEL", branch=self.branch, **options)

    def learn(self, response: Message) -> Message:
        """Take over the desk's tag and Contact."""
        if "tag=" in response["to"]:
            self.remote = response["to"]
        contact = re.search(r"<([^>]+)>", response["contact"])
        if contact:
            self.target = contact.group(1)
        return response

    async def final(self, *statuses: int) -> Message:
        return self.learn(await self.peer.status(*(statuses or (200,)), method="INVITE"))

    def ack(self, body: str = "", refused: bool = False) -> None:
        self.send("ACK", body, cseq=self.cseq, branch=self.branch if refused else "")

    async def answered(self) -> Message:
        """Wait for the 200 and acknowledge it."""
        response = await self.final(200)
        self.ack()
        return response


class Calls:
    """The core's place in these tests: keeps every report, answers as told."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self.incoming: list[tuple[Line, Dialog, Invite]] = []
        self.states: list[tuple[str, str, str]] = []
        self.refused: list[tuple[str, int, str]] = []
        self.ends: list[DialogEnd] = []
        self.on_incoming: Callable[[Dialog, Invite], None] | None = None
        #: what the core says to a REFER of the peer
        self.takes_transfers = False

    def line_incoming(self, line: Line, dialog: Dialog, invite: Invite) -> None:
        self.incoming.append((line, dialog, invite))
        dialog.listen(self)
        self.reports.put_nowait(("incoming", dialog, invite, line))
        if self.on_incoming is not None:
            self.on_incoming(dialog, invite)

    def line_state(self, line: Line, status: str, detail: str) -> None:
        self.states.append((line.name, status, detail))
        self.reports.put_nowait(("state", line.name, status, detail))

    def line_refused(self, source: str, count: int, detail: str) -> None:
        self.refused.append((source, count, detail))
        self.reports.put_nowait(("refused", source, count, detail))

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("dialog_"):
            raise AttributeError(name)
        kind = name.removeprefix("dialog_")
        return lambda *arguments: self.reports.put_nowait((kind, *arguments))

    def dialog_refer(self, target: str) -> bool:
        self.reports.put_nowait(("refer", target))
        return self.takes_transfers

    def dialog_ended(self, end: DialogEnd) -> None:
        self.ends.append(end)
        self.reports.put_nowait(("ended", end))

    async def next(self, kind: str) -> tuple[Any, ...]:
        """The next report ``kind``, without its name; other reports on the way are dropped."""
        while True:
            report = await asyncio.wait_for(self.reports.get(), PATIENCE)
            if report[0] == kind:
                return report[1:]

    async def end(self) -> DialogEnd:
        found: DialogEnd = (await self.next("ended"))[0]
        return found


_PARAMETER = re.compile(r'([a-z]+)=("[^"]*"|[^,\s]+)')


def digest_is_right(message: Message, header: str, username: str, password: str) -> bool:
    """RFC 7616 §3.4.1, calculated here once more."""
    scheme, _, rest = message[header].partition(" ")
    given = {name: value.strip('"') for name, value in _PARAMETER.findall(rest)}
    algorithm = {"MD5": md5, "SHA-256": sha256}[given.get("algorithm", "MD5")]

    def digest(*parts: str) -> str:
        return algorithm(":".join(parts).encode()).hexdigest()

    secret = digest(username, given["realm"], password)
    target = digest(message.method, given["uri"])
    middle = [given[name] for name in ("nc", "cnonce", "qop")] if "qop" in given else []
    expected = digest(secret, given["nonce"], *middle, target)
    return scheme == "Digest" and given["uri"] == message.uri and given["response"] == expected
