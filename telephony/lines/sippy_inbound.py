"""The called side of a dialog: an INVITE that came in (RFC 3261 §13.3)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sippy.SipRequest import SipRequest
from sippy.SipTransactionManager import TRYING

from telephony.afterwards import afterwards
from telephony.lines.line import EndedBy, Invite
from telephony.lines.sippy_dialog import SippyDialog
from telephony.lines.sippy_request import ALLOWED_METHODS, HeaderTexts, header, header_texts, session_description
from telephony.lines.wire import from_wire, to_wire

if TYPE_CHECKING:
    from telephony.lines.sippy_line import SippyLine

log = logging.getLogger(__name__)

#: seconds without any response after which a caller is told 100: who answers sooner need not (RFC 3261 §17.2.1)
TRYING_AFTER = 0.2

_REASONS = {
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
    606: "Not Acceptable",
}


class InboundDialog(SippyDialog):
    """From the INVITE on; ``answered`` once our 200 went out, ``confirmed`` once its ACK came."""

    def __init__(self, line: SippyLine, invite: SipRequest, transaction: Any) -> None:
        super().__init__(line, str(invite.getHFBody("call-id")))
        self._invite, self._transaction = invite, transaction
        self._answered = False
        #: a 180 is still to be sent
        self._rings = False
        self._late_offer = not session_description(invite)
        self._bye_when_acknowledged = False
        self.local = invite.getHFBody("to").getUri().getCopy()
        self.local.setParam("tag", self.local_tag)
        self.remote = invite.getHFBody("from").getUri()
        self.remote_tag = invite.getHFBody("from").getTag()
        self.remote_cseq = invite.getHFBody("cseq").getCSeqNum()
        self.target = invite.getHFBody("contact").getUrl()
        self.routes = invite.getHFBCopys("record-route")

    def begin(self) -> tuple[None, Any, Any]:
        """Take the INVITE's transaction over; gives what sippy's transaction layer wants back."""
        self.stack.transactions.adopt(self._transaction, self.local_tag)
        self.later(TRYING_AFTER, self._trying)
        return None, self._cancelled, self._unacknowledged

    def _trying(self) -> None:
        if self._transaction.state is TRYING:
            self.stack.send(self.stack.reply(self._invite, 100, "Trying"), self._transaction)

    def invite(self) -> Invite:
        request = self._invite
        caller = _identity(request)
        return Invite(
            call_id=self.call_id,
            number=from_wire(caller.url.username or ""),
            display_name=from_wire(caller.name or self.remote.name or ""),
            dialled=from_wire(request.getRURI().username or ""),
            sdp=session_description(request),
            source=request.getSource(),
            headers=HeaderTexts(request),
        )

    # the core's answers

    def ring(self) -> None:
        # whom the call rings at hears of it first
        self._rings = True
        afterwards(self._loop, self._ringing)

    def _ringing(self) -> None:
        """What is sent after it does not overtake the 180."""
        if self._rings:
            self._rings = False
            self._provisional(180, "Ringing", "")

    def progress(self, sdp: str) -> None:
        self._ringing()
        self._provisional(183, "Session Progress", sdp)

    def _provisional(self, code: int, reason: str, sdp: str) -> None:
        if not self.ended and not self._answered:
            self.stack.send(self.respond(self._invite, code, reason, sdp), self._transaction)

    def answer(self, sdp: str) -> None:
        if self.ended or self._answered:
            return
        self._ringing()
        self._answered = True
        response = self.respond(self._invite, 200, "OK", sdp)
        response.appendHeader(header("Allow", ALLOWED_METHODS))
        self.stack.send(response, self._transaction, self._acknowledged)

    def reject(self, status: int, reason: str = "") -> None:
        if self.ended or self._answered:
            return
        status = status if 300 <= status < 700 else 500
        reason = reason or _REASONS.get(status, "Refused")
        self.stack.send(self.respond(self._invite, status, to_wire(reason)), self._transaction)
        self.end(EndedBy.US, status, reason)

    def hang_up(self) -> None:
        if self.ended:
            return
        if not self._answered:
            self.reject(603)
        elif self.confirmed:
            super().hang_up()
        else:  # RFC 3261 §15: no BYE before the ACK
            self._bye_when_acknowledged = True
            self.end(EndedBy.US, 200, "Hung up")

    # what the network does

    def _cancelled(self, _time: Any, cancel: SipRequest | None) -> None:
        """The stack has answered 487 already."""
        if cancel is None:
            self.end(EndedBy.NETWORK, 487, "Request Expired")
            return
        texts = header_texts(cancel, "reason")
        self.end(EndedBy.PEER, 487, from_wire(texts[0]) if texts else "Cancelled")

    def _acknowledged(self, ack: SipRequest) -> None:
        self.confirmed = True
        if self._bye_when_acknowledged:
            self._bye_when_acknowledged = False
            self.send_bye()
            return
        if self.ended:
            return
        self.report("dialog_confirmed", session_description(ack) if self._late_offer else "")
        self.offers.dialog_confirmed()

    def _unacknowledged(self) -> None:
        """64*T1 without an ACK to our 200 (RFC 3261 §13.3.1.4)."""
        if not self._answered or self.confirmed:
            return
        if self._bye_when_acknowledged:
            self.send_bye()
        else:
            self.fail(408, "no ACK to our 200")

    def peer_left(self) -> None:
        super().peer_left()
        if not self._answered and not self.ended:  # RFC 3261 §15.1.2: a BYE before the answer ends the INVITE, too
            self.stack.send(self.respond(self._invite, 487, "Request Terminated"), self._transaction)
            self.end(EndedBy.PEER, 487, "BYE before the answer")


def _identity(request: SipRequest) -> Any:
    """Who calls: P-Asserted-Identity (RFC 3325; peers are trusted) before From."""
    for item in request.getHFs("p-asserted-identity"):
        try:
            address = item.getBody().getUri()
        except (ValueError, IndexError, TypeError) as error:
            log.info("P-Asserted-Identity passed over: %s", error)
            continue
        if address.url.username:
            return address
    return request.getHFBody("from").getUri()
