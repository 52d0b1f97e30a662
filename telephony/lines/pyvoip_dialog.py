"""One dialog of the pyVoIP line (RFC 3261 §12): what the calling and the called side have in common.

What the line lacks is refused without harm to the call: a re-INVITE gets 488 and the session stays as it was (§14.2).
"""

from __future__ import annotations

import asyncio
import logging
from secrets import token_hex
from typing import TYPE_CHECKING

from telephony.lines.line import EndedBy
from telephony.lines.pyvoip_client import ALLOWED_METHODS
from telephony.lines.pyvoip_message import Address, Draft, Message
from telephony.lines.pyvoip_transactions import Request, ServerTransaction
from telephony.lines.reporting_dialog import ReportingDialog
from telephony.lines.wire import from_wire

if TYPE_CHECKING:
    from telephony.lines.pyvoip_line import PyVoipLine

log = logging.getLogger(__name__)


class PyVoipDialog(ReportingDialog):
    """Common half of ``InboundDialog`` and ``OutboundDialog``; implements ``telephony.lines.line.Dialog`` with them."""

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

    # what the core sees

    def reinvite(self, sdp: str) -> None:
        """No re-INVITE on this line (``Capabilities.hold``): told as a refusal, the session stays."""
        if not self.ended:
            self.report("dialog_reinvite_done", 501, "")

    def accept_reoffer(self, sdp: str) -> None:
        """Never asked for: the peer's re-INVITEs were refused."""

    def reject_reoffer(self, status: int = 488) -> None:
        """Never asked for: the peer's re-INVITEs were refused."""

    def refer(self, target: str) -> None:
        log.warning("call %s: this line cannot transfer (Capabilities.refer)", self.call_id)

    def linger(self) -> None:
        self.line.linger(self)

    # requests of ours

    def build(self, method: str, cseq: int = 0) -> tuple[Draft, tuple[str, int]]:
        """A request in this dialog and where it goes (§12.2.1.1); the next CSeq unless one is given.

        The route set is followed loosely (§16.12); a route or target that is no IP address goes to the proxy.
        """
        if not cseq:
            self.local_cseq += 1
            cseq = self.local_cseq
        draft = Draft("")
        draft.start = f"{method} {self.target} SIP/2.0"
        draft.set("Via", self.line.client.via)
        draft.set("Route", *self.routes)
        draft.set("Max-Forwards", "70")
        draft.set("From", f"{self.local};tag={self.local_tag}")
        draft.set("To", f"{self.remote};tag={self.remote_tag}" if self.remote_tag else self.remote)
        draft.set("Call-ID", self.call_id)
        draft.set("CSeq", f"{cseq} {method}")
        hop = Address.parse(self.routes[0]).uri if self.routes else self.target
        return draft, self.line.next_hop(hop)

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
        elif request.method == "INVITE":
            log.info("call %s: a re-INVITE is refused, this line cannot (Capabilities.hold)", self.call_id)
            transaction.respond(488, "Not Acceptable Here")
        elif request.method == "OPTIONS":
            transaction.respond(200, "OK")
        else:
            transaction.respond(405, "Method Not Allowed", headers=(("Allow", ALLOWED_METHODS),))

    def peer_left(self) -> None:
        """The peer's BYE came."""
