"""The transactions that pyVoIP lacks (RFC 3261 §17): repetition until answered, timeouts, duplicates recognised."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from telephony.lines.digest import Challenge, ChallengeError, Credentials
from telephony.lines.pyvoip_client import Client
from telephony.lines.pyvoip_message import Draft, Message
from telephony.lines.wire import encode

log = logging.getLogger(__name__)

Address = tuple[str, int]
#: T2 and the life of a transaction in T1s (RFC 3261 §17.1.2.2, table 4)
_T2 = 8
_LIFE = 64
_CHALLENGES = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}
_MAX_ATTEMPTS = 4


class _Timers:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def set(self, name: str, delay: float, callback: Callable[[], None]) -> None:
        self.cancel(name)
        self._timers[name] = self._loop.call_later(delay, callback)

    def cancel(self, *names: str) -> None:
        for name in names or list(self._timers):
            timer = self._timers.pop(name, None)
            if timer is not None:
                timer.cancel()


class ClientTransaction:
    """One request of ours. ``on_response`` gets each new response, every 2xx to an INVITE, or None at the timeout."""

    def __init__(
        self, owner: Transactions, draft: Draft, to: Address, on_response: Callable[[Message | None], None]
    ) -> None:
        self.draft, self.to = draft, to
        self.finished = False
        #: what None to ``on_response`` stands for
        self.silence = 408, "no answer"
        self._owner, self._on_response = owner, on_response
        self._octets = draft.octets()
        self._timers = _Timers(owner.loop)
        self._is_invite = draft.method == "INVITE"
        self._interval = owner.t1
        self._provisional = False
        self._cancel_wanted = False
        self._ack: bytes | None = None
        self.key = (draft.value("Via").partition("branch=")[2].partition(";")[0], draft.method)
        self.sent_by = draft.value("Via").split()[1].partition(";")[0]
        owner.clients[self.key] = self
        self._owner.client.send(self._octets, to)
        self._timers.set("repeat", self._interval, self._repeat)
        self._timers.set("life", _LIFE * owner.t1, self._timed_out)

    def _repeat(self) -> None:
        self._owner.client.send(self._octets, self.to)
        self._interval *= 2
        if not self._is_invite:
            self._interval = min(self._interval, _T2 * self._owner.t1)
        self._timers.set("repeat", self._interval, self._repeat)

    def _timed_out(self) -> None:
        if not self.finished:
            self.finished = True
            self._on_response(None)
        self.forget()

    def unreachable(self) -> None:
        """The request did not arrive (§18.4); once anything was answered, its timers decide."""
        if not self._provisional and not self.finished:
            self.silence = 503, "unreachable"
            self._owner.loop.call_soon(self._timed_out)

    def cancel(self) -> None:
        """CANCEL an INVITE, not before its first provisional response (§9.1)."""
        if self.finished:
            return
        self._cancel_wanted = not self._provisional
        if self._provisional:
            ClientTransaction(self._owner, self.derived("CANCEL"), self.to, _cancel_done)
            # the final response comes soon or never
            self._timers.set("life", _LIFE * self._owner.t1, self._timed_out)

    def forget(self) -> None:
        self._timers.cancel()
        self._owner.clients.pop(self.key, None)
        self._on_response = _forgotten

    def receive(self, response: Message) -> None:
        if response.code < 200:
            self._receive_provisional(response)
        elif self._is_invite:
            self._receive_final_to_invite(response)
        else:
            self.finished = True
            on_response = self._on_response
            self.forget()
            on_response(response)

    def _receive_provisional(self, response: Message) -> None:
        if self.finished:
            return
        if self._is_invite:
            self._timers.cancel("repeat")
            if not self._provisional:  # how long it may ring is the dialog's to say
                self._timers.cancel("life")
            self._provisional = True
            if self._cancel_wanted:
                self.cancel()
        else:
            self._interval = _T2 * self._owner.t1
        self._on_response(response)

    def _receive_final_to_invite(self, response: Message) -> None:
        again, self.finished = self.finished, True
        if not again:
            self._timers.cancel()
            self._timers.set("life", _LIFE * self._owner.t1, self._timed_out)
        if response.code >= 300:
            if self._ack is None:
                self._ack = self._ack_to(response)
            self._owner.client.send(self._ack, self.to)
        if not again or response.code < 300:
            self._on_response(response)

    def _ack_to(self, response: Message) -> bytes:
        """The ACK to a refusal: in the INVITE's transaction, where the INVITE went (§17.1.1.3)."""
        return self.derived("ACK", response.value("To")).octets()

    def derived(self, method: str, to: str = "") -> Draft:
        """An ACK or CANCEL that belongs to this INVITE: same Request-URI, Via, tags and CSeq number."""
        draft = Draft("")
        draft.start = f"{method} {self.draft.uri} SIP/2.0"
        draft.headers = [(name, value) for name, value in self.draft.headers if name in ("Via", "From", "Call-ID")]
        draft.set("Max-Forwards", "70")
        draft.set("To", to or self.draft.value("To"))
        draft.set("CSeq", f"{self.draft.value('CSeq').split()[0]} {method}")
        return draft


def _forgotten(_: Message | None) -> None:
    """No response comes any more; who waited for one is let go (``ReportingDialog.forgotten``)."""


def _cancel_done(response: Message | None) -> None:
    if response is None:
        log.info("sip: nobody answered our CANCEL")


