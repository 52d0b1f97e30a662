"""The sippy driver's re-INVITEs and UPDATEs, as ``telephony.lines.offers`` wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sippy.SipRequest import SipRequest

from telephony.lines.offers import OfferAnswered
from telephony.lines.sippy_request import add_headers, is_local, session_description
from telephony.lines.wire import from_wire

if TYPE_CHECKING:
    from telephony.lines.sippy_dialog import SippyDialog


def send_offer(dialog: SippyDialog, sdp: str, answered: Callable[[OfferAnswered], None]) -> Callable[[], None]:
    """Re-INVITE with ``sdp``; gives what cancels it."""

    def response(message: Any, _transaction: Any) -> None:
        code, reason = message.getSCode()
        if code < 200:
            return
        if code < 300:
            dialog.refresh_target(message)
        sdp = session_description(message) if code < 300 else ""
        answered(OfferAnswered(code, from_wire(reason), sdp, is_local(message)))

    return dialog.request("INVITE", response, body=sdp).cancel


class ReceivedOffer:
    """Implements ``telephony.lines.offers.PeerOffer`` over one of sippy's server transactions."""

    def __init__(self, dialog: SippyDialog, request: SipRequest, transaction: Any) -> None:
        self._dialog, self._request, self._transaction = dialog, request, transaction
        self.sdp = session_description(request)
        self.is_update: bool = request.getMethod() == "UPDATE"

    def take(self) -> None:
        dialog = self._dialog
        dialog.refresh_target(self._request)
        if not self.is_update:
            dialog.stack.transactions.adopt(self._transaction, dialog.local_tag)
            dialog.stack.send(dialog.respond(self._request, 100, "Trying"), self._transaction)

    def answer(
        self,
        status: int,
        reason: str,
        sdp: str = "",
        *,
        headers: tuple[tuple[str, str], ...] = (),
        acknowledged: Callable[[str], None] | None = None,
        unacknowledged: Callable[[], None] | None = None,
    ) -> None:
        response = self._dialog.respond(self._request, status, reason, sdp)
        add_headers(response, headers)
        if self.is_update or status >= 300:
            self._dialog.stack.send(response, self._transaction)
            return
        self._transaction.noack_cb = unacknowledged

        def ack_came(ack: SipRequest) -> None:
            if acknowledged is not None:
                acknowledged(session_description(ack))

        self._dialog.stack.send(response, self._transaction, ack_came)
