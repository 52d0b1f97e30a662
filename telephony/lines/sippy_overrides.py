"""What sippy 2.5.0 gets wrong in its transaction and message layer, mended in subclasses.

sippy's transactions (RFC 3261 §17), parser and header classes are used; its event loop, sockets, files of its own log
and its dialog state machines are not: timers and the socket are asyncio's, dialogs are ``sippy_dialog``.
Each override says why it is there.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import sippy.Network_server
import sippy.SipAddress
import sippy.SipConf
import sippy.SipMsg
import sippy.SipRequest
import sippy.SipTransactionManager as sippy_transactions
import sippy.SipURL
import sippy.SipVia
from sippy.Network_server import Remote_address
from sippy.SipConf import SipConf
from sippy.SipHeader import SipHeader
from sippy.SipRequest import SipRequest
from sippy.SipResponse import SipResponse
from sippy.SipTransactionManager import COMPLETED, RINGING, TERMINATED, TRYING, SipTMRetransmitO, SipTransactionManager
from sippy.SipURL import USERNAME_SAFE, SipURL
from sippy.Time.MonoTime import MonoTime

from telephony.lines.wire import decode, encode

log = logging.getLogger(__name__)

#: a number in a URI, of which logs show the first three and the last four digits
_NUMBER = re.compile(r"((?:sips?|tel):(?:\+|%2B)?\d{3})\d+(\d{4})", re.IGNORECASE)
#: a display name, which logs leave out
_NAME = re.compile(r"^((?:from|f|to|t|contact|m|p-asserted-identity)\s*:)[^<\r\n]+<", re.IGNORECASE | re.MULTILINE)

#: blanks in places that few senders put any into
_UNTIDY = ("\n ", "\t", " :", " ;", " =", " /", "; ", "= ", "/ ")
#: headers whose blanks mean nothing outside of quotes and angle brackets
_STRUCTURED = frozenset(("via", "v", "from", "f", "to", "t", "contact", "m", "record-route", "route"))
_BLANKS = re.compile(r'("(?:[^"\\]|\\.)*"|<[^<>]*>)|[ \t]*([;=/])[ \t]*')

T1 = 0.5
T2 = 4.0


def _quote(text: str, safe: str = "/") -> str:
    return quote(encode(text), safe)


class SipUri(SipURL):  # type: ignore[misc]
    """A SIP URI that is written as it was read.

    sippy's copies lose the scheme (``sips:`` became ``sip:``), and ``%23`` in a user part came back as a bare ``#``.
    """

    tel: str | None = None
    _raw_user: tuple[str, str] | None = None

    def parseSipURL(self, url: str, relaxedparser: bool) -> None:
        super().parseSipURL(url, relaxedparser)
        if self.username is not None:
            self._raw_user = (self.username, url.partition("@")[0].partition(":")[0].partition(";")[0])

    def convertTelURL(self, url: str, relaxedparser: bool) -> None:
        # sippy rewrites tel: to sip:number@own-address, so that From and To came back altered
        super().convertTelURL(url.partition(";")[0], relaxedparser)
        self.tel = url

    def localStr(self, local_addr: Any = None) -> str:
        if self.tel is not None:
            return f"tel:{self.tel}"
        text = str(super().localStr(local_addr))
        if self._raw_user is not None and self._raw_user[0] == self.username:
            written = f"{self.scheme}:{_quote(self.username, USERNAME_SAFE)}"
            text = f"{self.scheme}:{self._raw_user[1]}{text[len(written) :]}"
        return text

    def getCopy(self) -> SipUri:
        twin = copy.copy(self)
        twin.other = list(self.other)
        twin.userparams = list(self.userparams)
        return twin


def _loop_timer(callback: Callable[..., None], delay: float, _ticks: int = 1, *arguments: Any) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay, callback, *arguments)


def _attributes(thing: object) -> tuple[str, ...]:
    return ("my",) if hasattr(thing, "my") else ()


def _quiet_print(*parts: Any, **_: Any) -> None:
    log.debug("sippy: %s", " ".join(str(part) for part in parts))


def _log_exception(message: str, *_: Any, **__: Any) -> None:
    log.debug("sippy: %s", message, exc_info=True)


def install() -> None:
    """Put the overrides that sippy has no seam for in place. May be called again."""
    # timers on the loop that runs us: sippy's own dispatcher polls at 100 Hz and needs a thread
    sippy_transactions.Timeout = _loop_timer
    # sippy prints whole messages, callers' numbers included, to stdout
    for module in (sippy_transactions, sippy.SipMsg, sippy.SipRequest, sippy.SipURL, sippy.Network_server):
        module.print = _quiet_print
    sippy_transactions.dump_exception = _log_exception
    sippy.Network_server.dump_exception = _log_exception
    # sippy asks `"my" in dir(x)` 40 times a call, which costs a fifth of the call's CPU time
    for module in (sippy.SipURL, sippy.SipVia, sippy.SipConf):
        module.dir = _attributes
    # sippy's raises for a name whose bytes are no UTF-8, and takes the message down with it
    sippy.SipURL.quote = _quote
    # tel: URIs are refused by default although gateways put them into P-Asserted-Identity
    SipConf.autoconvert_tel_url = True
    sippy.SipAddress.SipURL = SipUri
    sippy.SipRequest.SipURL = SipUri


class _OneSocket:
    """Stands in for sippy's ``local4remote``, which opens a socket for each local address."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def getServer(self, *_: Any, **__: Any) -> Any:
        return self.server

    def rotateCache(self) -> None:
        pass

    def shutdown(self) -> None:
        pass


