"""The called side of a dialog on the pyVoIP line: an INVITE that came in (RFC 3261 §13.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.lines.line import EndedBy, Invite
from telephony.lines.pyvoip_dialog import PyVoipDialog
from telephony.lines.pyvoip_message import Address, Message, SIPParseError, SIPStatus, user_of
from telephony.lines.pyvoip_transactions import ServerTransaction
from telephony.lines.wire import from_wire, to_wire

if TYPE_CHECKING:
    from telephony.lines.pyvoip_line import PyVoipLine


class InboundDialog(PyVoipDialog):
    """From the INVITE on; ``answered`` once our 200 went out, ``confirmed`` once its ACK came."""

    def __init__(self, line: PyVoipLine, transaction: ServerTransaction) -> None:
        request = transaction.request
        super().__init__(line, request.call_id)
        self._transaction = transaction
        self._answered = False
        self._late_offer = not request.sdp
        self._bye_when_acknowledged = False
        self.local = request.value("To")
        self.remote = str(request.headers["From"]["raw"])
        self.remote_tag = request.from_tag
        self.remote_cseq = request.cseq
        self.target = request.contact
        self.routes = request.listed("Record-Route")
        if expires := request.number("Expires"):
            self.later(expires, self._expired)

    def is_cancelled_by(self, cancel: Message) -> bool:
        return self._transaction.request.branch == cancel.branch or super().is_cancelled_by(cancel)

    def invite(self) -> Invite:
        request = self._transaction.request
        caller = _identity(request)
        headers: dict[str, str] = {}
        for name, value in request.lines:
            headers.setdefault(name.lower(), from_wire(value))
        return Invite(
            call_id=self.call_id,
            number=from_wire(to_wire(caller.user)),
            display_name=from_wire(caller.display),
            dialled=from_wire(to_wire(user_of(request.uri))),
            sdp=request.sdp,
            source=request.source,
            headers=headers,
        )

    # the core's answers

    def ring(self) -> None:
        self._provisional(180, "Ringing", "")

    def progress(self, sdp: str) -> None:
        self._provisional(183, "Session Progress", sdp)

    def _provisional(self, code: int, reason: str, sdp: str) -> None:
        if not self.ended and not self._answered:
            self._transaction.respond(code, reason, self.local_tag, sdp)

    def answer(self, sdp: str) -> None:
        if self.ended or self._answered:
            return
        self._answered = True
        self._transaction.respond(200, "OK", self.local_tag, sdp, on_unacknowledged=self._unacknowledged)

    def reject(self, status: int, reason: str = "") -> None:
        if self.ended or self._answered:
            return
        status = status if 300 <= status < 700 else 500
        reason = reason or _phrase(status)
        self._transaction.respond(status, to_wire(reason), self.local_tag)
        self.end(EndedBy.US, status, reason)

    def hang_up(self) -> None:
        if self.ended:
            return
        if not self._answered:
            self.reject(603)
        elif self.confirmed:
            super().hang_up()
        else:  # §15: no BYE before the ACK
            self._bye_when_acknowledged = True
            self.end(EndedBy.US, 200, "Hung up")

    # what the network does

    def receive_cancel(self, cancel: ServerTransaction) -> None:
        if cancel.request.branch != self._transaction.request.branch:
            super().receive_cancel(cancel)
            return
        cancel.respond(200, "OK", self.local_tag)
        if not self._answered and not self.ended:
            self._transaction.respond(487, "Request Terminated", self.local_tag)
            self.end(EndedBy.PEER, 487, from_wire(cancel.request.value("Reason")) or "Cancelled")

    def _expired(self) -> None:
        """The caller waits no longer than it said (§13.3.1)."""
        if not self._answered:
            self._transaction.respond(487, "Request Expired", self.local_tag)
            self.end(EndedBy.NETWORK, 487, "Request Expired")

    def receive_ack(self, ack: Message) -> None:
        if not self._answered or self.confirmed or ack.cseq != self._transaction.request.cseq:
            super().receive_ack(ack)
            return
        self._transaction.acknowledge()
        self.confirmed = True
        if self._bye_when_acknowledged:
            self.send_bye()
        elif not self.ended:
            self.report("dialog_confirmed", ack.sdp if self._late_offer else "")
            self.offers.dialog_confirmed()

    def _unacknowledged(self) -> None:
        """64*T1 without an ACK to our 200 (§13.3.1.4)."""
        if self._bye_when_acknowledged:
            self.send_bye()
        else:
            self.fail(408, "no ACK to our 200")

    def peer_left(self) -> None:
        super().peer_left()
        if not self._answered and not self.ended:  # §15.1.2: a BYE before the answer ends the INVITE, too
            self._transaction.respond(487, "Request Terminated", self.local_tag)
            self.end(EndedBy.PEER, 487, "BYE before the answer")
        self._transaction.acknowledge()


def _identity(request: Message) -> Address:
    """Who calls: P-Asserted-Identity (RFC 3325; the PBX is trusted) before From."""
    own = Address.parse(request.value("From"))
    for value in request.listed("P-Asserted-Identity"):
        try:
            asserted = Address.parse(value)
        except SIPParseError:
            continue
        if asserted.user:
            return Address(asserted.uri, asserted.display or own.display)
    return own


def _phrase(status: int) -> str:
    try:
        return str(SIPStatus(status).phrase)
    except ValueError:
        return "Refused"
