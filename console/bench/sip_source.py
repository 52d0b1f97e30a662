"""A bare source of calls over UDP for load: INVITE, then CANCEL or ACK and BYE, with the time each INVITE was sent.

Not a user agent: no retransmission, no dialog rules beyond what a measured call needs. Loopback only.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class SourceCall:
    """One generated call; times are monotonic ns, 0 where the thing has not happened."""

    call_id: str
    number: str
    branch: str
    tag: str
    invited: int = 0
    ringing: int = 0
    final: int = 0
    status: int = 0
    to_header: str = ""
    contact: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)


class SipSource(asyncio.DatagramProtocol):
    """``open`` puts it on the running loop; who reads a socket without a loop sets ``port`` and ``send`` to that
    socket's, and gives each datagram to ``receive``."""

    def __init__(self, host: str, target: tuple[str, int], rtp_port: int = 39000) -> None:
        self.host = host
        self.target = target
        self.rtp_port = rtp_port
        self.calls: dict[str, SourceCall] = {}
        self.port = 0
        self.send: Callable[[bytes], object] = self._send_on_loop
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, target: tuple[str, int], host: str = "127.0.0.1") -> SipSource:
        loop = asyncio.get_running_loop()
        _, source = await loop.create_datagram_endpoint(lambda: cls(host, target), local_addr=(host, 0))
        return source

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def _send_on_loop(self, datagram: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(datagram, self.target)

    def _send(self, text: str) -> None:
        self.send(text.encode())

    def _head(self, method: str, call: SourceCall, to: str, branch: str, target: str, number: int = 1) -> str:
        return (
            f"{method} {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport\r\n"
            f"Max-Forwards: 70\r\n"
            f"From: <sip:{call.number}@{self.host}>;tag={call.tag}\r\n"
            f"To: {to}\r\n"
            f"Call-ID: {call.call_id}\r\n"
            f"CSeq: {number} {method}\r\n"
            f"Contact: <sip:{call.number}@{self.host}:{self.port}>\r\n"
        )

    def invite(self, number: str, dialled: str = "1000", rtp_port: int = 0) -> SourceCall:
        call = SourceCall(secrets.token_hex(12), number, "z9hG4bK" + secrets.token_hex(8), secrets.token_hex(6))
        self.calls[call.call_id] = call
        port = rtp_port or self.rtp_port
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
            f"a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        )
        target = f"sip:{dialled}@{self.target[0]}:{self.target[1]}"
        text = (
            self._head("INVITE", call, f"<{target}>", call.branch, target)
            + f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
        )
        call.contact = call.to_header = f"<{target}>"
        datagram = text.encode()
        call.invited = time.monotonic_ns()
        self.send(datagram)
        return call

    def cancel(self, call: SourceCall, dialled: str = "1000") -> None:
        target = f"sip:{dialled}@{self.target[0]}:{self.target[1]}"
        self._send(self._head("CANCEL", call, f"<{target}>", call.branch, target) + "Content-Length: 0\r\n\r\n")

    def bye(self, call: SourceCall) -> None:
        branch = "z9hG4bK" + secrets.token_hex(8)
        target = call.contact.strip("<>").split(">")[0]
        self._send(self._head("BYE", call, call.to_header, branch, target, 2) + "Content-Length: 0\r\n\r\n")

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self.receive(data, time.monotonic_ns())

    def receive(self, data: bytes, now: int) -> None:
        """``now``: when it came (monotonic ns)."""
        head = data.split(b"\r\n\r\n", 1)[0].decode(errors="replace").split("\r\n")
        headers: dict[str, str] = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        call = self.calls.get(headers.get("call-id", ""))
        if call is None:
            return
        if not head[0].startswith("SIP/2.0 "):
            self._answer_request(head, headers)
            return
        status = int(head[0].split(" ")[1])
        if not headers.get("cseq", "").endswith("INVITE"):
            return
        if status < 200:
            if status == 180 and not call.ringing:
                call.ringing = now
            return
        call.to_header = headers.get("to", call.to_header)
        if status < 300 and "contact" in headers:
            call.contact = headers["contact"]
        target = call.contact.strip("<>").split(">")[0]
        branch = call.branch if status >= 300 else "z9hG4bK" + secrets.token_hex(8)
        self._send(self._head("ACK", call, call.to_header, branch, target) + "Content-Length: 0\r\n\r\n")
        if not call.final:
            call.final, call.status = now, status
            call.done.set()

    def _answer_request(self, head: list[str], headers: dict[str, str]) -> None:
        vias = "".join(f"{line}\r\n" for line in head[1:] if line.lower().startswith("via:"))
        self._send(
            f"SIP/2.0 200 OK\r\n{vias}From: {headers.get('from', '')}\r\nTo: {headers.get('to', '')}\r\n"
            f"Call-ID: {headers.get('call-id', '')}\r\nCSeq: {headers.get('cseq', '')}\r\nContent-Length: 0\r\n\r\n"
        )