class _DebugLog:
    """Stands in for sippy's file logger: messages go to ``logging`` at debug, and only when somebody listens."""

    def write(self, *parts: Any, **_: Any) -> None:
        if log.isEnabledFor(logging.DEBUG):
            text = "".join(str(part) for part in parts)
            log.debug("%s", _NUMBER.sub(r"\1****\2", _NAME.sub(r"\1 <", text)))


class Transactions(SipTransactionManager):  # type: ignore[misc]
    """sippy's transaction layer with RFC 3261's timers and addressing.

    ``on_request(request, transaction)`` returns ``(response, cancelled, unacknowledged)`` or None, as sippy's own
    callback. ``t1`` is the round trip estimate in seconds that all timers are multiples of.
    """

    def __init__(self, server: Any, on_request: Callable[[Any, Any], Any], t1: float = T1) -> None:
        self.global_config = {"_sip_logger": _DebugLog()}
        self.l4r = _OneSocket(server)
        self.req_cb: Callable[[Any, Any], Any] | None = on_request
        self.tclient: dict[tuple[Any, ...], Any] = {}
        self.tserver: dict[tuple[Any, ...], Any] = {}
        self.l1rcache: dict[bytes, Any] = {}
        self.l2rcache: dict[bytes, Any] = {}
        self.req_consumers: dict[str, Any] = {}
        self.t1 = t1
        self.t2 = min(T2, 8 * t1)
        #: a provisional response is repeated each minute, so that proxies keep the call (RFC 3261 §13.3.1.1)
        self.provisional_retr = 60
        #: server INVITE transactions with a final response, by their first id (RFC 6026)
        self.finished: dict[tuple[Any, ...], Any] = {}
        self.cp_timer = _loop_timer(self._purge, 32.0)

    @property
    def patience(self) -> float:
        """64*T1: how long a transaction waits (timers B, F, H)."""
        return 64 * self.t1

    def _purge(self) -> None:
        self.rCachePurge()
        self.cp_timer = _loop_timer(self._purge, max(32.0, self.patience))

    def receive_request(self, request: Any, checksum: bytes, source: tuple[str, int], server: Any) -> None:
        via = request.getHFBody("via")
        if via.getAddr()[0] != source[0]:
            via.params["received"] = source[0]
        if "rport" in via.params:
            via.params["rport"] = str(source[1])
            via.params["received"] = source[0]  # RFC 3581 §4: with rport always
        request.rtime = MonoTime()
        request.setSource(Remote_address(source, "udp"))
        # no ids: sippy refuses as a loop what one line of ours calls on another line of ours by way of a proxy
        self.incomingRequest(request, checksum, (), server)

    def receive_response(self, response: Any, checksum: bytes, source: tuple[str, int]) -> None:
        response.rtime = MonoTime()
        response.setSource(Remote_address(source, "udp"))
        transaction = self.tclient.get(response.getTId(True, True))
        if transaction is None:  # not remembered, as sippy does: anybody can send responses
            return
        ours, echoed = transaction.request.getHFBody("via"), response.getHFBody("via")
        if (ours.hostname, ours.port) != (echoed.hostname, echoed.port):  # RFC 3261 §18.1.2
            return
        self.incomingResponse(response, transaction, checksum)

    def repeat(self, checksum: bytes) -> bool:
        """Whether this very datagram was handled before; what was sent for it is sent again."""
        known = self.l1rcache.get(checksum) or self.l2rcache.get(checksum)
        if known is None:
            return False
        if known.data is not None:
            self.transmitData(known.userv, known.data, known.address)
        return True

    # client transactions

    def newTransaction(self, msg: Any, resp_cb: Any = None, **options: Any) -> Any:
        transaction = super().newTransaction(msg, resp_cb=resp_cb, **options)
        transaction.request = msg
        transaction.make_ack = None
        transaction.forked = None
        transaction.acks = {}
        transaction.teA.cancel()
        transaction.teB.cancel()
        transaction.tout = self.t1
        transaction.teA = _loop_timer(self.timerA, self.t1, 1, transaction)
        transaction.teB = _loop_timer(self.timerB, self.patience, 1, transaction)
        return transaction

    def cancelTransaction(self, t: Any, extra_headers: Any = None) -> None:
        super().cancelTransaction(t, extra_headers)
        if t.state is RINGING:  # RFC 3261 §9.1: a peer that never ends the INVITE is waited for 64*T1 only
            if t.teB is not None:
                t.teB.cancel()
            t.teB = _loop_timer(self.timerB, self.patience, 1, t)
            t.expires = self.patience

    def timerA(self, t: Any) -> None:
        # sippy doubles without end; RFC 3261 §17.1.2.2 and §17.2.1 stop at T2 except for a client's INVITE
        self.transmitData(t.userv, t.data, t.address)
        client_invite = hasattr(t, "cancelPending") and t.method == "INVITE"
        t.tout = t.tout * 2 if client_invite else min(t.tout * 2, self.t2)
        t.teA = _loop_timer(self.timerA, t.tout, 1, t)

    def timerB(self, t: Any) -> None:
        t.teB = None
        if t.teA is not None:
            t.teA.cancel()
            t.teA = None
        t.state = TERMINATED
        self.tclient.pop(t.tid, None)
        callback, answer = t.resp_cb, getattr(t, "r408", None)
        if callback is not None and answer is not None:
            answer.rtime = MonoTime()
            answer.local = True
            callback(answer, t)
        t.cleanup()

    def unreachable(self, method: str, via: str) -> None:
        """A request of ours did not arrive: the same as a 503 (RFC 3261 §8.1.3.1, §18.4)."""
        for t in list(self.tclient.values()):
            if t.method == method and t.state is TRYING and f"branch={t.tid[-1]}" in via:
                t.r408 = t.request.genResponse(503, "Unreachable")
                if t.teB is not None:
                    t.teB.cancel()
                self.timerB(t)

    def incomingResponse(self, msg: Any, t: Any, checksum: bytes) -> None:
        # replaces sippy's: the ACK to a refusal went to the Contact, the ACK to a 2xx ignored the dialog's route set,
        # a second 2xx of another branch (fork) was never acknowledged
        code = msg.getSCode()[0]
        if t.state is COMPLETED:
            self._another_final(msg, t, code)
            return
        if t.state not in (TRYING, RINGING):
            return
        if t.teA is not None and (code >= 200 or t.method == "INVITE"):
            t.teA.cancel()
            t.teA = None
        if code < 200:
            self._provisional(msg, t)
            self.l1rcache[checksum] = SipTMRetransmitO()
            if t.resp_cb is not None:
                t.resp_cb(msg, t)
            return
        if t.teB is not None:
            t.teB.cancel()
            t.teB = None
        t.state = COMPLETED
        t.teC = _loop_timer(self.timerC, self.patience, 1, t)
        if t.method != "INVITE":
            self.l1rcache[checksum] = SipTMRetransmitO()
        elif code >= 300:
            self._acknowledge(t, self._ack_of_refusal(msg, t), t.address, checksum)
        if t.resp_cb is not None:
            t.resp_cb(msg, t)
        if t.method == "INVITE" and code < 300 and t.make_ack is not None:
            ack = t.make_ack(msg)
            t.acks[msg.getHFBody("to").getTag()] = ack
            self._acknowledge(t, ack, ack.getTarget()[0], checksum)

    def _provisional(self, msg: Any, t: Any) -> None:
        if t.state is TRYING:
            t.state = RINGING
            if t.cancelPending:
                t.cancelPending = False
                self.cancelTransaction(t)
        if t.method == "INVITE" and t.expires != self.patience:
            # who dials decides how long it may ring (sippy gave up after 300 s without a CANCEL)
            if t.teB is not None:
                t.teB.cancel()
                t.teB = None
        elif t.method != "INVITE" and t.teA is not None:
            t.tout = self.t2  # RFC 3261 §17.1.2.2: Proceeding retransmits each T2

    def _another_final(self, msg: Any, t: Any, code: int) -> None:
        if t.method != "INVITE":
            return
        tag = msg.getHFBody("to").getTag()
        if code >= 300:
            self.transmitReq(t, self._ack_of_refusal(msg, t), t.address, None)
        elif tag in t.acks:
            self.transmitReq(t, t.acks[tag], t.acks[tag].getTarget()[0], None)
        elif t.forked is not None:
            t.forked(msg, t)

    def _ack_of_refusal(self, msg: Any, t: Any) -> Any:
        """RFC 3261 §17.1.1.3: same Request-URI, branch, Route and next hop as the INVITE, the response's To."""
        ack = t.request.genACK(to=msg.getHFBody("to").getCopy())
        routes = t.request.getHFBCopys("route")
        ack.delHFs("route")
        ack.appendHeaders([SipHeader(name="route", body=route) for route in routes])
        return ack

    def _acknowledge(self, t: Any, ack: Any, address: tuple[str, int], checksum: bytes) -> None:
        self.transmitReq(t, ack, address, checksum)

    def timerC(self, t: Any) -> None:
        t.teC = None
        self.tclient.pop(t.tid, None)  # sippy: KeyError when the transaction went another way
        t.cleanup()

    # server transactions

    def incomingRequest(self, msg: Any, checksum: bytes, tids: Any, server: Any) -> None:
        method = msg.getMethod()
        if method in ("INVITE", "CANCEL"):
            done = self.finished.get(msg.getTId(wBRN=True))
            if done is not None:
                # sippy: 481 to a CANCEL that crosses the 200, a new call for a repeated INVITE that was answered
                if method == "CANCEL":
                    self._answer_cancel(msg, done.to_tag, server, checksum)
                elif done.tid is not None and done.state is COMPLETED:
                    self.transmitData(done.userv, done.data, done.address)
                return
            if method == "CANCEL":
                t = self.tserver.get(msg.getTId(wBRN=True))
                if t is not None and t.method == "INVITE":
                    self._answer_cancel(msg, t.to_tag, t.userv, checksum)
                    if t.state in (TRYING, RINGING):
                        self.doCancel(t, msg.rtime, msg)
                    return
        super().incomingRequest(msg, checksum, tids, server)

    def _answer_cancel(self, msg: Any, to_tag: str, server: Any, checksum: bytes) -> None:
        # RFC 3261 §9.2: the To tag of the INVITE's responses; sippy sent none
        response = msg.genResponse(200, "OK")
        response.getHFBody("to").setTag(to_tag)
        self.transmitMsg(server, response, response.getHFBody("via").getTAddr(), checksum)

    def adopt(self, t: Any, invite: Any, to_tag: str) -> None:
        """Tell a new INVITE server transaction its To tag, and let it live as long as the caller waits."""
        t.to_tag = to_tag
        # sippy's 487 to a CANCEL carried a To tag of its own
        t.r487.getHFBody("to").setTag(to_tag)
        if invite.countHFs("expires") == 0 and t.teE is not None:
            # sippy ended each INVITE after 300 s; without an Expires header the caller decides (RFC 3261 §13.3.1)
            t.teE.cancel()
            t.teE = None

    def sendResponse(
        self, resp: Any, t: Any = None, retrans: bool = False, ack_cb: Any = None, lossemul: int = 0
    ) -> None:
        first_id = t.tid if t is not None else resp.getTId(wBRN=True)
        if t is None:
            t = self.tserver[first_id]
        invite = t.method == "INVITE"
        super().sendResponse(resp, t, retrans, ack_cb, lossemul)
        if invite and resp.getSCode()[0] >= 200:
            t.to_tag = resp.getHFBody("to").getTag()
            t.accepted = resp.getSCode()[0] < 300
            t.teA.cancel()
            t.teD.cancel()
            t.tout = self.t1
            t.teA = _loop_timer(self.timerA, self.t1, 1, t)
            t.teD = _loop_timer(self.timerD, self.patience, 1, t)
            self.finished[first_id] = t
            t.forget = _loop_timer(self.finished.pop, self.patience, 1, first_id, None)

    def unacknowledged(self) -> bool:
        """Whether a 200 of ours to an INVITE waits for its ACK."""
        return any(t.teD is not None and t.accepted for t in self.tserver.values())

    def timerD(self, t: Any) -> None:
        t.teD = None
        if t.teA is not None:
            t.teA.cancel()
            t.teA = None
        self.tserver.pop(t.tid, None)
        unacknowledged = t.noack_cb
        t.cleanup()
        if unacknowledged is not None:
            unacknowledged()

    def transmitMsg(self, userv: Any, msg: Any, address: Any, cachesum: Any, compact: bool = False) -> None:
        if isinstance(msg, SipResponse) and msg.getSCode()[0] > 100 and msg.getHFBody("to").getTag() is None:
            msg.getHFBody("to").genTag()  # RFC 3261 §8.2.6.2; sippy's 481 and 482 had none
        super().transmitMsg(userv, msg, address, cachesum, compact)

    def shutdown(self) -> None:
        # sippy left every timer running
        self.cp_timer.cancel()
        for t in [*self.tclient.values(), *self.tserver.values(), *self.finished.values()]:
            for name in ("teA", "teB", "teC", "teD", "teE", "teF", "teG", "forget"):
                timer = getattr(t, name, None)
                if timer is not None:
                    timer.cancel()
        for table in (self.tclient, self.tserver, self.finished, self.l1rcache, self.l2rcache):
            table.clear()
        self.req_cb = None


