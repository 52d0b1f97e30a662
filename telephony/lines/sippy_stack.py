"""The SIP stack of one socket: datagrams are checked and sorted to transactions, dialogs and lines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from sippy.SipRequest import SipRequest
from sippy.SipTransactionManager import RINGING, TRYING

from telephony.lines.peers import PeerTable
from telephony.lines.refusals import RefusalCounter
from telephony.lines.sippy_dialog import SippyDialog
from telephony.lines.sippy_message import parse
from telephony.lines.sippy_overrides import install
from telephony.lines.sippy_request import ALLOWED_METHODS, PRODUCT, content, header, header_texts
from telephony.lines.sippy_socket import SippySocket
from telephony.lines.sippy_transactions import Transactions
from telephony.lines.sippy_validity import InvalidRequest, check_request
from telephony.lines.stateless import accepts_sdp, header_values, known_scheme, refusal, request_key, request_method
from telephony.lines.wire import from_wire

log = logging.getLogger(__name__)

#: what sippy's own receiver reads at most; no sane SIP over UDP comes near
MAX_DATAGRAM = 8_192
_BLANK = b"\r\n\0 \t"
#: refusals answered a second and source; what a stranger sends beyond is only counted
MAX_STRANGER_REPLIES = 20


class SippyStack:
    """Opened on construction. ``on_invite(request, transaction)`` is asked for each new call of a peer."""

    def __init__(
        self,
        host: str,
        port: int,
        peers: PeerTable,
        on_invite: Callable[[SipRequest, Any], Any],
        on_refused: Callable[[str, int, str], None],
        t1: float,
    ) -> None:
        install()
        self.loop = asyncio.get_running_loop()
        self.peers = peers
        self._on_invite = on_invite
        self.closing = False
        self.socket = SippySocket(host, port, self._datagram, self._lost)
        self.host, self.port = self.socket.host, self.socket.port
        self.transactions = Transactions(self.socket, self._request, t1)
        self.dialogs: dict[str, list[SippyDialog]] = {}
        self._lingering: dict[SippyDialog, asyncio.TimerHandle] = {}
        self._strangers = RefusalCounter(on_refused)
        self._malformed = RefusalCounter(_log_malformed)

    # dialogs

    def add(self, dialog: SippyDialog) -> None:
        self.dialogs.setdefault(dialog.call_id, []).append(dialog)

    def linger(self, dialog: SippyDialog) -> None:
        """Forget an ended dialog after 64*T1, when no straggler of it can come any more."""
        if dialog not in self._lingering:
            delay = self.transactions.patience
            self._lingering[dialog] = self.loop.call_later(delay, self._forget, dialog)

    def _forget(self, dialog: SippyDialog) -> None:
        del self._lingering[dialog]
        known = self.dialogs.get(dialog.call_id, [])
        if dialog in known:
            known.remove(dialog)
        if not known:
            self.dialogs.pop(dialog.call_id, None)
        dialog.forgotten()

    def open_dialogs(self) -> list[SippyDialog]:
        return [dialog for known in self.dialogs.values() for dialog in known if not dialog.ended]

    # responses

    def reply(self, request: SipRequest, code: int, reason: str) -> Any:
        response = request.genResponse(code, reason, server=PRODUCT)
        if code == 405 or (code == 200 and request.getMethod() == "OPTIONS"):
            response.appendHeader(header("Allow", ALLOWED_METHODS))
        if code in (200, 415) and request.getMethod() in ("OPTIONS", "INVITE"):
            response.appendHeader(header("Accept", "application/sdp"))
        return response

    def send(self, response: Any, transaction: Any, acknowledged: Callable[[Any], None] | None = None) -> None:
        if transaction.tid is None or transaction.state not in (TRYING, RINGING):
            log.debug("sip: too late for a %s", response.getSCode()[0])
            return
        self.transactions.sendResponse(response, transaction, ack_cb=acknowledged)

    # the way in

    def _datagram(self, data: bytes, source: tuple[str, int]) -> None:
        if data[:1] in _BLANK and not data.strip(_BLANK):
            return  # a keep-alive (RFC 5626 §3.5.1)
        try:
            self._receive(data, source)
        except Exception as error:
            # whatever a peer managed to upset: one message is lost, the stack lives on
            self._broken(data, source, 500, "Server Internal Error", error)
            log.debug("sip: message from %s failed", source, exc_info=True)

    def _lost(self, beginning: bytes) -> None:
        for via in header_values(beginning, "via")[:1]:
            self.transactions.unreachable(request_method(beginning), via)

    def _receive(self, data: bytes, source: tuple[str, int]) -> None:
        response = data.startswith(b"SIP/2.0 ")
        if not response and not self.peers.knows(source) and not self._belongs(data):
            self._refuse_stranger(data, source)
            return
        if len(data) > MAX_DATAGRAM:
            self._broken(data, source, 513, "Message Too Large", f"{len(data)} bytes")
            return
        if not response and not known_scheme(data):
            self._broken(data, source, 416, "Unsupported URI Scheme", "another scheme")
            return
        # what tells datagrams apart while they are remembered; Python's own hash is keyed anew in each process
        checksum = (hash(data), source)
        if self.transactions.repeat(checksum):
            return
        try:
            message = parse(data)
            if not response:
                check_request(message)
            elif not 100 <= message.getSCode()[0] <= 699:
                raise ValueError("no such status code")
            message.getTId(response, True)
        except InvalidRequest as error:
            self._broken(data, source, error.status, str(error), error)
            return
        except Exception as error:
            self._broken(data, source, 400, "Bad Request", error)
            return
        if response:
            self.transactions.receive_response(message, checksum, source)
        else:
            self.transactions.receive_request(message, checksum, source, self.socket)

    def _belongs(self, data: bytes) -> bool:
        """A stranger's request within a call of ours: the peer's Contact or a proxy on the route may be elsewhere."""
        return any(call_id in self.dialogs for call_id in header_values(data, "call-id")[:1])

    def _refuse_stranger(self, data: bytes, source: tuple[str, int]) -> None:
        method = request_method(data)
        if method == "ACK":  # of the 403 that its INVITE got
            return
        what = f"{method or 'no SIP'} from {source[0]}:{source[1]}"
        count = self._strangers.note(source[0], what, request_key(data))
        if count <= MAX_STRANGER_REPLIES:
            self._answer_raw(data, source, 403, "Forbidden")

    def _broken(self, data: bytes, source: tuple[str, int], status: int, reason: str, error: object) -> None:
        # a parser's words quote what it read, callers included: only the kind of error is told
        what = str(error) if isinstance(error, (str, InvalidRequest)) else type(error).__name__
        self._malformed.note(source[0], f"{request_method(data) or 'datagram'} from port {source[1]}: {status} {what}")
        self._answer_raw(data, source, status, reason)

    def _answer_raw(self, data: bytes, source: tuple[str, int], status: int, reason: str) -> None:
        answer = refusal(data, status, reason, source, (f"Server: {PRODUCT}",))
        if answer is not None:
            self.socket.send_to(*answer)

    def _request(self, request: SipRequest, transaction: Any) -> Any:
        """A new request of a peer, or one within a dialog; sippy's callback."""
        method = request.getMethod()
        required = [tag.strip() for text in header_texts(request, "require") for tag in text.split(",") if tag.strip()]
        if required:
            response = self.reply(request, 420, "Bad Extension")
            response.appendHeader(header("Unsupported", ", ".join(required)))
            return response, None, None
        known = self.dialogs.get(str(request.getHFBody("call-id")), [])
        if request.getHFBody("to").getTag() is not None:
            for dialog in known:
                if dialog.matches(request):
                    return dialog.receive(request, transaction)
            return self.reply(request, 481, "Call Does Not Exist"), None, None
        if method == "INVITE":
            return self._invite(request, transaction, known)
        if method in ("OPTIONS", "NOTIFY"):  # NOTIFY: message-waiting that nobody asked for (RFC 3842 §4.1)
            return self.reply(request, 200, "OK"), None, None
        if method == "REFER":  # nobody here takes calls that do not come in
            return self.reply(request, 603, "Decline"), None, None
        if method in ("BYE", "INFO", "UPDATE", "PRACK"):
            return self.reply(request, 481, "Call Does Not Exist"), None, None
        return self.reply(request, 405, "Method Not Allowed"), None, None

    def _invite(self, request: SipRequest, transaction: Any, known: list[SippyDialog]) -> Any:
        tag, number = request.getHFBody("from").getTag(), request.getHFBody("cseq").getCSeqNum()
        if any(dialog.remote_tag == tag and dialog.remote_cseq == number for dialog in known):
            return self.reply(request, 482, "Loop Detected"), None, None  # RFC 3261 §8.2.2.2: merged request
        kind = content(request)[0]
        if kind and kind != "application/sdp" and not kind.startswith("multipart/"):
            return self.reply(request, 415, "Unsupported Media Type"), None, None
        if not accepts_sdp(header_texts(request, "accept")):
            return self.reply(request, 406, "Not Acceptable"), None, None
        if self.closing:
            return self.reply(request, 503, "Service Unavailable"), None, None
        return self._on_invite(request, transaction)

    def refuse(self, request: SipRequest) -> Any:
        """403 for a parsed request of a stranger."""
        source = request.getSource()
        self._strangers.note(source[0], f"{request.getMethod()} from {source[0]}:{source[1]}")
        return self.reply(request, 403, "Forbidden"), None, None

    # the way out

    def quiet(self) -> bool:
        """Whether no request of ours waits for a final response and no 200 of ours for its ACK."""
        waiting = [t for t in self.transactions.tclient.values() if t.state in (TRYING, RINGING)]
        return not waiting and not self.transactions.unacknowledged()

    async def close(self) -> None:
        self.transactions.shutdown()
        for timer in self._lingering.values():
            timer.cancel()
        self._lingering.clear()
        self.dialogs.clear()
        self._strangers.close()
        self._malformed.close()
        await self.socket.close()


def _log_malformed(source: str, count: int, detail: str) -> None:
    log.warning("sip: malformed message from %s (%d): %s", source, count, from_wire(detail)[:300])
