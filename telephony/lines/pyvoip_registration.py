"""Registration of the pyVoIP line (RFC 3261 §10): kept up for ever, taken back at the end.

pyVoIP's own gives up for good after three failures and takes any answer other than 200 for a wrong password.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from telephony.lines.peers import AddressError
from telephony.lines.pyvoip_message import Address, Draft, Message, host_of
from telephony.lines.pyvoip_transactions import Request
from telephony.lines.wire import from_wire

if TYPE_CHECKING:
    from telephony.lines.pyvoip_line import PyVoipLine

log = logging.getLogger(__name__)

FIRST_RETRY = 2.0
LAST_RETRY = 60.0
#: part of the granted time after which the binding is refreshed
REFRESH_AT = 0.8
_MAX_EXPIRES = 86_400
#: seconds of Retry-After that are heeded at most
_LONGEST_TOLD = 600


class Registration:
    """Runs from ``start`` to ``withdraw``. ``retry`` is the first and the longest wait after a failure, in seconds."""

    def __init__(self, line: PyVoipLine, retry: tuple[float, float]) -> None:
        self._line = line
        self._first_retry, self._last_retry = retry
        self._expires = line.settings.expires
        self._task: asyncio.Task[None] | None = None
        self._bound = False
        self._request: Request | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        wait = self._first_retry
        self._line.set_status("registering")
        while True:
            if not await self._line.resolve():
                self._line.set_status("down", f"cannot resolve {self._line.settings.proxy}")
                response = None
            else:
                response = await self._register(self._expires)
                self._tell(response)
            if response is not None and 200 <= response.code < 300:
                wait = self._first_retry
                await asyncio.sleep(max(1.0, self._granted(response) * REFRESH_AT))
            elif response is not None and response.code == 423 and response.number("Min-Expires") > self._expires:
                self._expires = min(response.number("Min-Expires"), _MAX_EXPIRES)  # §10.2.8
            else:
                told = min(response.number("Retry-After"), _LONGEST_TOLD) if response is not None else 0
                await asyncio.sleep(max(wait * random.uniform(0.8, 1.2), told))
                wait = min(wait * 2, self._last_retry)

    async def _register(self, expires: int) -> Message | None:
        """One REGISTER to its end, challenges answered. None when no answer came."""
        done: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()

        def answered(response: Message | None) -> None:
            if (response is None or response.code >= 200) and not done.done():
                done.set_result(response)

        def build() -> tuple[Draft, tuple[str, int]]:
            return self._line.client.draft_register(expires), self._line.proxy_address()

        self._request = Request(self._line.transactions, build, answered, self._line.credentials)
        response = await done
        if response is not None and 200 <= response.code < 300:
            self._bound = expires > 0
        return response

    def _tell(self, response: Message | None) -> None:
        if response is None:
            reached = self._request is None or self._request.silence[0] != 503
            self._line.set_status("down", "no answer from the registrar" if reached else "the registrar is unreachable")
        elif response.code < 300:
            self._line.set_status("up")
        elif response.code != 423 or response.number("Min-Expires") <= self._expires:
            status = "down" if response.code in (408, 503) else "failed"
            self._line.set_status(status, f"{response.code} {from_wire(response.phrase)}")

    def _granted(self, response: Message) -> int:
        """Seconds that the registrar keeps our binding: our Contact's own figure, else Expires, else as asked."""
        granted = response.number("Expires") or self._expires
        client = self._line.client
        for value in response.listed("Contact"):
            if value == "*":
                continue
            address = Address.parse(value)
            try:
                own = host_of(address.uri)
            except AddressError:
                continue  # the binding of another phone
            if (own.host, own.port, address.user) == (client.myIP, client.myPort, client.username):
                _, _, expires = value.lower().partition(";expires=")
                digits = expires.partition(";")[0].strip()
                if digits.isascii() and digits.isdigit() and len(digits) < 9:
                    granted = int(digits) or granted
        return max(1, min(granted, _MAX_EXPIRES))

    async def withdraw(self, patience: float) -> None:
        """Stop, and take the binding back; waits ``patience`` seconds for the registrar at most."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._request is not None and self._request.transaction is not None:
            self._request.transaction.forget()
        if self._bound:
            try:
                await asyncio.wait_for(self._register(0), patience)
            except TimeoutError:
                log.warning("line %s: the registrar did not confirm the withdrawal", self._line.name)
