"""The default line driver: several trunks and registrations on one UDP socket, over sippy's transactions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from sippy.SipRequest import SipRequest

from telephony.lines.line import Line, LineListener
from telephony.lines.peers import PeerTable, is_address
from telephony.lines.sippy_inbound import InboundDialog
from telephony.lines.sippy_line import SippyLine
from telephony.lines.sippy_registration import FIRST_RETRY, LAST_RETRY, Registration
from telephony.lines.sippy_stack import SippyStack
from telephony.settings import PhoneSettings

log = logging.getLogger(__name__)

#: seconds that ``stop`` waits for peers to confirm BYEs and registrars to confirm withdrawals
STOP_PATIENCE = 2.0
#: seconds after which a trunk's proxy name is looked up again
_RESOLVE_EVERY = 60.0


class SippyDriver:
    """Implements ``LineDriver`` for the lines of ``settings`` whose driver is ``sippy``.

    ``t1`` is RFC 3261's T1 in seconds, in place of the settings'; ``retry`` the first and the longest wait after a
    failed registration. May be started again after ``stop``.
    """

    def __init__(
        self, settings: PhoneSettings, t1: float | None = None, retry: tuple[float, float] = (FIRST_RETRY, LAST_RETRY)
    ) -> None:
        self._settings = settings
        self._t1 = settings.sip_t1 if t1 is None else t1
        self._retry = retry
        self._stack: SippyStack | None = None
        self._lines: dict[str, SippyLine] = {}
        self._registrations: list[Registration] = []
        self._resolvers: list[asyncio.Task[None]] = []
        self._listener: LineListener | None = None

    @property
    def port(self) -> int:
        """The bound port (of use when the settings ask for port 0); 0 while stopped."""
        return self._stack.port if self._stack is not None else 0

    async def start(self, listener: LineListener) -> list[Line]:
        """Bind and begin to listen and register.

        Raises ``OSError`` when the address is taken, ``AddressError`` for an unusable proxy or peer in the settings.
        """
        if self._stack is not None:
            raise RuntimeError("the driver runs already")
        self._listener = listener
        settings = self._settings
        stack = SippyStack(settings.sip_host, settings.sip_port, PeerTable(), self._incoming, self._refused, self._t1)
        try:
            for wanted in settings.lines:
                if wanted.driver == "sippy":
                    line = SippyLine(wanted, stack, settings.public_host, self._state)
                    stack.peers.add_networks(line.name, wanted.peers)
                    self._lines[line.name] = line
        except ValueError:
            self._lines.clear()
            await stack.close()
            raise
        self._stack = stack
        for line in self._lines.values():
            if line.settings.mode == "register":
                registration = Registration(line, self._retry)
                self._registrations.append(registration)
                registration.start()
            else:
                await line.resolve()
                if line.proxy is not None and not is_address(line.proxy.host):
                    self._resolvers.append(asyncio.create_task(_resolve_again(line)))
                line.set_status("up")
        log.info("sip: listening on %s:%d, lines: %s", stack.host, stack.port, ", ".join(self._lines) or "none")
        return list(self._lines.values())

    async def stop(self) -> None:
        stack = self._stack
        if stack is None:
            return
        stack.closing = True
        for task in self._resolvers:
            task.cancel()
        await asyncio.gather(*self._resolvers, return_exceptions=True)
        for dialog in stack.open_dialogs():
            dialog.hang_up()
        await asyncio.gather(*(registration.withdraw(STOP_PATIENCE) for registration in self._registrations))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_until_quiet(stack), STOP_PATIENCE)
        await stack.close()
        for line in self._lines.values():
            line.set_status("stopped")
        await asyncio.sleep(0)  # lets the last reports through
        self._stack = None
        self._lines, self._registrations, self._resolvers = {}, [], []

    def _incoming(self, request: SipRequest, transaction: Any) -> Any:
        assert self._stack is not None
        name = self._stack.peers.line_for(request.getSource(), request.getRURI().username or "")
        if name is None:
            return self._stack.refuse(request)
        line = self._lines[name]
        dialog = InboundDialog(line, request, transaction)
        invite = dialog.invite()
        self._stack.add(dialog)
        taken = dialog.begin()
        self._stack.loop.call_soon(self._offer, line, dialog, invite)
        return taken

    def _offer(self, line: SippyLine, dialog: InboundDialog, invite: Any) -> None:
        assert self._listener is not None
        try:
            self._listener.line_incoming(line, dialog, invite)
        except Exception:
            log.exception("call %s could not be taken", dialog.sip_call_id)
            dialog.reject(500)

    def _state(self, line: SippyLine, status: str, detail: str) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().call_soon(self._listener.line_state, line, status, detail)

    def _refused(self, source: str, count: int, detail: str) -> None:
        log.warning("sip: %d request(s) of %s refused, no configured peer: %s", count, source, detail)
        if self._listener is not None:
            asyncio.get_running_loop().call_soon(self._listener.line_refused, source, count, detail)


async def _resolve_again(line: SippyLine) -> None:
    while True:
        await asyncio.sleep(_RESOLVE_EVERY)
        await line.resolve()


async def _until_quiet(stack: SippyStack) -> None:
    while not stack.quiet():  # noqa: ASYNC110 - transactions tell only their own dialogs
        await asyncio.sleep(0.01)
