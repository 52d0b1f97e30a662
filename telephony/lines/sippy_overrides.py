"""What sippy 2.5.0 gets wrong below its messages and transactions (``sippy_message``, ``sippy_transactions``), mended.

sippy's transactions (RFC 3261 §17), parser and header classes are used; its event loop, sockets, files of its own log
and its dialog state machines are not: timers and the socket are asyncio's, dialogs are ``sippy_dialog``.
Each override says why it is there.
"""

from __future__ import annotations

import asyncio
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
from sippy.SipConf import SipConf
from sippy.SipURL import USERNAME_SAFE, SipURL

from telephony.lines.wire import encode

log = logging.getLogger(__name__)


#: user, host and port, with nothing to unquote and no parameters
_PLAIN = re.compile(r"(?:([A-Za-z0-9_.+*-]+)@)?([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?").fullmatch


def _quote(text: str, safe: str = "/") -> str:
    return quote(encode(text), safe)


class SipUri(SipURL):  # type: ignore[misc]
    """A SIP URI that is written as it was read.

    sippy's copies lose the scheme (``sips:`` became ``sip:``), and ``%23`` in a user part came back as a bare ``#``.
    """

    tel: str | None = None
    _raw_user: tuple[str, str] | None = None

    def parseSipURL(self, url: str, relaxedparser: bool) -> None:
        plain = _PLAIN(url)
        if plain is not None:  # what nearly all are, without the many steps that the others need
            self.username, self.host, port = plain.groups()
            self.port = int(port) if port else None
            if self.username is not None:
                self._raw_user = (self.username, self.username)
            return
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
        twin = SipUri.__new__(SipUri)
        twin.__dict__.update(self.__dict__)
        twin.other = list(self.other)
        twin.userparams = list(self.userparams)
        return twin


def loop_timer(callback: Callable[..., None], delay: float, _ticks: int = 1, *arguments: Any) -> asyncio.TimerHandle:
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
    sippy_transactions.Timeout = loop_timer
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
