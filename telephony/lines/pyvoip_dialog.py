"""One dialog of the pyVoIP line (RFC 3261 §12): what the calling and the called side have in common."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING

from telephony.lines.info_digits import INFO_TYPES, info_digit
from telephony.lines.line import EndedBy
from telephony.lines.offers import OfferAnswered, Offers
from telephony.lines.peers import AddressError
from telephony.lines.pyvoip_client import ALLOWED_METHODS, PRODUCT
from telephony.lines.pyvoip_message import Address, Draft, Message, SIPParseError
from telephony.lines.pyvoip_offers import ReceivedOffer, SentOffer
from telephony.lines.pyvoip_transactions import Request, ServerTransaction
from telephony.lines.reporting_dialog import ReportingDialog
from telephony.lines.transfers import Transfers
from telephony.lines.wire import decode, from_wire

if TYPE_CHECKING:
    from telephony.lines.pyvoip_line import PyVoipLine

log = logging.getLogger(__name__)

_LOOSE = re.compile(r";\s*lr\b", re.IGNORECASE)


class PyVoipDialog(ReportingDialog):
    """Common half of ``InboundDialog`` and ``OutboundDialog``; implements ``telephony.lines.line.Dialog`` with them."""

    #: whether we chose the Call-ID (decides the wait after a 491)
    owns_call_id = False

    def __init__(self, line: PyVoipLine, call_id: str) -> None:
        super().__init__(call_id, line.name, asyncio.get_running_loop())
        self.line = line
        self.local_tag = token_hex(8)
        self.remote_tag = ""
        #: From and To of our requests, without tags
        self.local = self.remote = ""
        self.target = ""
        self.routes: list[str] = []
        self.local_cseq = 0
        self.remote_cseq: int | None = None
        self.offers = Offers(self)
        self.transfers = Transfers(self)
        self._reinvite: ReceivedOffer | None = None

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
        self.transfers.refer(uri, Address.parse(self.local).uri)

    def refer_result(self, status: int) -> None:
        self.transfers.result(status)

    def stop_negotiating(self) -> None:
        self.offers.stop()

    def linger(self) -> None:
        self.line.linger(self)

    def forgotten(self) -> None:
        super().forgotten()
        self._reinvite = None

    # what offers and transfers ask of a dialog

    @property
    def t1(self) -> float:
        return self.line.transactions.t1

    def send_offer(self, sdp: str, answered: Callable[[OfferAnswered], None]) -> Callable[[], None]:
        return SentOffer(self, sdp, answered).cancel

    def send_in_dialog(
        self,
        method: str,
        answered: Callable[[int, str], None],
        headers: tuple[tuple[str, str], ...],
        kind: str = "",
        content: str = "",
    ) -> None:
        def response(message: Message | None) -> None:
            if message is None:
                answered(408, "Request Timeout")
            elif message.code >= 200:
                answered(message.code, from_wire(message.phrase))

        def build() -> tuple[Draft, tuple[str, int]]:
            return self.build(method, headers=headers, body=content, kind=kind)

        Request(self.line.transactions, build, response, self.line.credentials)

    # requests of ours

    def build(
        self,
        method: str,
        cseq: int = 0,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        body: str = "",
        kind: str = "application/sdp",
    ) -> tuple[Draft, tuple[str, int]]:
        """A request in this dialog and where it goes (§12.2.1.1); the next CSeq unless one is given.

        A route or target that is no IP address goes to the proxy.
        """
        if not cseq:
            self.local_cseq += 1
            cseq = self.local_cseq
        target, routes = self.target, self.routes
        hop = target
        if routes:
            hop = Address.parse(routes[0]).uri
            if not _LOOSE.search(hop):  # a strict router wants its own address as Request-URI
                routes, target = [*routes[1:], f"<{target}>"], hop
        draft = Draft("", body, kind)
        draft.start = f"{method} {target} SIP/2.0"
        draft.set("Via", self.line.client.via)
        draft.set("Route", *routes)
        draft.set("Max-Forwards", "70")
        draft.set("From", f"{self.local};tag={self.local_tag}")
        draft.set("To", f"{self.remote};tag={self.remote_tag}" if self.remote_tag else self.remote)
        draft.set("Call-ID", self.call_id)
        draft.set("CSeq", f"{cseq} {method}")
        if method not in ("BYE", "ACK"):
            draft.set("Contact", self.line.client.contact)
        if method in ("INVITE", "REFER"):
            draft.set("Allow", ALLOWED_METHODS)
        draft.set("User-Agent", PRODUCT)
        for name, value in headers:
            draft.set(name, value)
        return draft, self.line.next_hop(hop)

    def build_ack(self, invite: Request) -> tuple[Draft, tuple[str, int]]:
        """The ACK to a 2xx: along the route set, with the INVITE's CSeq and credentials (§13.2.2.4)."""
        assert invite.transaction is not None
        asked = invite.transaction.draft
        draft, to = self.build("ACK", cseq=int(asked.value("CSeq").split()[0]))
        for name in ("Authorization", "Proxy-Authorization"):
            if asked.value(name):
                draft.set(name, asked.value(name))
        return draft, to

    def refresh_target(self, message: Message) -> None:
        """A re-INVITE, UPDATE or its 2xx names the peer's address anew (§12.2)."""
        self.target = message.contact or self.target

    def send_bye(self) -> None:
        Request(self.line.transactions, lambda: self.build("BYE"), self._bye_done, self.line.credentials)

    def _bye_done(self, response: Message | None) -> None:
        if response is None:
            log.info("call %s: nobody answered our BYE", self.call_id)

    def fail(self, status: int, reason: str) -> None:
        """The dialog broke: BYE what may be left of it."""
        if not self.ended:
            self.send_bye()
            self.end(EndedBy.NETWORK, status, reason)

    # requests of the peer

    def receive_ack(self, ack: Message) -> None:
        """An ACK to a 2xx of ours."""
        if self._reinvite is not None and ack.cseq == self._reinvite.request.cseq:
            self._reinvite.receive_ack(ack)

    def is_cancelled_by(self, cancel: Message) -> bool:
        return self._reinvite is not None and self._reinvite.request.branch == cancel.branch

    def receive_cancel(self, cancel: ServerTransaction) -> None:
        """The CANCEL of a re-INVITE."""
        if self._reinvite is not None and self._reinvite.receive_cancel(cancel):
            self.offers.withdrawn()

    def receive(self, transaction: ServerTransaction) -> None:
        """A request in the dialog."""
        request = transaction.request
        if self.remote_cseq is not None and request.cseq <= self.remote_cseq:
            transaction.respond(500, "CSeq Out Of Order")
            return
        self.remote_cseq = request.cseq
        if request.method == "BYE":
            transaction.respond(200, "OK")
            self.peer_left()
            self.end(EndedBy.PEER, 200, from_wire(request.value("Reason")).strip() or "BYE")
        elif self.ended:
            transaction.respond(481, "Call Does Not Exist")
        elif request.required:
            transaction.respond(420, "Bad Extension", headers=(("Unsupported", request.required),))
        elif request.method in ("INVITE", "UPDATE"):
            offer = ReceivedOffer(self, transaction)
            if request.method == "INVITE":
                self._reinvite = offer
            self.offers.receive(offer)
        elif request.method == "INFO":
            self._receive_info(transaction)
        elif request.method == "NOTIFY":
            self._receive_notify(transaction)
        elif request.method == "REFER":
            self._receive_refer(transaction)
        elif request.method == "OPTIONS":
            transaction.respond(200, "OK")
        else:
            transaction.respond(405, "Method Not Allowed", headers=(("Allow", ALLOWED_METHODS),))

    def peer_left(self) -> None:
        """The peer's BYE: pending re-INVITEs end with it (§15.1.2)."""
        self.offers.abandon()

    def _receive_info(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        digit = info_digit(request.content_type, from_wire(decode(request.content)))
        if request.content and digit is None:
            transaction.respond(415, "Unsupported Media Type", headers=(("Accept", INFO_TYPES),))
        elif request.content and not digit:
            transaction.respond(400, "No Such Digit")
        else:
            if digit:
                self.report("dialog_digit", digit)
            transaction.respond(200, "OK")

    def _receive_notify(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        event = request.value("Event").partition(";")[0].strip().lower()
        transaction.respond(200, "OK")
        if request.content_type == "message/sipfrag" and event in ("", "refer"):
            self.transfers.receive_notify(decode(request.content), request.value("Subscription-State"))

    def _receive_refer(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        try:
            targets = [Address.parse(value).uri for value in request.listed("Refer-To")]
        except SIPParseError:
            transaction.respond(416, "Unsupported URI Scheme")
            return
        self.transfers.receive_refer(targets, request.cseq, transaction.respond)
