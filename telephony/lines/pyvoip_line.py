"""The one registered UDP line of the pyVoIP driver: implements ``telephony.lines.line.Line``."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable
from urllib.parse import quote

from telephony.lines.digest import Credentials
from telephony.lines.line import Capabilities, DialogListener, EndedBy
from telephony.lines.peers import AddressError, HostPort, is_address, local_address_towards
from telephony.lines.pyvoip_client import Client
from telephony.lines.pyvoip_dialog import PyVoipDialog
from telephony.lines.pyvoip_message import host_of
from telephony.lines.pyvoip_outbound import OutboundDialog
from telephony.lines.pyvoip_transactions import Transactions
from telephony.lines.wire import to_wire
from telephony.settings import LineSettings

log = logging.getLogger(__name__)

CAPABILITIES = Capabilities(several_lines=False)
#: characters of a SIP URI's user part that need no escape (RFC 3261 §25.1, without ``;`` that begins parameters)
_USER_SAFE = "-_.!~*'()&=+$,?/"
_NUMBER = re.compile(r"[^\x00-\x20\x7f<>\"]{1,256}")


class PyVoipLine:
    """``client`` and ``transactions`` are the driver's; ``on_state(line, status, detail)`` gets each new status."""

    def __init__(
        self,
        settings: LineSettings,
        client: Client,
        transactions: Transactions,
        bound_host: str,
        public_host: str,
        on_state: Callable[[PyVoipLine, str, str], None],
    ) -> None:
        """Raises ``AddressError`` for a proxy that is no host[:port]."""
        self.settings = settings
        self.client = client
        self.transactions = transactions
        self.closing = False
        self.proxy = HostPort.parse(settings.proxy)
        self.credentials = Credentials(settings.auth_username or settings.username, settings.password)
        self.dialogs: dict[tuple[str, str], PyVoipDialog] = {}
        self._host = public_host or ("" if bound_host == "0.0.0.0" else bound_host)
        self._on_state = on_state
        self._status, self._detail = "down", ""
        self._addresses: list[str] = []
        self._lingering: dict[PyVoipDialog, asyncio.TimerHandle] = {}
        client.myIP = self.local_host()

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def status(self) -> str:
        return self._status

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def local_host(self) -> str:
        """The address that the PBX reaches us at."""
        if self._host:
            return self._host
        towards = self._addresses[0] if self._addresses else self.proxy.host
        return local_address_towards(towards if is_address(towards) else "127.0.0.1")

    def set_status(self, status: str, detail: str = "") -> None:
        """Report a status that is new; a repeated failure is reported again when its reason changed."""
        if (status, detail) != (self._status, self._detail):
            self._status, self._detail = status, detail
            log.info("line %s: %s %s", self.name, status, detail)
            self._on_state(self, status, detail)

    # addresses

    async def resolve(self) -> bool:
        """Look the proxy's name up; False when nothing is known of it, neither now nor from before."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self.proxy.host, self.proxy.port, family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
            self._addresses = [str(item[4][0]) for item in found] or self._addresses
            self.client.myIP = self.local_host()
        except (OSError, UnicodeError) as error:
            log.warning("line %s: cannot resolve %s: %s", self.name, self.proxy.host, error)
        return bool(self._addresses)

    def proxy_address(self) -> tuple[str, int]:
        return self._addresses[0], self.proxy.port

    def knows(self, source: tuple[str, int]) -> bool:
        """Whether requests from there are the PBX's."""
        return source[0] in self._addresses

    def next_hop(self, uri: str) -> tuple[str, int]:
        """Where a request to ``uri`` goes: itself when it names an IPv4 address, else the PBX."""
        try:
            hop = host_of(uri)
        except AddressError:
            return self.proxy_address()
        return (hop.host, hop.port) if is_address(hop.host) and ":" not in hop.host else self.proxy_address()

    def uri_of(self, number: str) -> str:
        """The SIP URI of ``number``, itself when it is one. Raises ``AddressError`` for what is neither."""
        number = number.strip(" ")
        if number.lower().startswith(("sip:", "sips:")):
            if not _NUMBER.fullmatch(number) or not host_of(number).host:
                raise AddressError("not a SIP URI to dial")
            return to_wire(number)
        number = number.replace(" ", "")
        if not _NUMBER.fullmatch(number):
            raise AddressError("not a number to dial")
        return f"sip:{quote(number, safe=_USER_SAFE)}@{self.client.server}"

    def caller_uri(self, caller_id: str) -> str:
        user = caller_id or self.settings.caller_id or self.settings.username
        return f"sip:{quote(user, safe=_USER_SAFE)}@{self.client.server}"

    # dialogs

    def dial(self, number: str, sdp: str, listener: DialogListener, caller_id: str = "") -> OutboundDialog:
        dialog = OutboundDialog(self, sdp, self.caller_uri(caller_id))
        dialog.listen(listener)
        try:
            uri = self.uri_of(number)
        except AddressError as error:
            dialog.end(EndedBy.NETWORK, 484, str(error))
            return dialog
        if self.closing:
            dialog.end(EndedBy.NETWORK, 503, "the line is stopping")
        elif not self._addresses:
            dialog.end(EndedBy.NETWORK, 503, f"no address of the proxy {self.settings.proxy!r} is known")
        else:
            self.add(dialog)
            dialog.start(uri)
        return dialog

    def add(self, dialog: PyVoipDialog) -> None:
        self.dialogs[dialog.call_id, dialog.local_tag] = dialog

    def linger(self, dialog: PyVoipDialog) -> None:
        """The dialog is over; forget it when no straggler can come any more."""
        delay = 64 * self.transactions.t1
        self._lingering[dialog] = asyncio.get_running_loop().call_later(delay, self._forget, dialog)

    def _forget(self, dialog: PyVoipDialog) -> None:
        del self._lingering[dialog]
        self.dialogs.pop((dialog.call_id, dialog.local_tag), None)
        dialog.forgotten()

    def close(self) -> None:
        for timer in self._lingering.values():
            timer.cancel()
        self._lingering.clear()
        self.dialogs.clear()
