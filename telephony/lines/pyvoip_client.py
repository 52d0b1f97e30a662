"""pyVoIP's SIP client on a socket that our loop reads: its text for messages, mended; none of its threads.

``SIPClient`` as it stands polls its socket a hundred times a second in one thread, holds a lock while it dials and
registers, and renews its registration in another. Here ``start`` and ``stop`` are ours, nothing blocks, and what
pyVoIP writes passes through ``Draft`` before it goes out.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from secrets import token_hex
from typing import Any, cast

import pyVoIP.VoIP  # before pyVoIP.SIP, which cannot be imported first
from pyVoIP.RTP import TransmitType
from pyVoIP.SIP import SIPClient, SIPMessage, SIPParseError

from telephony.lines.pyvoip_message import Draft, Message
from telephony.lines.stateless import refusal
from telephony.lines.undelivered import Undelivered

log = logging.getLogger(__name__)

PRODUCT = f"Sansheng (pyVoIP {pyVoIP.__version__})"
#: methods that get more than 405
ALLOWED_METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, REFER"
_MAX_UDP = 65_535
_RECEIVE_BUFFER = 1 << 20


class Client(SIPClient):
    """``on_message(message)`` runs on the loop; ``on_unreadable(data, source, why)`` for what is no message.

    ``on_lost(beginning)`` gets the first octets of a datagram that could not be delivered.
    """

    def __init__(
        self,
        server: str,
        username: str,
        expires: int,
        on_message: Callable[[Message], None],
        on_unreadable: Callable[[bytes, tuple[str, int], str], None],
        on_lost: Callable[[bytes], None],
    ) -> None:
        # the password stays with us: digests are made in telephony.lines.digest
        super().__init__(server, 0, username, "", cast(Any, None))
        self.default_expires = expires
        self._on_message, self._on_unreadable, self._on_lost = on_message, on_unreadable, on_lost
        self._loop = asyncio.get_running_loop()
        self._register_call_id = token_hex(12)

    # the socket

    def start(self, host: str = "0.0.0.0", port: int = 0) -> None:
        """Raises ``OSError`` when the address is taken."""
        self.s = self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.s.setblocking(False)
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self.s.bind((host, port))
        except OSError:
            self.s.close()
            raise
        self._undelivered = Undelivered(self.s, self._on_lost)
        self.NSD = True
        self.myPort = int(self.s.getsockname()[1])
        self._loop.add_reader(self.s.fileno(), self.recv)

    def stop(self) -> None:
        if self.NSD:
            self.NSD = False
            self._loop.remove_reader(self.s.fileno())
            self._close_sockets()

    def recv(self) -> None:
        """One datagram in one turn of the loop: audio waits meanwhile."""
        try:
            data, address = self.s.recvfrom(_MAX_UDP)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # an ICMP error of an earlier datagram
            log.debug("sip socket: %s", error)
            self._undelivered.read()
            if self.NSD:  # uvloop stops to watch a socket that has reported an error
                self._loop.remove_reader(self.s.fileno())
                self._loop.add_reader(self.s.fileno(), self.recv)
            return
        source = (str(address[0]), int(address[1]))
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive
        try:
            message = Message(data, source)
        except SIPParseError as error:
            self._on_unreadable(data, source, str(error))
            return
        try:
            self._on_message(message)
        except Exception:
            log.exception("a SIP message of %s:%d could not be handled", *source)
            self.refuse(data, 500, "Server Internal Error", source)

    def refuse(self, data: bytes, status: int, reason: str, source: tuple[str, int]) -> None:
        """A response without any state; nothing where none is due."""
        response = refusal(data, status, reason, source)
        if response is not None:
            self.send(*response)

    def send(self, octets: bytes, address: tuple[str, int]) -> None:
        """A datagram that cannot be sent is as good as lost on the way: it is repeated and times out in the end."""
        if not self.NSD:
            return
        try:
            try:
                self.out.sendto(octets, address)
            except ConnectionRefusedError:  # of an earlier datagram, to whomever
                self._loop.call_soon(self._undelivered.read)
                self.out.sendto(octets, address)
        except (OSError, OverflowError) as error:
            log.warning("sip: cannot send to %s:%d: %s", *address, error)

    # identifiers: pyVoIP's Call-IDs are hashes of 1, 2, 3 …, and it keeps each tag for ever

    def gen_call_id(self) -> str:
        return f"{token_hex(12)}@{self.myIP}"

    def gen_tag(self) -> str:
        return token_hex(8)

    # messages

    @property
    def contact(self) -> str:
        return f"<sip:{self.username}@{self.myIP}:{self.myPort}>"

    @property
    def via(self) -> str:
        return f"SIP/2.0/UDP {self.myIP}:{self.myPort};branch={self.gen_branch()};rport"

    def _gen_response_via_header(self, request: SIPMessage) -> str:
        """As they came; pyVoIP writes them anew and drops what it does not know."""
        assert isinstance(request, Message)
        return "".join(f"Via: {via}\r\n" for via in request.vias_for_response())

    def _mended(self, text: str, body: str = "") -> Draft:
        draft = Draft(text, body)
        draft.set("User-Agent", PRODUCT)
        draft.set("Allow", ALLOWED_METHODS)
        return draft

    def draft_register(self, expires: int) -> Draft:
        """The next REGISTER: one Call-ID for all of them and a growing CSeq (RFC 3261 §10.2)."""
        self.default_expires = expires or self.default_expires
        draft = self._mended(self.gen_first_response(deregister=not expires))
        draft.set("Call-ID", self._register_call_id)
        draft.set("Contact", self.contact)
        draft.remove("Allow-Events")
        return draft

    def draft_invite(self, uri: str, caller: str, call_id: str, tag: str, cseq: int, sdp: str) -> Draft:
        text = self.gen_invite("nobody", "1", {}, TransmitType.SENDRECV, "", call_id)
        self.tagLibrary.pop(call_id, None)
        draft = self._mended(text, sdp)
        draft.start = f"INVITE {uri} SIP/2.0"
        draft.set("Via", self.via)
        draft.set("To", f"<{uri}>")
        draft.set("From", f"<{caller}>;tag={tag}")
        draft.set("CSeq", f"{cseq} INVITE")
        draft.set("Contact", self.contact)
        return draft

    def draft_response(self, request: Message, code: int, reason: str, tag: str = "", sdp: str = "") -> Draft:
        """``tag`` goes into To where the request has none; 1xx and 2xx to an INVITE carry our Contact."""
        draft = self._mended(self.gen_ok(request), sdp)
        draft.start = f"SIP/2.0 {code} {reason}"
        draft.set("From", request.value("From"))
        to = request.value("To")
        if code > 100 and not request.to_tag:
            to += f";tag={tag or self.gen_tag()}"
        draft.set("To", to)
        if request.method == "INVITE" and 100 < code < 300:
            draft.set("Contact", self.contact)
            draft.set("Record-Route", *request.values("Record-Route"))
        return draft
