"""Registration of one line (RFC 3261 §10): kept up for ever, taken back at the end."""

from __future__ import annotations

import asyncio
import logging
import random
from secrets import token_hex
from typing import Any

from sippy.SipAddress import SipAddress
from sippy.SipCallId import SipCallId
from sippy.SipContact import SipContact
from sippy.SipFrom import SipFrom
from sippy.SipRequest import SipRequest
from sippy.SipTo import SipTo
from sippy.SipVia import SipVia

from telephony.lines.sippy_line import SippyLine
from telephony.lines.sippy_overrides import SipUri
from telephony.lines.sippy_request import PRODUCT, ClientRequest, header, header_text, is_local
from telephony.lines.wire import from_wire, to_wire

log = logging.getLogger(__name__)

FIRST_RETRY = 2.0
LAST_RETRY = 60.0
#: part of the granted time after which the binding is refreshed
REFRESH_AT = 0.8
_MAX_EXPIRES = 86_400


class Registration:
    """Runs from ``start`` to ``withdraw``. ``retry`` is the first and the longest wait after a failure, in seconds."""

    def __init__(self, line: SippyLine, retry: tuple[float, float] = (FIRST_RETRY, LAST_RETRY)) -> None:
        self._line = line
        self._stack = line.stack
        self._first_retry, self._last_retry = retry
        settings = line.settings
        self._domain = settings.domain or (line.proxy.host if line.proxy else "")
        self._user = settings.username
        self._expires = settings.expires
        self._call_id = f"{token_hex(12)}@{line.contact_host()}"
        self._tag = token_hex(8)
        self._cseq = random.randint(1, 1 << 16)
        self._request: ClientRequest | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._bound = False

    def start(self) -> None:
        self._stack.peers.set_user(self._line.name, self._user)
        self._task = self._stack.loop.create_task(self._keep())

    async def _keep(self) -> None:
        wait = self._first_retry
        self._line.set_status("registering")
        while True:
            if not await self._line.resolve() and not self._line.addresses:
                self._line.set_status("down", f"cannot resolve {self._line.settings.proxy}")
                code, granted, told = 503, 0, 0.0
            else:
                code, granted, told = await self._register(self._expires)
            if 200 <= code < 300:
                wait = self._first_retry
                pause = max(1.0, granted * REFRESH_AT)
            elif code == 423 and granted > self._expires:
                self._expires = granted  # Interval Too Brief: the registrar names what it takes (§10.2.8)
                continue
            else:
                pause = max(wait * random.uniform(0.8, 1.2), told)
                wait = min(wait * 2, self._last_retry)
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    async def _register(self, expires: int) -> tuple[int, int, float]:
        """One REGISTER to its end: status, granted (or smallest allowed) seconds, seconds of Retry-After."""
        done: asyncio.Future[Any] = self._stack.loop.create_future()

        def answered(response: Any, _transaction: Any) -> None:
            if response.getSCode()[0] >= 200 and not done.done():
                done.set_result(response)

        self._request = ClientRequest(
            self._stack.transactions, lambda: self._build(expires), answered, self._line.credentials
        )
        self._request.send()
        response = await done
        code, reason = response.getSCode()
        if 200 <= code < 300:
            self._bound = expires > 0
            if expires > 0:
                self._line.set_status("up")
            return code, self._granted(response, expires), 0.0
        if code == 423:
            return code, _number(header_text(response, "min-expires")), 0.0
        detail = f"{code} {from_wire(reason)}"
        if is_local(response):
            detail = "the registrar is unreachable" if code == 503 else "no answer from the registrar"
        self._line.set_status("down" if code in (408, 503) else "failed", detail)
        return code, 0, float(_number(header_text(response, "retry-after").partition(";")[0].partition("(")[0]))

    def _build(self, expires: int) -> SipRequest:
        self._cseq += 1
        line = self._line
        via = SipVia()
        via.hostname, via.port, via.transport = line.contact_host(), self._stack.port, "UDP"
        via.genBranch()
        own = SipAddress(url=SipUri(username=to_wire(self._user), host=self._domain))
        fr0m = SipFrom(address=own.getCopy())
        fr0m.setTag(self._tag)
        request = SipRequest(
            method="REGISTER",
            ruri=SipUri(host=self._domain),
            to=SipTo(address=own),
            fr0m=fr0m,
            via=via,
            cseq=self._cseq,
            callid=SipCallId(self._call_id),
            contact=SipContact(address=SipAddress(url=line.contact_uri())),
            target=(line.next_hop(), "udp"),
            user_agent=PRODUCT,
        )
        request.appendHeader(header("Expires", str(expires)))
        return request

    def _granted(self, response: Any, asked: int) -> int:
        """Seconds that the registrar keeps our binding: our Contact's own figure, else Expires, else as asked."""
        host, port = self._line.contact_host(), self._stack.port
        granted = _number(header_text(response, "expires")) or asked
        for item in response.getHFs("contact"):
            address = item.getBody()
            if address.asterisk:
                continue
            url = address.getUrl()
            if url.username == self._user and url.host == host and url.getPort() == port:
                granted = _number(address.getUri().getParam("expires") or "") or granted
        return max(1, min(granted, _MAX_EXPIRES))

    async def withdraw(self, patience: float) -> None:
        """Stop, and take the binding back; waits ``patience`` seconds for the registrar at most."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._bound:
            try:
                await asyncio.wait_for(self._register(0), patience)
            except TimeoutError:
                log.warning("line %s: the registrar did not confirm the withdrawal", self._line.name)


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
