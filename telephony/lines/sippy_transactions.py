"""sippy's transactions (RFC 3261 §17) with RFC 3261's timers and addressing, on the loop's timers and our socket.

Each override says why it is there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Hashable
from typing import Any

from sippy.Network_server import Remote_address
from sippy.SipHeader import SipHeader
from sippy.SipResponse import SipResponse
from sippy.SipTransactionManager import (
    COMPLETED,
    CONFIRMED,
    RINGING,
    TERMINATED,
    TRYING,
    SipTMRetransmitO,
    SipTransaction,
    SipTransactionManager,
)
from sippy.Time.MonoTime import MonoTime

from telephony.lines.sippy_message import Request
from telephony.lines.sippy_overrides import loop_timer

log = logging.getLogger(__name__)

#: a number in a URI, of which logs show the first three and the last four digits
_NUMBER = re.compile(r"((?:sips?|tel):(?:\+|%2B)?\d{3})\d+(\d{4})", re.IGNORECASE)
#: a display name, which logs leave out
_NAME = re.compile(r"^((?:from|f|to|t|contact|m|p-asserted-identity)\s*:)[^<\r\n]+<", re.IGNORECASE | re.MULTILINE)

T1 = 0.5
T2 = 4.0
#: seconds in which an INVITE expires whose Expires says nothing sensible, as sippy has it
_LONGEST = 300.0


def _stop(t: Any, *timers: str) -> None:
    """Cancel timers of a transaction, whether they run or not."""
    for name in timers:
        timer = getattr(t, name, None)
        if timer is not None:
            timer.cancel()
            setattr(t, name, None)


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


class ServerTransaction(SipTransaction):  # type: ignore[misc]
    """A request of a peer until it is answered, an INVITE until the answer is acknowledged."""

    request: Any
    teA: Any
    teD: Any
    teE: Any
    teF: Any
    forget: Any

    def __init__(self, request: Request, tid: tuple[Any, ...], checksum: Hashable, server: Any) -> None:
        self.request, self.method = request, request.getMethod()
        self.tid, self.checksum, self.userv = tid, checksum, server
        self.rtime = request.rtime
        self.state = TRYING
        self.teA = self.teD = self.teE = self.teF = self.teG = self.forget = None
        self.ack_cb = self.cancel_cb = self.noack_cb = None
        self.to_tag = ""
        self.accepted = False

    def cleanup(self) -> None:
        super().cleanup()
        self.request = None


class Transactions(SipTransactionManager):  # type: ignore[misc]
    """sippy's transaction layer with RFC 3261's timers and addressing.

    ``on_request(request, transaction)`` returns ``(response, cancelled, unacknowledged)`` or None, as sippy's own
    callback. ``t1`` is the round trip estimate in seconds that all timers are multiples of.
    """

    def __init__(self, server: Any, on_request: Callable[[Any, Any], Any], t1: float = T1) -> None:
        self.l4r = _OneSocket(server)
        self.req_cb: Callable[[Any, Any], Any] | None = on_request
        self.tclient: dict[tuple[Any, ...], Any] = {}
        self.tserver: dict[tuple[Any, ...], Any] = {}
        self.l1rcache: dict[Hashable, Any] = {}
        self.l2rcache: dict[Hashable, Any] = {}
        self.req_consumers: dict[str, Any] = {}
        self.t1 = t1
        self.t2 = min(T2, 8 * t1)
        #: a provisional response is repeated each minute, so that proxies keep the call (RFC 3261 §13.3.1.1)
        self.provisional_retr = 60
        #: server INVITE transactions with a final response, by their first id (RFC 6026)
        self.finished: dict[tuple[Any, ...], Any] = {}
        self.cp_timer = loop_timer(self._purge, 32.0)

    @property
    def patience(self) -> float:
        """64*T1: how long a transaction waits (timers B, F, H)."""
        return 64 * self.t1

    def _purge(self) -> None:
        self.rCachePurge()
        self.cp_timer = loop_timer(self._purge, max(32.0, self.patience))

    def receive_request(self, request: Any, checksum: Hashable, source: tuple[str, int], server: Any) -> None:
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

    def receive_response(self, response: Any, checksum: Hashable, source: tuple[str, int]) -> None:
        response.rtime = MonoTime()
        response.setSource(Remote_address(source, "udp"))
        transaction = self.tclient.get(response.getTId(True, True))
        if transaction is None:  # not remembered, as sippy does: anybody can send responses
            return
        ours, echoed = transaction.request.getHFBody("via"), response.getHFBody("via")
        if (ours.hostname, ours.port) != (echoed.hostname, echoed.port):  # RFC 3261 §18.1.2
            return
        self.incomingResponse(response, transaction, checksum)

    def repeat(self, checksum: Hashable) -> bool:
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
        _stop(transaction, "teA", "teB")
        transaction.tout = self.t1
        transaction.teA = loop_timer(self.timerA, self.t1, 1, transaction)
        transaction.teB = loop_timer(self.timerB, self.patience, 1, transaction)
        return transaction

    def cancelTransaction(self, t: Any, extra_headers: Any = None) -> None:
        super().cancelTransaction(t, extra_headers)
        if t.state is RINGING:  # RFC 3261 §9.1: a peer that never ends the INVITE is waited for 64*T1 only
            _stop(t, "teB")
            t.teB = loop_timer(self.timerB, self.patience, 1, t)
            t.expires = self.patience

    def timerA(self, t: Any) -> None:
        # sippy doubles without end; RFC 3261 §17.1.2.2 and §17.2.1 stop at T2 except for a client's INVITE
        self.transmitData(t.userv, t.data, t.address)
        client_invite = hasattr(t, "cancelPending") and t.method == "INVITE"
        t.tout = t.tout * 2 if client_invite else min(t.tout * 2, self.t2)
        t.teA = loop_timer(self.timerA, t.tout, 1, t)

    def timerB(self, t: Any) -> None:
        _stop(t, "teA", "teB")
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
                self.timerB(t)

    def incomingResponse(self, msg: Any, t: Any, checksum: Hashable) -> None:
        # replaces sippy's: the ACK to a refusal went to the Contact, the ACK to a 2xx ignored the dialog's route set,
        # a second 2xx of another branch (fork) was never acknowledged
        code = msg.getSCode()[0]
        if t.state is COMPLETED:
            self._another_final(msg, t, code)
            return
        if t.state not in (TRYING, RINGING):
            return
        if code >= 200 or t.method == "INVITE":
            _stop(t, "teA")
        if code < 200:
            self._provisional(msg, t)
            self.l1rcache[checksum] = SipTMRetransmitO()
            if t.resp_cb is not None:
                t.resp_cb(msg, t)
            return
        _stop(t, "teB")
        t.state = COMPLETED
        t.teC = loop_timer(self.timerC, self.patience, 1, t)
        if t.method != "INVITE":
            self.l1rcache[checksum] = SipTMRetransmitO()
        elif code >= 300:
            self.transmitReq(t, self._ack_of_refusal(msg, t), t.address, checksum)
        if t.resp_cb is not None:
            t.resp_cb(msg, t)
        if t.method == "INVITE" and code < 300 and t.make_ack is not None:
            ack = t.make_ack(msg)
            t.acks[msg.getHFBody("to").getTag()] = ack
            self.transmitReq(t, ack, ack.getTarget()[0], checksum)

    def _provisional(self, msg: Any, t: Any) -> None:
        if t.state is TRYING:
            t.state = RINGING
            if t.cancelPending:
                t.cancelPending = False
                self.cancelTransaction(t)
        if t.method == "INVITE" and t.expires != self.patience:
            # who dials decides how long it may ring (sippy gave up after 300 s without a CANCEL)
            _stop(t, "teB")
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

    def timerC(self, t: Any) -> None:
        t.teC = None
        self.tclient.pop(t.tid, None)  # sippy: KeyError when the transaction went another way
        t.cleanup()

    # server transactions

    def incomingRequest(self, msg: Any, checksum: Hashable, tids: Any, server: Any) -> None:
        # replaces sippy's: 481 to a CANCEL that crosses the 200, a new call for a repeated INVITE that was answered,
        # an end after 300 s to each INVITE (without an Expires header the caller decides, RFC 3261 §13.3.1)
        method = msg.getMethod()
        tid = msg.getTId(wTTG=True) if method == "ACK" else msg.getTId(wBRN=True)
        t = self.tserver.get(tid)
        done = self.finished.get(tid) if method in ("INVITE", "CANCEL") else None
        if done is not None:
            if method == "CANCEL":
                self._answer_cancel(msg, done.to_tag, server, checksum)
            elif done.tid is not None and done.state is COMPLETED:
                self.transmitData(done.userv, done.data, done.address)
        elif method == "ACK":
            if t is None:
                self.l1rcache[checksum] = SipTMRetransmitO()
            elif t.state is COMPLETED:
                self._acknowledged(msg, t, checksum)
        elif method == "CANCEL":
            if t is None:
                response = msg.genResponse(481, "Call Leg/Transaction Does Not Exist")
                self.transmitMsg(server, response, response.getHFBody("via").getTAddr(), checksum)
            else:
                self._answer_cancel(msg, t.to_tag, t.userv, checksum)
                if t.method == "INVITE" and t.state in (TRYING, RINGING):
                    self.doCancel(t, msg.rtime, msg)
        elif t is None:
            self._begin(ServerTransaction(msg, tid, checksum, server))
        elif t.method == method and t.data is not None:
            self.transmitData(t.userv, t.data, t.address, checksum)

    def _begin(self, t: ServerTransaction) -> None:
        if t.method == "INVITE" and t.request.countHFs("expires"):
            seconds = t.request.getHFBody("expires").getNum()
            t.teE = loop_timer(self.timerE, seconds if seconds > 0 else _LONGEST, 1, t)
        self.tserver[t.tid] = t
        taken = self.req_cb(t.request, t) if self.req_cb is not None else None
        if taken is None:
            self.tserver.pop(t.tid, None)
            t.cleanup()
            return
        response, t.cancel_cb, t.noack_cb = taken
        if response is not None:
            self.sendResponse(response, t)

    def _acknowledged(self, ack: Any, t: ServerTransaction, checksum: Hashable) -> None:
        t.state = CONFIRMED
        _stop(t, "teA", "teD")
        del self.tserver[t.tid]
        if t.ack_cb is not None:
            t.ack_cb(ack)
        t.cleanup()
        self.l1rcache[checksum] = SipTMRetransmitO()

    def _answer_cancel(self, msg: Any, to_tag: str, server: Any, checksum: Hashable) -> None:
        # RFC 3261 §9.2: the To tag of the INVITE's responses; sippy sent none
        response = msg.genResponse(200, "OK")
        if to_tag:
            response.getHFBody("to").setTag(to_tag)
        self.transmitMsg(server, response, response.getHFBody("via").getTAddr(), checksum)

    def adopt(self, t: ServerTransaction, to_tag: str) -> None:
        """Tell a new INVITE server transaction its To tag, which the 487 to a CANCEL will have, too."""
        t.to_tag = to_tag

    def doCancel(self, t: ServerTransaction, rtime: Any = None, req: Any = None) -> None:
        # sippy's 487 was made for each INVITE, and carried a To tag of its own
        response = t.request.genResponse(487, "Request Terminated" if req is not None else "Request Expired")
        if t.to_tag:
            response.getHFBody("to").setTag(t.to_tag)
        cancelled = t.cancel_cb
        self.sendResponse(response, t)
        if cancelled is not None:
            cancelled(rtime or MonoTime(), req)

    def sendResponse(self, resp: Any, t: Any, retrans: bool = False, ack_cb: Any = None, lossemul: int = 0) -> None:
        # replaces sippy's, whose timers are not T1's multiples, and whose INVITE cannot be found any more once answered
        code, to = resp.getSCode()[0], resp.getHFBody("to")
        if code > 100 and to.getTag() is None:
            to.genTag()
        t.data = resp.localStr(t.userv.getSIPaddr())
        t.address = resp.getHFBody("via").getTAddr()
        self.transmitData(t.userv, t.data, t.address, t.checksum)
        if code > 100:
            _stop(t, "teF")
        if code < 200:
            t.state = RINGING
            if code > 100:
                t.teF = loop_timer(self.timerF, self.provisional_retr, 1, t)
            return
        t.state = COMPLETED
        _stop(t, "teE")
        first_id = t.tid
        del self.tserver[first_id]
        if t.method != "INVITE":
            t.cleanup()
            return
        t.ack_cb, t.to_tag, t.accepted = ack_cb, to.getTag(), code < 300
        # the ACK may have another branch, and is known by the To tag
        t.tid = (*first_id[:-1], t.to_tag)
        self.tserver[t.tid] = t
        t.tout = self.t1
        t.teA = loop_timer(self.timerA, self.t1, 1, t)
        t.teD = loop_timer(self.timerD, self.patience, 1, t)
        self.finished[first_id] = t
        t.forget = loop_timer(self.finished.pop, self.patience, 1, first_id, None)

    def timerE(self, t: ServerTransaction) -> None:
        t.teE = None
        if t.state in (TRYING, RINGING):
            self.doCancel(t)

    def unacknowledged(self) -> bool:
        """Whether a 200 of ours to an INVITE waits for its ACK."""
        return any(t.teD is not None and t.accepted for t in self.tserver.values())

    def timerD(self, t: Any) -> None:
        _stop(t, "teA", "teD")
        self.tserver.pop(t.tid, None)
        unacknowledged = t.noack_cb
        t.cleanup()
        if unacknowledged is not None:
            unacknowledged()

    def transmitMsg(self, userv: Any, msg: Any, address: Any, cachesum: Any, compact: bool = False) -> None:
        if isinstance(msg, SipResponse) and msg.getSCode()[0] > 100 and msg.getHFBody("to").getTag() is None:
            msg.getHFBody("to").genTag()  # RFC 3261 §8.2.6.2; sippy's 481 and 482 had none
        super().transmitMsg(userv, msg, address, cachesum, compact)

    def transmitData(
        self, userv: Any, data: str, address: tuple[str, int], cachesum: Hashable | None = None, lossemul: int = 0
    ) -> None:
        # sippy words a line for its log each time; here messages go to ``logging``, and only when somebody listens
        userv.send_to(data, address)
        if log.isEnabledFor(logging.DEBUG):
            shown = _NUMBER.sub(r"\1****\2", _NAME.sub(r"\1 <", data))
            log.debug("message to %s:\n%s", userv.addr2str(address), shown)
        if cachesum is not None:
            self.l1rcache[cachesum] = SipTMRetransmitO(userv, data, address)

    def shutdown(self) -> None:
        # sippy left every timer running
        self.cp_timer.cancel()
        for t in [*self.tclient.values(), *self.tserver.values(), *self.finished.values()]:
            _stop(t, "teA", "teB", "teC", "teD", "teE", "teF", "teG", "forget")
        for table in (self.tclient, self.tserver, self.finished, self.l1rcache, self.l2rcache):
            table.clear()
        self.req_cb = None
