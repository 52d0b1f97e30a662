"""One dialog of the pyVoIP line (RFC 3261 §12): what the calling and the called side have in common.

What the line lacks is refused without harm to the call: a re-INVITE gets 488 and the session stays as it was (§14.2).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from telephony.lines.line import DialogEnd, DialogListener, EndedBy
from telephony.lines.pyvoip_client import ALLOWED_METHODS
from telephony.lines.pyvoip_message import Address, Draft, Message
from telephony.lines.pyvoip_transactions import Request, ServerTransaction
from telephony.lines.wire import from_wire

if TYPE_CHECKING:
    from telephony.lines.pyvoip_line import PyVoipLine

log = logging.getLogger(__name__)


class PyVoipDialog:
    """Common half of ``InboundDialog`` and ``OutboundDialog``; implements ``telephony.lines.line.Dialog`` with them."""

    def __init__(self, line: PyVoipLine, call_id: str) -> None:
        self.line = line
        self.call_id = call_id
        self.local_tag = token_hex(8)
        self.remote_tag = ""
        #: From and To of our requests, without tags
        self.local = self.remote = ""
        self.target = ""
        self.routes: list[str] = []
        self.local_cseq = 0
        self.remote_cseq: int | None = None
        self.confirmed = False
        self.ended = False
        self._listener: DialogListener | None = None
        self._reports: list[tuple[str, tuple[Any, ...]]] = []
        self._timers: list[asyncio.TimerHandle] = []

    # what the core sees

    @property
    def sip_call_id(self) -> str:
        return self.call_id

    @property
    def line_name(self) -> str:
        return self.line.name

    def listen(self, listener: DialogListener) -> None:
        self._listener = listener
        waiting, self._reports = self._reports, []
        for name, arguments in waiting:
            self.report(name, *arguments)

    def ring(self) -> None:
        """Nothing to ring on a leg that we dialled."""

    def progress(self, sdp: str) -> None:
        """No early media of ours on a leg that we dialled."""

    def answer(self, sdp: str) -> None:
        """Nothing to answer on a leg that we dialled."""

    def reject(self, status: int, reason: str = "") -> None:
        self.hang_up()

    def hang_up(self) -> None:
        if self.confirmed and not self.ended:
            self.send_bye()
            self.end(EndedBy.US, 200, "Hung up")

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

    # reports to the core, in order, never from inside a call of the core's

    def report(self, name: str, *arguments: Any) -> None:
        if self._listener is None:
            self._reports.append((name, arguments))
            return
        asyncio.get_running_loop().call_soon(self._deliver, self._listener, name, arguments)

    def _deliver(self, listener: DialogListener, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            getattr(listener, name)(*arguments)
        except Exception:
            log.exception("the listener of call %s failed in %s", self.call_id, name)

    def end(self, by: EndedBy, status: int, reason: str) -> None:
        """Report the end, once; the dialog stays known for stragglers (a BYE that crosses ours) for 64*T1."""
        if self.ended:
            return
        self.ended = True
        for timer in self._timers:
            timer.cancel()
        self.report("dialog_ended", DialogEnd(by, status, reason))
        self.line.linger(self)

    def later(self, delay: float, callback: Callable[[], None]) -> None:
        """A timer that the end of the dialog stops."""
        self._timers.append(asyncio.get_running_loop().call_later(delay, callback))

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
