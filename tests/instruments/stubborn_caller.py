"""A SIP caller over UDP that does not give up, for networks that lose: it sends again as RFC 3261 §17 says,
acknowledges every 200 and answers every BYE."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

Address = tuple[str, int]

#: RFC 3261 §17.1.1.1, seconds
T1, T2, GIVE_UP = 0.5, 4.0, 32.0


@dataclass(slots=True)
class PlacedCall:
    """``status`` of the INVITE; ``ended_by`` ``caller`` or ``desk``; ``remote_rtp`` the port in the desk's answer."""

    number: str
    call_id: str = field(default_factory=lambda: secrets.token_hex(8))
    tag: str = field(default_factory=lambda: secrets.token_hex(6))
    status: int = 0
    to_header: str = ""
    remote_rtp: int = 0
    ended_by: str = ""
    retransmissions: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledgement: bytes = b""


class StubbornCaller(asyncio.DatagramProtocol):
    """``target``: where datagrams go. ``named``: the port it says it has (that of a relay toward the desk)."""

    def __init__(self, target: Address, named: int = 0) -> None:
        self._target = target
        self.named = named
        self._calls: dict[str, PlacedCall] = {}
        self._waiting: dict[tuple[str, str], asyncio.Event] = {}
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, target: Address, named: int = 0) -> StubbornCaller:
        loop = asyncio.get_running_loop()
        _, caller = await loop.create_datagram_endpoint(lambda: cls(target, named), local_addr=("127.0.0.1", 0))
        return caller

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.named = self.named or transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def call(self, number: str, rtp_port: int = 39000, dialled: str = "4001") -> PlacedCall:
        """Until the final answer. Raises TimeoutError after 32 s without any."""
        call = PlacedCall(number)
        self._calls[call.call_id] = call
        call.to_header = f"<sip:{dialled}@127.0.0.1>"
        sdp = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {rtp_port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
        body = f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
        provisional = self._waiting[call.call_id, "INVITE"] = asyncio.Event()
        await self._persist(call, self._head("INVITE", call, 1) + body, provisional)
        async with asyncio.timeout(GIVE_UP):
            await call.answered.wait()
        return call

    async def hang_up(self, call: PlacedCall) -> None:
        """BYE until it is answered; nothing where the desk was first. Raises TimeoutError."""
        if call.over.is_set():
            return
        call.ended_by = "caller"
        gone = self._waiting[call.call_id, "BYE"] = asyncio.Event()
        await self._persist(call, self._head("BYE", call, 2) + "Content-Length: 0\r\n\r\n", gone)
        call.over.set()

    async def _persist(self, call: PlacedCall, text: str, until: asyncio.Event) -> None:
        pause = T1
        async with asyncio.timeout(GIVE_UP):
            while not until.is_set():
                self._send(text.encode())
                try:
                    await asyncio.wait_for(until.wait(), pause)
                except TimeoutError:
                    call.retransmissions += 1
                    pause = min(2 * pause, T2)

    def _head(self, method: str, call: PlacedCall, number: int) -> str:
        here = f"127.0.0.1:{self.named}"
        return (
            f"{method} sip:4001@{self._target[0]}:{self._target[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};rport;branch=z9hG4bK{call.call_id}{method}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{call.number}@{here}>;tag={call.tag}\r\nTo: {call.to_header}\r\n"
            f"Call-ID: {call.call_id}\r\nCSeq: {number} {method}\r\nContact: <sip:{call.number}@{here}>\r\n"
        )

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, self._target)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        headers = [
            (name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])
        ]
        first = dict(reversed(headers))
        call = self._calls.get(first.get("call-id", ""))
        if call is None:
            return
        if lines[0].startswith("SIP/2.0 "):
            self._response(call, int(lines[0].split(" ")[1]), first, body)
            return
        same = [f"{name}: {value}" for name, value in headers if name in ("via", "from", "to", "call-id", "cseq")]
        self._send("\r\n".join(["SIP/2.0 200 OK", *same, "Content-Length: 0", "", ""]).encode())
        if lines[0].startswith("BYE "):
            call.ended_by = call.ended_by or "desk"
            call.over.set()

    def _response(self, call: PlacedCall, status: int, headers: dict[str, str], body: str) -> None:
        method = headers.get("cseq", "").rpartition(" ")[2]
        waiting = self._waiting.get((call.call_id, method))
        if waiting is not None and (method == "INVITE" or status >= 200):
            waiting.set()
        if method != "INVITE" or status < 200:
            return
        if not call.answered.is_set():
            call.status, call.to_header = status, headers.get("to", call.to_header)
            ports = [line.split(" ")[1] for line in body.split("\r\n") if line.startswith("m=audio ")]
            call.remote_rtp = int(ports[0]) if ports else 0
            ack = self._head("ACK", call, 1) + "Content-Length: 0\r\n\r\n"
            # a refusal's ACK is of the INVITE's transaction (§17.1.1.3)
            if status >= 300:
                ack = ack.replace(f"{call.call_id}ACK", f"{call.call_id}INVITE")
            call.acknowledgement = ack.encode()
            call.answered.set()
        self._send(call.acknowledgement)
