"""Requests of ours: built from sippy's header classes, sent again with credentials when challenged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sippy.MsgBody import MsgBody
from sippy.SipContentType import SipContentType
from sippy.SipGenericHF import SipGenericHF
from sippy.SipHeader import SipHeader
from sippy.SipRequest import SipRequest

from telephony.lines.bodies import media_type, session_body
from telephony.lines.digest import Challenge, ChallengeError, Credentials
from telephony.lines.sippy_transactions import Transactions
from telephony.lines.wire import body_to_wire, encode, from_wire

log = logging.getLogger(__name__)

PRODUCT = "Sansheng"
#: methods we answer otherwise than with 405
ALLOWED_METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, REFER"
_CHALLENGES = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}
_MAX_ATTEMPTS = 4


class NamedHeader(SipGenericHF):  # type: ignore[misc]
    """A header written exactly as named; sippy would write ``Proxy-authorization``."""

    def __init__(self, body: str, name: str = "") -> None:
        super().__init__(body)
        self._shown = name

    def getCanName(self, name: str, compact: bool = False) -> str:
        return self._shown or name.capitalize()

    def getCopy(self) -> NamedHeader:
        return NamedHeader(self.body, self._shown)


def header(name: str, value: str) -> SipHeader:
    return SipHeader(name=name, body=NamedHeader(value, name))


def set_body(message: Any, content: str, content_type: str = "application/sdp") -> None:
    """Put ``content`` (text of ours) into a request or response of sippy; nothing for an empty one."""
    if not content:
        return
    kind = SipContentType(content_type)
    kind.parse()
    message.setBody(MsgBody(body_to_wire(content), kind))


def content(message: Any) -> tuple[str, str]:
    """Media type in lower case without parameters, and text of a message's body; both empty without one."""
    body = message.getBody()
    if body is None:
        return "", ""
    return media_type(_content_type(body)), str(body.content)


def _content_type(body: Any) -> str:
    return str(body.mtype.body or body.mtype.name)


def session_description(message: Any) -> str:
    """The SDP that a message carries, also inside multipart/mixed; empty without one."""
    body = message.getBody()
    return from_wire(session_body(_content_type(body), str(body.content))) if body is not None else ""


@dataclass(slots=True)
class ClientRequest:
    """One request until its final response.

    ``build()`` makes the request anew with the next CSeq; ``on_response(response, transaction)`` gets provisional
    and final responses except challenges that were answered. A timeout arrives as a 408 with ``local`` set.
    """

    transactions: Transactions
    build: Callable[[], SipRequest]
    on_response: Callable[[Any, Any], None]
    credentials: Credentials | None = None
    make_ack: Callable[[Any, Any], SipRequest] | None = None
    on_fork: Callable[[Any, Any], None] | None = None
    request: SipRequest | None = None
    transaction: Any = None
    cancelled: bool = False
    finished: bool = False
    _answers: dict[str, tuple[Challenge, int]] = field(default_factory=dict)
    _attempts: int = 0

    def send(self) -> None:
        request = self.build()
        for name, (challenge, count) in list(self._answers.items()):
            assert self.credentials is not None
            value = self.credentials.answer(
                challenge, request.getMethod(), str(request.getRURI()), _octets(request), count
            )
            self._answers[name] = (challenge, count + 1)
            request.appendHeader(header(name, value))
        self.request = request
        self._attempts += 1
        self.transaction = self.transactions.newTransaction(request, resp_cb=self._response, cb_ifver=2)
        if self.make_ack is not None:
            make_ack = self.make_ack
            self.transaction.make_ack = lambda response: make_ack(response, request)
            self.transaction.forked = self.on_fork

    def cancel(self) -> None:
        """CANCEL, once a provisional response is there (RFC 3261 §9.1)."""
        if not self.cancelled and not self.finished:
            self.cancelled = True
            self.transactions.cancelTransaction(self.transaction)

    def _response(self, response: Any, transaction: Any) -> None:
        code = response.getSCode()[0]
        if code < 200:
            self.on_response(response, transaction)
            return
        if code in _CHALLENGES and not self.cancelled and self._take_challenge(response, code):
            self.send()
            return
        self.finished = True
        self.on_response(response, transaction)

    def _take_challenge(self, response: Any, code: int) -> bool:
        if self.credentials is None or self._attempts >= _MAX_ATTEMPTS:
            return False
        received, sent = _CHALLENGES[code]
        for value in header_texts(response, received):
            try:
                challenge = Challenge.parse(value)
            except ChallengeError as error:
                log.info("sip: challenge passed over: %s", error)
                continue
            before = self._answers.get(sent)
            if before is not None and before[0].realm == challenge.realm and not challenge.stale:
                return False  # refused with credentials: the same again would be refused again
            self._answers[sent] = (challenge, 1)
            return True
        return False


def header_texts(message: Any, name: str) -> list[str]:
    """The values of all headers ``name`` (long form, lower case) as they came."""
    return [str(item.body if item.body.body is None else item.body.body) for item in message.getHFs(name)]


class HeaderTexts(Mapping[str, str]):
    """The first value of each header of a message, by long name in lower case; read as text when it is asked for."""

    def __init__(self, message: Any) -> None:
        self._message = message

    def __getitem__(self, name: str) -> str:
        for text in header_texts(self._message, name):
            return from_wire(text)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(item.name for item in self._message.headers))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def header_text(message: Any, name: str) -> str:
    values = header_texts(message, name)
    return values[0] if values else ""


def add_headers(message: Any, headers: Sequence[tuple[str, str]]) -> None:
    message.appendHeaders([header(name, value) for name, value in headers])


def is_local(response: Any) -> bool:
    """Whether the response was made here because none came."""
    return bool(getattr(response, "local", False))


def _octets(request: SipRequest) -> bytes:
    return encode(str(request.getBody())) if request.getBody() is not None else b""
