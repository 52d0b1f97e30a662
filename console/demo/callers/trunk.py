"""The outside end of the demo's trunk: a SIP user agent by aiosipua, so of another make than the line's.

It adds what a telephone network does and aiosipua 0.7.1 leaves out: an INVITE is sent again until something
answers (RFC 3261 §17.1.1.2), a refusal is acknowledged (§17.1.1.3), a 200 that crossed our CANCEL is taken back
with BYE (§9.1), requests in the dialog go to the peer's Contact (§12.1.2), and an INVITE that came twice is one call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from aiosipua import (
    Dialog,
    DialogState,
    IncomingCall,
    OutgoingCall,
    SdpMessage,
    SipRequest,
    SipResponse,
    SipUAC,
    SipUAS,
)
from aiosipua.headers import CSeq, stringify_cseq, stringify_uri
from aiosipua.sdp_negotiate import SdpNegotiationError, negotiate_sdp
from aiosipua.transport import UdpSipTransport

from console.demo.callers.voice import Voice

log = logging.getLogger("sansheng.patients.sip")

AGENT = "Sansheng simulated patients"

#: RFC 3261 §17.1.1.1: first wait, and the last moment for an INVITE that nobody answers
T1 = 0.5
TIMER_B = 64 * T1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an INVITE of ours. ``status`` is the final SIP status; 408 when nothing at all came back."""

    status: int
    reason: str
    sdp: SdpMessage | None = None


@dataclass(eq=False)
class Leg:
    """One call of ours. ``outcome`` is set once; ``over`` when the other side hung up or the call never stood."""

    call: OutgoingCall
    outcome: asyncio.Future[Outcome]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    ringing: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False


