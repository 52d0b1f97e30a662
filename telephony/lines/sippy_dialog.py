"""One dialog over sippy's transactions (RFC 3261 §12): what both the calling and the called side do once it stands."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sippy.SipAddress import SipAddress
from sippy.SipCallId import SipCallId
from sippy.SipContact import SipContact
from sippy.SipFrom import SipFrom
from sippy.SipHeader import SipHeader
from sippy.SipRequest import SipRequest
from sippy.SipRoute import SipRoute
from sippy.SipTo import SipTo
from sippy.SipVia import SipVia

from telephony.lines.info_digits import INFO_TYPES, info_digit
from telephony.lines.line import EndedBy
from telephony.lines.offers import OfferAnswered, Offers
from telephony.lines.peers import AddressError
from telephony.lines.reporting_dialog import ReportingDialog
from telephony.lines.sippy_offers import ReceivedOffer, send_offer
from telephony.lines.sippy_overrides import SipUri
from telephony.lines.sippy_request import (
    ALLOWED_METHODS,
    PRODUCT,
    ClientRequest,
    add_headers,
    content,
    header,
    header_text,
    header_texts,
    set_body,
)
from telephony.lines.transfers import Transfers
from telephony.lines.wire import from_wire

if TYPE_CHECKING:
    from telephony.lines.sippy_line import SippyLine

log = logging.getLogger(__name__)


class SippyDialog(ReportingDialog):
    """Common half of ``InboundDialog`` and ``OutboundDialog``; implements ``telephony.lines.line.Dialog`` with them."""

    #: whether we chose the Call-ID (decides the wait after a 491)
    owns_call_id = False

    def __init__(self, line: SippyLine, call_id: str) -> None:
        super().__init__(call_id, line.name, line.stack.loop)
        self.line = line
        self.stack = line.stack
        self.local_tag = token_hex(8)
        self.remote_tag: str | None = None
        self.local: Any = None
        self.remote: Any = None
        self.target: Any = None
        self.routes: list[SipRoute] = []
        self.local_cseq = 1
        self.remote_cseq: int | None = None
        self.offers = Offers(self)
        self.transfers = Transfers(self)

    # what the core sees

    def reinvite(self, sdp: str) -> None:
        self.offers.offer(sdp)

    def accept_reoffer(self, sdp: str) -> None:
        self.offers.accept(sdp)

    def reject_reoffer(self, status: int = 488) -> None:
        self.offers.reject(status)

    def refer(self, target: str) -> None:
        try:
            uri = self.line.uri_of(target)
        except AddressError as error:
            self.report("dialog_refer_done", 484, str(error))
            return
        self.transfers.refer(str(uri), str(self.local.url))

    def refer_result(self, status: int) -> None:
        self.transfers.result(status)

    def stop_negotiating(self) -> None:
        self.offers.stop()

    def linger(self) -> None:
        self.stack.linger(self)

    # what offers and transfers ask of a dialog

    @property
    def t1(self) -> float:
        return self.stack.transactions.t1

    def send_offer(self, sdp: str, answered: Callable[[OfferAnswered], None]) -> Callable[[], None]:
        return send_offer(self, sdp, answered)

    def send_in_dialog(
        self,
        method: str,
        answered: Callable[[int, str], None],
        headers: tuple[tuple[str, str], ...],
        kind: str = "",
        content: str = "",
    ) -> None:
        def response(message: Any, _transaction: Any) -> None:
            code, reason = message.getSCode()
            if code >= 200:
                answered(code, from_wire(reason))

        self.request(method, response, headers=headers, body=content, kind=kind)

    # requests of ours

    def build(
        self,
        method: str,
        *,
        cseq: int | None = None,
        headers: Sequence[tuple[str, str]] = (),
        body: str = "",
        kind: str = "",
    ) -> SipRequest:
        """A request in this dialog (RFC 3261 §12.2.1.1); the next CSeq unless one is given."""
        if cseq is None:
            cseq, self.local_cseq = self.local_cseq, self.local_cseq + 1
        uri, routes = self.target.getCopy(), [route.getCopy() for route in self.routes]
        hop = first_hop(routes) or uri
        if routes and not hop.lr:  # a strict router wants its own address as Request-URI
            routes = [*routes[1:], SipRoute(address=SipAddress(url=uri))]
            uri = hop
        remote = self.remote.getCopy()
        if self.remote_tag is not None:
            remote.setParam("tag", self.remote_tag)
        request = SipRequest(
            method=method,
            ruri=uri,
            to=SipTo(address=remote),
            fr0m=SipFrom(address=self.local.getCopy()),
            via=self.via(),
            cseq=cseq,
            callid=SipCallId(self.call_id),
            contact=None if method in ("BYE", "ACK") else SipContact(address=self.contact()),
            routes=routes,
            target=self.next_hop(hop),
            user_agent=PRODUCT,
        )
        request.delHFs("expires")  # sippy writes one into each INVITE
        if method in ("INVITE", "REFER"):
            request.appendHeader(header("Allow", ALLOWED_METHODS))
        add_headers(request, headers)
        set_body(request, body, kind or "application/sdp")
        return request

    def next_hop(self, hop: SipUri) -> tuple[tuple[str, int], str]:
        return ((hop.maddr or hop.host, hop.port or 5060), "udp")

    def via(self) -> SipVia:
        via = SipVia()
        via.hostname, via.port, via.transport = self.line.contact_host(), self.stack.port, "UDP"
        via.genBranch()
        return via

    def contact(self) -> SipAddress:
        return SipAddress(url=self.line.contact_uri())

    def request(
        self,
        method: str,
        on_response: Callable[[Any, Any], None] | None = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: str = "",
        kind: str = "",
    ) -> ClientRequest:
        client = ClientRequest(
            self.stack.transactions,
            lambda: self.build(method, headers=headers, body=body, kind=kind),
            on_response or self._ignore,
            self.line.credentials,
            make_ack=self.build_ack if method == "INVITE" else None,
        )
        client.send()
        return client

    def build_ack(self, response: Any, invite: SipRequest) -> SipRequest:
        """The ACK to a 2xx: along the route set, with the INVITE's CSeq and credentials (RFC 3261 §13.2.2.4)."""
        ack = self.build("ACK", cseq=invite.getHFBody("cseq").getCSeqNum())
        ack.appendHeaders([h.getCopy() for h in invite.headers if h.name in ("authorization", "proxy-authorization")])
        return ack

    def send_bye(self, reason: str = "") -> None:
        self.request("BYE", headers=(("Reason", reason),) if reason else ())

    def fail(self, status: int, reason: str) -> None:
        """The dialog broke: BYE what may be left of it."""
        if not self.ended:
            self.send_bye()
            self.end(EndedBy.NETWORK, status, reason)

    def refresh_target(self, message: Any) -> None:
        """A re-INVITE, UPDATE or its 2xx names the peer's address anew (RFC 3261 §12.2)."""
        if message.countHFs("contact") and not message.getHFBody("contact").asterisk:
            self.target = message.getHFBody("contact").getUrl().getCopy()

    def _ignore(self, _response: Any, _transaction: Any) -> None:
        """A final response that changes nothing."""

    # requests of the peer

    def matches(self, request: SipRequest) -> bool:
        from_tag = request.getHFBody("from").getTag()
        return request.getHFBody("to").getTag() == self.local_tag and self.remote_tag in (None, from_tag)

    def receive(self, request: SipRequest, transaction: Any) -> Any:
        """A request in the dialog; what sippy's transaction layer wants back: ``(response, None, None)`` or None."""
        method = request.getMethod()
        number = request.getHFBody("cseq").getCSeqNum()
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return self._reply(request, 500, "CSeq Out Of Order")
        self.remote_cseq = number
        if method == "BYE":
            return self._receive_bye(request)
        if self.ended:
            return self._reply(request, 481, "Call Does Not Exist")
        if method in ("INVITE", "UPDATE"):
            self.offers.receive(ReceivedOffer(self, request, transaction))
            return None, self._reinvite_cancelled, None
        if method == "INFO":
            return self._receive_info(request)
        if method == "NOTIFY":
            return self._receive_notify(request)
        if method == "REFER":
            return self._receive_refer(request, transaction)
        if method == "OPTIONS":
            return self._reply(request, 200, "OK")
        return self._reply(request, 405, "Method Not Allowed")

    def _reply(self, request: SipRequest, code: int, reason: str) -> tuple[Any, None, None]:
        return self.stack.reply(request, code, reason), None, None

    def respond(self, request: SipRequest, code: int, reason: str, sdp: str = "") -> Any:
        """A response within the dialog, to be sent by the caller."""
        response = self.stack.reply(request, code, reason)
        if code > 100:
            response.getHFBody("to").setTag(self.local_tag)
        if 100 < code < 300:
            response.appendHeader(SipHeader(name="contact", body=SipContact(address=self.contact())))
        set_body(response, sdp)
        return response

    def _receive_bye(self, request: SipRequest) -> Any:
        self.peer_left()
        cause = header_text(request, "reason")
        self.end(EndedBy.PEER, 200, from_wire(cause).strip() or "BYE")
        return self._reply(request, 200, "OK")

    def peer_left(self) -> None:
        """The peer's BYE: pending re-INVITEs end with it (RFC 3261 §15.1.2)."""
        self.offers.abandon()

    def _receive_info(self, request: SipRequest) -> Any:
        kind, text = content(request)
        if not kind:
            return self._reply(request, 200, "OK")
        digit = info_digit(kind, text)
        if digit is None:
            response = self.stack.reply(request, 415, "Unsupported Media Type")
            response.appendHeader(header("Accept", INFO_TYPES))
            return response, None, None
        if not digit:
            return self._reply(request, 400, "No Such Digit")
        self.report("dialog_digit", digit)
        return self._reply(request, 200, "OK")

    def _receive_notify(self, request: SipRequest) -> Any:
        kind, text = content(request)
        if kind == "message/sipfrag" and header_text(request, "event").partition(";")[0].strip().lower() in (
            "",
            "refer",
        ):
            self.transfers.receive_notify(text, header_text(request, "subscription-state"))
        return self._reply(request, 200, "OK")

    def _receive_refer(self, request: SipRequest, transaction: Any) -> tuple[None, None, None]:
        def respond(code: int, reason: str) -> None:
            self.stack.send(self.respond(request, code, reason), transaction)

        targets = [_uri_in(text) for text in header_texts(request, "refer-to")]
        self.transfers.receive_refer(targets, request.getHFBody("cseq").getCSeqNum(), respond)
        return None, None, None

    def _reinvite_cancelled(self, _time: Any, _request: Any) -> None:
        """The stack has answered 487 already."""
        self.offers.withdrawn()


def recorded_routes(response: Any) -> list[SipRoute]:
    """The route set that a response to our INVITE makes (RFC 3261 §12.1.2), to be written as it came.

    Raises what sippy's parser raises for what is no address.
    """
    routes = response.getHFBCopys("record-route")[::-1]
    for route in routes:
        first_hop([route])
    return list(routes)


def first_hop(routes: Sequence[SipRoute]) -> SipUri | None:
    """The URI of the first route; read from a copy, because sippy writes anew what was read."""
    if not routes:
        return None
    first = routes[0].getCopy()
    if not first.parsed:
        first.parse()
    uri: SipUri = first.getUrl()
    return uri


def _uri_in(address: str) -> str:
    """The URI of a name-addr or addr-spec, without header parameters."""
    bracketed = re.search(r"<([^<>]*)>", address)
    return from_wire(bracketed.group(1) if bracketed else address.partition(";")[0].strip())
