"""The calling side of a dialog: an INVITE of ours (RFC 3261 §13.2)."""

from __future__ import annotations

import logging
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sippy.SipAddress import SipAddress
from sippy.SipRequest import SipRequest

from telephony.lines.line import EndedBy
from telephony.lines.sippy_dialog import SippyDialog, recorded_routes
from telephony.lines.sippy_overrides import SipUri
from telephony.lines.sippy_request import ClientRequest, is_local, session_description
from telephony.lines.wire import from_wire

if TYPE_CHECKING:
    from telephony.lines.sippy_line import SippyLine

log = logging.getLogger(__name__)

#: seconds that we let a callee ring before we CANCEL; proxies give up about then (RFC 3261 §16.6, timer C)
RING_LIMIT = 180.0


class OutboundDialog(SippyDialog):
    owns_call_id = True

    def __init__(self, line: SippyLine, sdp: str, caller_id: str) -> None:
        super().__init__(line, f"{token_hex(12)}@{line.contact_host()}")
        self._sdp = sdp
        self._early_sdp = ""
        self.local = line.caller_address(caller_id)
        self.local.setParam("tag", self.local_tag)
        self._first_hop: tuple[str, int] | None = None
        self._invite: ClientRequest | None = None

    def start(self, target: SipUri, first_hop: tuple[str, int]) -> None:
        """INVITE ``target`` by way of ``first_hop``."""
        self.target = target
        self.remote = SipAddress(url=target.getCopy())
        self._first_hop = first_hop
        self.later(RING_LIMIT, self._rang_too_long)
        self._invite = ClientRequest(
            self.stack.transactions,
            lambda: self.build("INVITE", body=self._sdp),
            self._response,
            self.line.credentials,
            make_ack=self._ack,
            on_fork=self._second_answer,
        )
        self._invite.send()

    def next_hop(self, hop: SipUri) -> tuple[tuple[str, int], str]:
        if self._first_hop is not None:  # until the dialog stands, all goes to the line's proxy
            return self._first_hop, "udp"
        return super().next_hop(hop)

    def hang_up(self) -> None:
        if self.confirmed or self.ended:
            super().hang_up()
            return
        self._cancel()
        self.end(EndedBy.US, 487, "Cancelled")

    def forgotten(self) -> None:
        super().forgotten()
        self._invite = None

    def _cancel(self) -> None:
        if self._invite is not None:
            self._invite.cancel()

    def _rang_too_long(self) -> None:
        if not self.confirmed and not self.ended:
            self._cancel()
            self.end(EndedBy.NETWORK, 408, "no final answer")

    def _response(self, response: Any, _transaction: Any) -> None:
        code, reason = response.getSCode()
        sdp = session_description(response)
        if code < 200:
            if code > 100 and not self.ended:
                self._early_sdp = sdp or self._early_sdp
                self.report("dialog_progress", code, sdp)
            return
        if code < 300:
            # the transaction layer asks for the ACK next, and only then may a BYE follow
            self._stand(response)
            self.stack.loop.call_soon(self._answered, sdp)
            return
        local = is_local(response)
        self.end(EndedBy.NETWORK if local else EndedBy.PEER, code, from_wire(reason))

    def _stand(self, response: Any) -> None:
        """The 2xx fixes tag, target and route set (RFC 3261 §12.1.2)."""
        self.remote_tag = response.getHFBody("to").getTag()
        self.refresh_target(response)
        self.routes = recorded_routes(response)
        self._first_hop = None
        self.confirmed = True

    def _answered(self, sdp: str) -> None:
        if self.ended:  # our CANCEL crossed the 200
            self.send_bye()
            return
        sdp = sdp or self._early_sdp
        if not sdp:
            self.send_bye()
            self.end(EndedBy.PEER, 488, "the 200 has no SDP")
            return
        self.report("dialog_answered", sdp)
        self.offers.dialog_confirmed()

    def _ack(self, response: Any, invite: SipRequest) -> SipRequest:
        return self.build_ack(response, invite)

    def _second_answer(self, response: Any, transaction: Any) -> None:
        """A 200 of another branch of a forked INVITE: ACK and BYE it (RFC 3261 §13.2.2.4)."""
        twin = SippyDialog(self.line, self.call_id)
        twin.local, twin.remote, twin.target = self.local, self.remote, self.target
        twin.remote_tag = response.getHFBody("to").getTag()
        twin.refresh_target(response)
        twin.routes = recorded_routes(response)
        twin.local_cseq = self.local_cseq
        ack = twin.build_ack(response, transaction.request)
        transaction.acks[twin.remote_tag] = ack
        self.stack.transactions.transmitReq(transaction, ack, ack.getTarget()[0], None)
        twin.send_bye()