class Trunk:
    """One UDP socket that calls ``peer`` and is called by it.

    ``on_call`` gets each new call from the peer; ``on_over`` the SIP Call-ID of one that the peer ended or cancelled;
    ``voices`` holds each call's sound by SIP Call-ID, so that a re-INVITE (hold, resume, a new address) can be obeyed.
    """

    def __init__(self, host: str, port: int, peer: tuple[str, int]) -> None:
        self.host, self.port, self.peer = host, port, peer
        self.on_call: Callable[[IncomingCall], None] | None = None
        self.on_over: Callable[[str], None] | None = None
        self.voices: dict[str, Voice] = {}
        self._transport = _Socket(local_addr=(host, port))
        self._client = _Client(self._transport)
        self._server = SipUAS(self._transport, user_agent=AGENT, uac=self._client)
        self._seen: dict[str, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises ``OSError`` when the port is taken."""
        self._server.on_invite = self._invited
        self._server.on_bye = lambda call, _request: self._ended(call.call_id)
        self._server.on_cancel = lambda request, _source: self._ended(request.call_id or "")
        self._server.on_reinvite = self._reoffered
        await self._server.start()
        self._transport.on_message = self._message

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.stop()

    def dial(self, caller: str, number: str, offer: SdpMessage) -> Leg:
        """INVITE ``number`` as ``caller``; an empty ``caller`` withholds the number (RFC 3323 §4.1.1.3)."""
        host = f"{self.peer[0]}:{self.peer[1]}"
        sender = f"sip:{caller}@{self.host}:{self.port}" if caller else "sip:anonymous@anonymous.invalid"
        headers = {} if caller else {"Privacy": "id"}
        call = self._client.send_invite(
            sender, f"sip:{number}@{host}", self.peer, offer, extra_headers=headers, user_agent=AGENT
        )
        leg = Leg(call, asyncio.get_running_loop().create_future())
        call.on_ringing = lambda _call: leg.ringing.set()
        call.on_answer = lambda _call: self._settle(leg, Outcome(200, "OK", call.sdp_answer))
        call.on_rejected = lambda _call, status, reason: self._settle(leg, Outcome(status, reason))
        self._client.legs[call.call_id] = leg
        self._keep(self._send_again(leg))
        return leg

    def release(self, leg: Leg) -> None:
        """CANCEL before an answer (the outcome is then 487), BYE after it, nothing when the call is already over."""
        if leg.call.dialog.state is DialogState.EARLY:
            leg.cancelled = True
            leg.call.cancel(self._client)
            self._settle(leg, Outcome(487, "Request Terminated"))
        elif leg.call.dialog.state is DialogState.CONFIRMED:
            leg.call.hangup(self._client)
            self._client.legs.pop(leg.call.call_id, None)
        leg.over.set()

    def end(self, call: IncomingCall) -> None:
        """BYE to a call that came from the peer."""
        call.hangup()
        self._server._calls.pop(call.call_id, None)

    def _settle(self, leg: Leg, outcome: Outcome) -> None:
        if not leg.outcome.done():
            leg.outcome.set_result(outcome)
        if outcome.status != 200:
            leg.over.set()

    def _invited(self, call: IncomingCall) -> None:
        if self.on_call is None:
            call.reject(480)
        else:
            self.on_call(call)

    def _reoffered(self, call: IncomingCall) -> None:
        """Hold, resume or a new address for the sound (RFC 3264 §8)."""
        voice = self.voices.get(call.call_id)
        if voice is None:
            call.reject(488, "Not Acceptable Here")
            return
        if call.sdp_offer is None:
            call.accept(voice.offer(self.host))
            return
        try:
            answer, _ = negotiate_sdp(call.sdp_offer, self.host, voice.port, [voice.payload_type])
        except SdpNegotiationError as problem:
            log.warning("re-INVITE that we cannot follow: %s", problem)
            call.reject(488, "Not Acceptable Here")
            return
        call.accept(answer)
        address = call.sdp_offer.rtp_address
        audio = call.sdp_offer.audio
        wanted = audio is not None and audio.direction in ("sendrecv", "recvonly")
        if address is None or address[0] == "0.0.0.0" or not wanted:
            voice.held = True
        else:
            voice.connect(address)
            voice.held = False

    def _ended(self, call_id: str) -> None:
        leg = self._client.legs.pop(call_id, None)
        if leg is not None:
            leg.call.dialog.terminate()
            leg.over.set()
        elif self.on_over is not None:
            self.on_over(call_id)

    def _message(self, message: SipRequest | SipResponse, source: tuple[str, int]) -> None:
        if isinstance(message, SipRequest) and message.method == "INVITE":
            branch = message.via[0].branch if message.via else None
            if branch and branch in self._seen:
                return
            if branch:
                self._seen[branch] = None
                while len(self._seen) > 1000:
                    del self._seen[next(iter(self._seen))]
        self._server._on_message(message, source)

    def _keep(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_again(self, leg: Leg) -> None:
        """Timers A and B of the INVITE."""
        wait, waited = T1, 0.0
        while waited < TIMER_B:
            await asyncio.sleep(wait)
            waited += wait
            if leg.outcome.done() or leg.call.call_id in self._client.answered_by_someone:
                return
            self._transport.send(leg.call.invite, self.peer)
            wait *= 2
        self._client.remove_call(leg.call.call_id)
        self._client.legs.pop(leg.call.call_id, None)
        self._settle(leg, Outcome(408, "Request Timeout"))


class _Socket(UdpSipTransport):
    """aiosipua's UDP socket; its own protocol wants a base class that Python 3.11's transport has not."""

    async def start(self) -> None:
        owner = self

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                owner._dispatch(data, (addr[0], addr[1]))

            def error_received(self, exc: Exception) -> None:
                # nobody listens there (yet): the INVITE is sent again
                log.debug("UDP: %s", exc)

        loop = asyncio.get_running_loop()
        self._udp_transport, _ = await loop.create_datagram_endpoint(Protocol, local_addr=self.local_addr)


class _Client(SipUAC):
    """aiosipua's client side, with what it leaves out."""

    def __init__(self, transport: UdpSipTransport) -> None:
        super().__init__(transport)
        self.legs: dict[str, Leg] = {}
        self.answered_by_someone: set[str] = set()

    def handle_response(self, response: SipResponse, addr: tuple[str, int]) -> None:
        call_id = response.call_id or ""
        leg = self.legs.get(call_id)
        if leg is None or response.cseq is None or response.cseq.method != "INVITE":
            super().handle_response(response, addr)
            return
        self.answered_by_someone.add(call_id)
        if response.status_code >= 300:
            self._acknowledge_refusal(leg.call, response)
            self._forget(call_id)
        elif response.status_code >= 200:
            self._learn_target(leg.call.dialog, response)
            if leg.cancelled:
                self._take_back(leg, response, addr)
                return
        super().handle_response(response, addr)

    def _forget(self, call_id: str) -> None:
        self.legs.pop(call_id, None)
        self.answered_by_someone.discard(call_id)

    def _learn_target(self, dialog: Dialog, response: SipResponse) -> None:
        if response.contact:
            dialog.remote_target = stringify_uri(response.contact[0].uri)
        dialog.route_set = list(reversed(response.headers.get("record-route")))
        self.answered_by_someone.discard(dialog.call_id)

    def _take_back(self, leg: Leg, response: SipResponse, addr: tuple[str, int]) -> None:
        log.info("answered while it was being cancelled: taken back with BYE")
        leg.call.dialog.state = DialogState.EARLY
        self._calls[leg.call.call_id] = leg.call
        super().handle_response(response, addr)
        leg.call.hangup(self)
        self._forget(leg.call.call_id)

    def _acknowledge_refusal(self, call: OutgoingCall, response: SipResponse) -> None:
        """The ACK that belongs to the INVITE's own transaction: same branch, same number."""
        invite = call.invite
        ack = SipRequest(method="ACK", uri=invite.uri)
        ack.headers.append("Via", invite.headers.get("via")[0])
        for name in ("From", "Call-ID"):
            ack.headers.set_single(name, invite.headers.get_first(name) or "")
        ack.headers.set_single("To", response.headers.get_first("to") or "")
        number = response.cseq.seq if response.cseq else 1
        ack.headers.set_single("CSeq", stringify_cseq(CSeq(seq=number, method="ACK")))
        ack.headers.set_single("Max-Forwards", "70")
        self.transport.send(ack, call.remote_addr)
