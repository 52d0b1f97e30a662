"""One trunk or registration over the sippy stack: implements ``telephony.lines.line.Line``."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from sippy.SipAddress import SipAddress

from telephony.lines.digest import Credentials
from telephony.lines.line import Capabilities, DialogListener, EndedBy
from telephony.lines.peers import AddressError, HostPort, is_address, local_address_towards
from telephony.lines.sippy_outbound import OutboundDialog
from telephony.lines.sippy_overrides import SipUri
from telephony.lines.wire import to_wire
from telephony.settings import LineSettings

if TYPE_CHECKING:
    from telephony.lines.sippy_stack import SippyStack

log = logging.getLogger(__name__)

#: characters of a SIP URI's user part that need no escape (RFC 3261 §25.1, without ``;`` that begins parameters)
_USER_SAFE = "-_.!~*'()&=+$,?/"
_NOT_IN_NUMBERS = re.compile(r'[\x00-\x1f\x7f<>"]|(?<=[:@])\s|sips?:\S*\s')
_MAX_NUMBER = 256


class SippyLine:
    def __init__(
        self,
        settings: LineSettings,
        stack: SippyStack,
        public_host: str,
        on_state: Callable[[SippyLine, str, str], None],
    ) -> None:
        """Raises ``AddressError`` for a proxy that is no host[:port]."""
        self.settings = settings
        self.stack = stack
        self._public_host = public_host
        self._on_state = on_state
        self._status = "down"
        self._local_hosts: dict[str, str] = {}
        self.proxy = HostPort.parse(settings.proxy) if settings.proxy else None
        self.addresses: list[tuple[str, int]] = []
        user = settings.auth_username or settings.username
        self.credentials = Credentials(user, settings.password) if user and settings.password else None

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def status(self) -> str:
        return self._status

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    def local_host(self) -> str:
        return self.contact_host().strip("[]")

    def dial(self, number: str, sdp: str, listener: DialogListener, caller_id: str = "") -> OutboundDialog:
        dialog = OutboundDialog(self, sdp, caller_id)
        dialog.listen(listener)
        self.stack.add(dialog)
        try:
            uri = self.uri_of(number)
        except AddressError as error:
            dialog.end(EndedBy.NETWORK, 484, str(error))
            return dialog
        if self.stack.closing:
            dialog.end(EndedBy.NETWORK, 503, "the line is stopping")
        elif not self.addresses:
            dialog.end(EndedBy.NETWORK, 503, f"no address of the proxy {self.settings.proxy!r} is known")
        else:
            dialog.start(uri, self.addresses[0])
        return dialog

    def set_status(self, status: str, detail: str = "") -> None:
        """Report a status that is new; a repeated failure is reported again when its reason changed."""
        if (status, detail) != (self._status, getattr(self, "_detail", "")):
            self._status, self._detail = status, detail
            log.info("line %s: %s %s", self.name, status, detail)
            self._on_state(self, status, detail)

    # addresses

    async def resolve(self) -> bool:
        """Look the proxy's name up; False, with what was known before, when that fails."""
        if self.proxy is None:
            return False
        family = socket.AF_INET6 if ":" in self.stack.host else socket.AF_INET
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self.proxy.host, self.proxy.port, family=family, type=socket.SOCK_DGRAM
            )
        except (OSError, UnicodeError) as error:
            log.warning("line %s: cannot resolve %s: %s", self.name, self.proxy.host, error)
            return False
        self.addresses = [(_bracketed(str(item[4][0])), self.proxy.port) for item in found]
        self.stack.peers.set_proxy(self.name, self.addresses)
        return bool(self.addresses)

    def next_hop(self) -> tuple[str, int] | None:
        return self.addresses[0] if self.addresses else None

    def contact_host(self) -> str:
        """The address that this line's peer reaches us at, an IPv6 one in brackets."""
        if self._public_host:
            return _bracketed(self._public_host)
        if self.stack.host not in ("0.0.0.0", "::"):
            return _bracketed(self.stack.host)
        towards = self._towards()
        if towards not in self._local_hosts:
            self._local_hosts[towards] = local_address_towards(towards)
        return _bracketed(self._local_hosts[towards])

    def _towards(self) -> str:
        if self.addresses:
            return self.addresses[0][0].strip("[]")
        for peer in self.settings.peers:
            host = peer.partition("/")[0].strip("[]")
            if is_address(host):
                return host
        return "::1" if ":" in self.stack.host else "127.0.0.1"

    def contact_uri(self) -> SipUri:
        user = to_wire(self.settings.username or self.settings.caller_id or "desk")
        return SipUri(username=user, host=self.contact_host(), port=self.stack.port)

    def uri_of(self, number: str) -> SipUri:
        """The SIP URI of ``number``, itself when it is one. Raises ``AddressError`` for what is neither."""
        number = number.strip(" ")
        if not number or len(number) > _MAX_NUMBER or _NOT_IN_NUMBERS.search(number):
            raise AddressError("not a number to dial")
        if number.lower().startswith(("sip:", "sips:")):
            try:
                uri = SipUri(to_wire(number))
            except (ValueError, IndexError) as error:
                raise AddressError("not a SIP URI to dial") from error
            if not uri.host:
                raise AddressError("not a SIP URI to dial")
            return uri
        proxy = self.settings.proxy.removeprefix("sip:")
        host = self.settings.domain or proxy or self.contact_host()
        return SipUri(f"sip:{quote(number.replace(' ', ''), safe=_USER_SAFE)}@{host}")

    def caller_address(self, caller_id: str) -> SipAddress:
        """What we put into From."""
        user = to_wire(caller_id or self.settings.caller_id or self.settings.username) or "anonymous"
        host = self.settings.domain or self.contact_host()
        return SipAddress(url=SipUri(f"sip:{quote(user, safe=_USER_SAFE)}@{host}"))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
