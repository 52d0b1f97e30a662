"""The pyVoIP line's re-INVITEs and UPDATEs, as ``telephony.lines.offers`` wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from telephony.lines.offers import OfferAnswered
from telephony.lines.pyvoip_message import Draft, Message
from telephony.lines.pyvoip_transactions import Request, ServerTransaction
from telephony.lines.wire import from_wire

if TYPE_CHECKING:
    from telephony.lines.pyvoip_dialog import PyVoipDialog


class SentOffer:
    """A re-INVITE of ours; each 2xx to it is acknowledged, repeated ones too."""

    def __init__(self, dialog: PyVoipDialog, sdp: str, answered: Callable[[OfferAnswered], None]) -> None:
        self._dialog, self._sdp, self._answered = dialog, sdp, answered
        self._ack: tuple[Draft, tuple[str, int]] | None = None
        self._request = Request(dialog.line.transactions, self._build, self._response, dialog.line.credentials)

    def cancel(self) -> None:
        self._request.cancel()

    def _build(self) -> tuple[Draft, tuple[str, int]]:
        return self._dialog.build("INVITE", body=self._sdp)

    def _response(self, response: Message | None) -> None:
        if response is None:
            self._answered(OfferAnswered(408, "Request Timeout", "", local=True))
        elif response.code >= 300:
            self._answered(OfferAnswered(response.code, from_wire(response.phrase), ""))
        elif response.code >= 200:
            first = self._ack is None
            if self._ack is None:
                self._dialog.refresh_target(response)
                self._ack = self._dialog.build_ack(self._request)
            self._dialog.line.client.send(self._ack[0].octets(), self._ack[1])
            if first:
                self._answered(OfferAnswered(response.code, from_wire(response.phrase), response.sdp))


class ReceivedOffer:
    """Implements ``telephony.lines.offers.PeerOffer`` over a server transaction."""

    def __init__(self, dialog: PyVoipDialog, transaction: ServerTransaction) -> None:
        self._dialog, self._transaction = dialog, transaction
        self.sdp = transaction.request.sdp
        self.is_update = transaction.request.method == "UPDATE"
        self._acknowledged: Callable[[str], None] | None = None

    @property
    def request(self) -> Message:
        return self._transaction.request

    def take(self) -> None:
        self._dialog.refresh_target(self.request)
        if not self.is_update:
            self._transaction.respond(100, "Trying")

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
        self._acknowledged = acknowledged
        self._transaction.respond(
            status, reason, sdp=sdp, headers=headers, on_unacknowledged=unacknowledged if status < 300 else None
        )

    def receive_cancel(self, cancel: ServerTransaction) -> bool:
        """Whether the CANCEL is this re-INVITE's and came before its answer."""
        cancel.respond(200, "OK")
        if self._transaction.final:
            return False
        self._transaction.respond(487, "Request Terminated")
        return True

    def receive_ack(self, ack: Message) -> None:
        if not self._transaction.acknowledged:
            self._transaction.acknowledge()
            if self._acknowledged is not None:
                self._acknowledged(ack.sdp)
