"""The calling side of a dialog on the pyVoIP line: an INVITE of ours (RFC 3261 §13.2).

pyVoIP's own blocks until the first answer, knows 100, 180, 200, 401, 404 and 503 among them, and has no CANCEL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.lines.line import EndedBy
from telephony.lines.pyvoip_dialog import PyVoipDialog
from telephony.lines.pyvoip_message import Draft, Message
from telephony.lines.pyvoip_transactions import Request
from telephony.lines.wire import from_wire

if TYPE_CHECKING:
    from telephony.lines.pyvoip_line import PyVoipLine

#: seconds that we let a callee ring before we CANCEL; proxies give up about then (RFC 3261 §16.6, timer C)
RING_LIMIT = 180.0


class OutboundDialog(PyVoipDialog):
    owns_call_id = True

    def __init__(self, line: PyVoipLine, sdp: str, caller: str) -> None:
        super().__init__(line, line.client.gen_call_id())
        self.local = f"<{caller}>"
        self._caller = caller
        self._sdp = sdp
        self._early_sdp = ""
        self._invite: Request | None = None
        self._ack: tuple[Draft, tuple[str, int]] | None = None
        #: To tags of other branches that answered, too, and were left
        self._left: set[str] = set()

    def start(self, uri: str) -> None:
        self.target = uri
        self.remote = f"<{uri}>"
        self.later(RING_LIMIT, self._rang_too_long)
        self._invite = Request(self.line.transactions, self._build, self._response, self.line.credentials)

    def _build(self) -> tuple[Draft, tuple[str, int]]:
        self.local_cseq += 1
        draft = self.line.client.draft_invite(
            self.target, self._caller, self.call_id, self.local_tag, self.local_cseq, self._sdp
        )
        return draft, self.line.proxy_address()

    def hang_up(self) -> None:
        if self.confirmed or self.ended:
            super().hang_up()
            return
        self._cancel()
        self.end(EndedBy.US, 487, "Cancelled")

    def _rang_too_long(self) -> None:
        if not self.confirmed:
            self._cancel()
            self.end(EndedBy.NETWORK, 408, "no final answer")

    def forgotten(self) -> None:
        super().forgotten()
        self._invite = None

    def _cancel(self) -> None:
        if self._invite is not None:
            self._invite.cancel()

    # responses

    def _response(self, response: Message | None) -> None:
        if response is None:
            assert self._invite is not None
            self.end(EndedBy.NETWORK, *self._invite.silence)
        elif response.code < 200:
            self._provisional(response)
        elif response.code < 300:
            self._accepted(response)
        else:
            self.end(EndedBy.PEER, response.code, from_wire(response.phrase))

    def _provisional(self, response: Message) -> None:
        if response.code > 100 and not self.ended:
            self._early_sdp = response.sdp or self._early_sdp
            self.report("dialog_progress", response.code, response.sdp)

    def _accepted(self, response: Message) -> None:
        if self.confirmed:
            self._accepted_again(response)
            return
        self._stand(response)
        self._ack = self._acknowledge()
        self.line.client.send(self._ack[0].octets(), self._ack[1])
        sdp = response.sdp or self._early_sdp
        if self.ended:  # our CANCEL crossed the 200
            self.send_bye()
        elif not sdp:
            self.send_bye()
            self.end(EndedBy.PEER, 488, "the 200 has no SDP")
        else:
            self.report("dialog_answered", sdp)
            self.offers.dialog_confirmed()

    def _stand(self, response: Message) -> None:
        """The 2xx fixes tag, target and route set (§12.1.2)."""
        self.confirmed = True
        self.remote_tag = response.to_tag
        self.target = response.contact or self.target
        self.routes = response.listed("Record-Route")[::-1]

    def _acknowledge(self) -> tuple[Draft, tuple[str, int]]:
        assert self._invite is not None
        return self.build_ack(self._invite)

    def _accepted_again(self, response: Message) -> None:
        """Our ACK was lost: the same again. Or a forked INVITE was answered twice: the first one counts."""
        if response.to_tag == self.remote_tag and self._ack is not None:
            self.line.client.send(self._ack[0].octets(), self._ack[1])
        else:
            self._leave_fork(response)

    def _leave_fork(self, response: Message) -> None:
        """ACK and BYE the other branch, so that nobody there talks to nobody."""
        twin = OutboundDialog(self.line, self._sdp, self._caller)
        twin.call_id, twin.local_tag, twin.local_cseq = self.call_id, self.local_tag, self.local_cseq
        twin.remote, twin.target, twin._invite = self.remote, self.target, self._invite
        twin._stand(response)
        draft, to = twin._acknowledge()
        self.line.client.send(draft.octets(), to)
        if response.to_tag not in self._left:
            self._left.add(response.to_tag)
            twin.send_bye()