class ServerTransaction:
    """One request of the peer's, from its arrival until nobody can repeat it any more."""

    def __init__(self, owner: Transactions, request: Message) -> None:
        self.request = request
        self.final = 0
        self.acknowledged = False
        self._owner = owner
        self._last = b""
        self._timers = _Timers(owner.loop)
        self._interval = owner.t1
        self._on_unacknowledged: Callable[[], None] | None = None
        self.key = (request.branch, request.method)
        owner.servers[self.key] = self

    def respond(
        self,
        code: int,
        reason: str,
        tag: str = "",
        sdp: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        on_unacknowledged: Callable[[], None] | None = None,
    ) -> None:
        """Nothing after a final response. ``on_unacknowledged`` is called when no ACK came to it within 64*T1."""
        if self.final:
            return
        draft = self._owner.client.draft_response(self.request, code, reason, tag, sdp)
        for name, value in headers:
            draft.set(name, value)
        self._last = draft.octets()
        self._send()
        if code < 200:
            return
        self.final = code
        self._on_unacknowledged = on_unacknowledged
        self._timers.set("life", _LIFE * self._owner.t1, self._over)
        if self.request.method == "INVITE":
            self._timers.set("repeat", self._interval, self._repeat)

    def _send(self) -> None:
        self._owner.client.send(self._last, self.request.reply_address())

    def _repeat(self) -> None:
        self._send()
        self._interval = min(self._interval * 2, _T2 * self._owner.t1)
        self._timers.set("repeat", self._interval, self._repeat)

    def repeated(self) -> None:
        """The peer sent the request again."""
        if self._last:
            self._send()

    def acknowledge(self) -> None:
        self.acknowledged = True
        self._timers.cancel("repeat")

    def _over(self) -> None:
        unacknowledged, self._on_unacknowledged = self._on_unacknowledged, None
        self.forget()
        if self.request.method == "INVITE" and not self.acknowledged and unacknowledged is not None:
            unacknowledged()

    def forget(self) -> None:
        self._timers.cancel()
        self._owner.servers.pop(self.key, None)


class Transactions:
    """``t1`` in seconds (RFC 3261 §17.1.1.1)."""

    def __init__(self, client: Client, t1: float) -> None:
        self.client, self.t1 = client, t1
        self.loop = asyncio.get_running_loop()
        self.clients: dict[tuple[str, str], ClientTransaction] = {}
        self.servers: dict[tuple[str, str], ServerTransaction] = {}

    def receive_response(self, response: Message) -> None:
        transaction = self.clients.get((response.branch, response.cseq_method))
        if transaction is None or response.sent_by != transaction.sent_by:  # §18.1.2
            log.debug("sip: a response that nothing waits for: %d", response.code)
            return
        transaction.receive(response)

    def unreachable(self, method: str, via: str) -> None:
        """A request of ours came back undelivered."""
        branch = via.partition("branch=")[2].partition(";")[0]
        transaction = self.clients.get((branch, method))
        if transaction is not None:
            transaction.unreachable()

    def quiet(self) -> bool:
        """Whether no request of ours waits for a final response and no 200 of ours for its ACK."""
        return all(transaction.finished for transaction in self.clients.values()) and all(
            transaction.final >= 300 or transaction.acknowledged or transaction.request.method != "INVITE"
            for transaction in self.servers.values()
        )

    def close(self) -> None:
        for client in list(self.clients.values()):
            client.forget()
        for server in list(self.servers.values()):
            server.forget()


class Request:
    """A request of ours until its final response, sent again with credentials where they are asked for.

    ``build()`` makes it anew, with the next CSeq, and says where it goes. ``on_response`` gets None at a timeout.
    """

    def __init__(
        self,
        transactions: Transactions,
        build: Callable[[], tuple[Draft, Address]],
        on_response: Callable[[Message | None], None],
        credentials: Credentials | None,
    ) -> None:
        self.transaction: ClientTransaction | None = None
        #: no credentials any more: the request is being taken back
        self.cancelled = False
        self._transactions, self._build, self._on_response = transactions, build, on_response
        self._credentials = credentials
        self._answers: dict[str, tuple[Challenge, int]] = {}
        self._attempts = 0
        self._send()

    @property
    def silence(self) -> tuple[int, str]:
        """Status and reason that stand for no response: 408, or 503 where the network said so."""
        return self.transaction.silence if self.transaction is not None else (408, "no answer")

    def cancel(self) -> None:
        """Take an INVITE back; a challenge is not answered any more."""
        self.cancelled = True
        if self.transaction is not None:
            self.transaction.cancel()

    def _send(self) -> None:
        draft, to = self._build()
        for name, (challenge, count) in list(self._answers.items()):
            assert self._credentials is not None
            draft.set(name, self._credentials.answer(challenge, draft.method, draft.uri, encode(draft.body), count))
            self._answers[name] = (challenge, count + 1)
        self._attempts += 1
        self.transaction = ClientTransaction(self._transactions, draft, to, self._response)

    def _response(self, response: Message | None) -> None:
        if response is not None and response.code in _CHALLENGES and not self.cancelled and self._understood(response):
            self._send()
        else:
            self._on_response(response)

    def _understood(self, response: Message) -> bool:
        if self._credentials is None or self._attempts >= _MAX_ATTEMPTS:
            return False
        asked, answered = _CHALLENGES[response.code]
        for value in response.values(asked):
            try:
                challenge = Challenge.parse(value)
            except ChallengeError as error:
                log.info("sip: challenge passed over: %s", error)
                continue
            before = self._answers.get(answered)
            if before is not None and before[0].realm == challenge.realm and not challenge.stale:
                return False  # refused with credentials: the same again would be refused again
            self._answers[answered] = (challenge, 1)
            return True
        return False