def _tidied(head: str) -> str:
    """Headers on one line each, without blanks that sippy takes for a part of names and values (RFC 3261 §7.3.1)."""
    start, *lines = re.sub(r"\r?\n[ \t]+", " ", head).split("\n")
    for index, line in enumerate(lines):
        name, colon, value = line.partition(":")
        if name.strip().lower() in _STRUCTURED:
            value = _BLANKS.sub(lambda found: found[1] or found[2], value.strip())
        lines[index] = f"{name.strip()}{colon} {value.strip()}\r" if colon else line
    return "\n".join([start, *lines])


def parse(datagram: bytes) -> SipRequest | SipResponse:
    """A message of sippy from the wire. Raises whatever sippy's parser raises for what is no SIP."""
    text = decode(datagram)
    head, separator, body = text.partition("\r\n\r\n")
    if any(blank in head for blank in _UNTIDY):
        head = _tidied(head)
        text = f"{head}{separator}{body}"
    message = SipResponse(text) if text.startswith("SIP/2.0 ") else SipRequest(text)
    names = head.lower()
    if names.count("\ncontent-length:") + names.count("\nl:") > 1:
        raise ValueError("several Content-Lengths")
    length = getattr(message, "_SipMsg__content_length", None)
    if length is not None and length.getBody().number < 0:  # sippy cuts that many octets off the end
        raise ValueError("negative Content-Length")
    return message
