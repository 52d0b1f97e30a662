"""The second line driver: one registered UDP line on a friendly PBX in the same network, over pyVoIP's client.

What it cannot do is declared in ``pyvoip_line.CAPABILITIES``. RTP is ours, as with every driver.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from telephony.lines.line import Line, LineListener
from telephony.lines.pyvoip_client import ALLOWED_METHODS, Client
from telephony.lines.pyvoip_inbound import InboundDialog
from telephony.lines.pyvoip_line import PyVoipLine
from telephony.lines.pyvoip_message import MAX_DATAGRAM, Message
from telephony.lines.pyvoip_registration import FIRST_RETRY, LAST_RETRY, Registration
from telephony.lines.pyvoip_transactions import ServerTransaction, Transactions
from telephony.lines.refusals import RefusalCounter
from telephony.lines.stateless import accepts_sdp, header_values, known_scheme, request_key, request_method
from telephony.settings import LineSettings, PhoneSettings

log = logging.getLogger(__name__)

#: seconds that ``stop`` waits for the PBX to confirm BYEs and the withdrawal
STOP_PATIENCE = 2.0
#: refusals of one source that are answered in a second; more are only counted
_ANSWERED = 20


class PyVoipDriver:
    """Implements ``LineDriver`` for the one line of ``settings`` whose driver is ``pyvoip``.

    ``t1`` is RFC 3261's T1 in seconds, in place of the settings'; ``retry`` the first and the longest wait after a
    failed registration. May be started again after ``stop``.
    """

    def __init__(
        self, settings: PhoneSettings, t1: float | None = None, retry: tuple[float, float] = (FIRST_RETRY, LAST_RETRY)
    ) -> None:
        self._settings = settings
        self._t1 = settings.sip_t1 if t1 is None else t1
        self._retry = retry
        self._client: Client | None = None
        self._listener: LineListener | None = None
        self._line: PyVoipLine
        self._transactions: Transactions
        self._registration: Registration
        self._refusals: RefusalCounter

    @property
    def port(self) -> int:
        """The bound port (of use when the settings ask for port 0); 0 while stopped."""
        return int(self._client.myPort) if self._client is not None else 0

    @property
    def remembered(self) -> int:
        """Transactions and dialogs that are kept, finished ones included until nobody can refer to them any more."""
        if self._client is None:
            return 0
        kept = (self._transactions.clients, self._transactions.servers, self._line.dialogs)
        return sum(len(each) for each in kept)

    async def start(self, listener: LineListener) -> list[Line]:
        """Bind, and begin to register.

        Raises ``OSError`` when the address is taken, ``ValueError`` for settings that this driver cannot serve.
        """
        if self._client is not None:
            raise RuntimeError("the driver runs already")
        wanted = self._wanted()
        if wanted is None:
            return []
        self._listener = listener
        settings = self._settings
        server = wanted.domain or wanted.proxy.strip().removeprefix("sip:")
        client = Client(server, wanted.username, wanted.expires, self._receive, self._receive_unreadable, self._lost)
        self._transactions = Transactions(client, self._t1)
        self._line = PyVoipLine(
            wanted, client, self._transactions, settings.sip_host, settings.public_host, self._state
        )
        client.start(settings.sip_host, settings.sip_port)
        self._client = client
        self._refusals = RefusalCounter(self._refused)
        self._registration = Registration(self._line, self._retry)
        self._registration.start()
        log.info("sip: listening on %s:%d for line %s (pyVoIP)", settings.sip_host, self.port, wanted.name)
        return [self._line]

    def _wanted(self) -> LineSettings | None:
        wanted = [line for line in self._settings.lines if line.driver == "pyvoip"]
        if len(wanted) > 1:
            raise ValueError("the pyvoip driver serves one line, not several")
        if wanted and wanted[0].mode != "register":
            raise ValueError(f"line {wanted[0].name}: the pyvoip driver needs mode = register")
        if wanted and ":" in self._settings.sip_host:
            raise ValueError("the pyvoip driver speaks IPv4 only")
        return wanted[0] if wanted else None

    async def stop(self) -> None:
        client = self._client
        if client is None:
            return
        line = self._line
        line.closing = True
        for dialog in list(line.dialogs.values()):
            dialog.hang_up()
        await self._registration.withdraw(STOP_PATIENCE)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._until_quiet(), STOP_PATIENCE)
        self._refusals.close()
        self._transactions.close()
        line.close()
        client.stop()
        line.set_status("stopped")
        await asyncio.sleep(0)  # lets the last reports through
        self._client = None

    async def _until_quiet(self) -> None:
        while not self._transactions.quiet():  # noqa: ASYNC110 - transactions tell only their own dialogs
            await asyncio.sleep(0.01)

    # what comes in

    def _receive(self, message: Message) -> None:
        if not message.is_request:
            self._transactions.receive_response(message)
            return
        if message.method == "ACK":
            self._receive_ack(message)
            return
        known = self._transactions.servers.get((message.branch, message.method))
        if known is not None:
            known.repeated()
            return
        dialog = self._line.dialogs.get((message.call_id, message.to_tag))
        if dialog is not None and message.method != "CANCEL" and dialog.remote_tag in ("", message.from_tag):
            dialog.receive(ServerTransaction(self._transactions, message))
        elif not self._line.knows(message.source):
            self._refuse_stranger(message)
        else:
            self._receive_new(ServerTransaction(self._transactions, message))

    def _refuse_stranger(self, message: Message) -> None:
        what = f"{message.method} from port {message.source[1]}"
        count = self._refusals.note(message.source[0], what, request_key(message.raw))
        if count <= _ANSWERED and self._client is not None:
            self._client.refuse(message.raw, 403, "Forbidden", message.source)

    def _receive_unreadable(self, data: bytes, source: tuple[str, int], why: str) -> None:
        """Told with the strangers', answered to the PBX alone."""
        count = self._refusals.note(source[0], f"malformed: {why}")
        if count <= _ANSWERED and self._client is not None and self._line.knows(source):
            self._client.refuse(data, *_refusal_of(data, why), source)

    def _lost(self, beginning: bytes) -> None:
        for via in header_values(beginning, "via")[:1]:
            self._transactions.unreachable(request_method(beginning), via)

    def _receive_ack(self, ack: Message) -> None:
        refused = self._transactions.servers.get((ack.branch, "INVITE"))
        if refused is not None and refused.final >= 300:
            refused.acknowledge()
            return
        dialog = self._line.dialogs.get((ack.call_id, ack.to_tag))
        if dialog is not None:
            dialog.receive_ack(ack)

    def _receive_new(self, transaction: ServerTransaction) -> None:
        """A request of the PBX outside of any dialog."""
        request = transaction.request
        if request.required:
            transaction.respond(420, "Bad Extension", headers=(("Unsupported", request.required),))
        elif request.method == "CANCEL":
            self._receive_cancel(transaction)
        elif request.to_tag or request.method in ("BYE", "INFO", "UPDATE", "PRACK"):
            transaction.respond(481, "Call Does Not Exist")
        elif request.method == "INVITE":
            self._receive_invite(transaction)
        elif request.method == "REFER":  # nobody here takes calls that do not come in
            transaction.respond(603, "Decline")
        elif request.method in ("OPTIONS", "NOTIFY"):  # NOTIFY: message-waiting that nobody asked for (RFC 3842 §4.1)
            transaction.respond(200, "OK", headers=(("Accept", "application/sdp"),))
        else:
            transaction.respond(405, "Method Not Allowed", headers=(("Allow", ALLOWED_METHODS),))

    def _receive_cancel(self, cancel: ServerTransaction) -> None:
        for dialog in self._line.dialogs.values():
            if dialog.is_cancelled_by(cancel.request):
                dialog.receive_cancel(cancel)
                return
        cancel.respond(481, "Call Does Not Exist")

    def _receive_invite(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if any(
            (dialog.call_id, dialog.remote_tag, dialog.remote_cseq) == (request.call_id, request.from_tag, request.cseq)
            for dialog in self._line.dialogs.values()
        ):
            transaction.respond(482, "Loop Detected")  # RFC 3261 §8.2.2.2: a merged request
        elif self._line.closing:
            transaction.respond(503, "Service Unavailable")
        elif request.content and not _may_hold_sdp(request.content_type):
            transaction.respond(415, "Unsupported Media Type", headers=(("Accept", "application/sdp"),))
        elif not accepts_sdp(request.values("Accept")):
            transaction.respond(406, "Not Acceptable")
        else:
            transaction.respond(100, "Trying")
            dialog = InboundDialog(self._line, transaction)
            self._line.add(dialog)
            asyncio.get_running_loop().call_soon(self._offer, dialog)

    def _offer(self, dialog: InboundDialog) -> None:
        assert self._listener is not None
        try:
            self._listener.line_incoming(self._line, dialog, dialog.invite())
        except Exception:
            log.exception("call %s could not be taken", dialog.sip_call_id)
            dialog.reject(500)

    def _state(self, line: PyVoipLine, status: str, detail: str) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().call_soon(self._listener.line_state, line, status, detail)

    def _refused(self, source: str, count: int, detail: str) -> None:
        log.warning("sip: %d message(s) of %s refused: %s", count, source, detail)
        if self._listener is not None:
            asyncio.get_running_loop().call_soon(self._listener.line_refused, source, count, detail)


def _may_hold_sdp(content_type: str) -> bool:
    return content_type == "application/sdp" or content_type.startswith("multipart/")


def _refusal_of(data: bytes, why: str) -> tuple[int, str]:
    if len(data) > MAX_DATAGRAM:
        return 513, "Message Too Large"
    if "Version" in why:
        return 505, "Version Not Supported"
    if not known_scheme(data):
        return 416, "Unsupported URI Scheme"
    return 400, "Bad Request"
