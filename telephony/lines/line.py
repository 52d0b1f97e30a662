"""The ``Line`` interface: what every SIP driver offers and what it reports.

A ``Line`` is one trunk or one registration. A ``Dialog`` is one call leg on it (RFC 3261 §12), inbound or
outbound. All methods are called, and all reports arrive, on the asyncio loop that started the driver; drivers
with threads of their own hide them. Methods never block and never raise for what the network does: failures
arrive as reports. SDP crosses as text; offer and answer are made in ``telephony.lines.sdp``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class EndedBy(StrEnum):
    """Who ended a dialog, as signalling tells it."""

    PEER = "peer"  # BYE, CANCEL, or a final refusal from the other side
    US = "us"  # our BYE, CANCEL or refusal
    NETWORK = "network"  # transaction timeout, transport error, 408/503 made locally


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the driver can do; the console hides what is missing."""

    hold: bool = True
    refer: bool = True
    early_media: bool = True
    late_offer: bool = True
    dtmf_info: bool = True
    several_lines: bool = True
    #: several dialogs at once: consult transfer and conference need a second one
    second_call: bool = True


@dataclass(frozen=True, slots=True)
class Invite:
    """An inbound INVITE as the core sees it. ``sdp`` is empty for a late offer (RFC 3261 §13.2.1)."""

    call_id: str
    number: str
    display_name: str
    dialled: str
    sdp: str
    source: tuple[str, int]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DialogEnd:
    """``status`` is the final SIP status of the INVITE: 200 once answered, 487 cancelled, 486 busy, 408 timeout …"""

    by: EndedBy
    status: int
    reason: str


class DialogListener(Protocol):
    """Reports of one dialog. After ``dialog_ended`` nothing else comes."""

    def dialog_progress(self, status: int, sdp: str) -> None:
        """Outbound: a provisional answer; ``sdp`` is empty without early media."""

    def dialog_answered(self, sdp: str) -> None:
        """Outbound: 200 came with this SDP and was acknowledged."""

    def dialog_confirmed(self, sdp: str) -> None:
        """Inbound: our 200 was acknowledged; ``sdp`` is the answer in the ACK of a late offer, else empty."""

    def dialog_reoffer(self, sdp: str) -> None:
        """The peer re-INVITEs (hold, resume, new address; empty: a late offer).

        Reply with ``accept_reoffer`` or ``reject_reoffer``.
        """

    def dialog_reinvite_done(self, status: int, sdp: str) -> None:
        """Our re-INVITE was answered: 200 with SDP, or the refusal's status (the session stays as it was)."""

    def dialog_digit(self, digit: str) -> None:
        """A DTMF digit by SIP INFO."""

    def dialog_refer_done(self, status: int, reason: str) -> None:
        """How our REFER went (RFC 3515): the refusal of the REFER itself, or the final status (≥ 200) that the peer
        tells by NOTIFY; 408 when it tells none. Once for each ``refer`` unless the dialog ends first.

        After a 2xx the driver says BYE and ``dialog_ended`` follows; after anything else the call goes on as it was.
        """

    def dialog_refer(self, target: str) -> bool:
        """The peer asks us to call ``target`` (a SIP or tel URI) in its place (RFC 3515).

        True: taken; the peer gets 202, and later what ``Dialog.refer_result`` is told. False: 603 Decline.
        """

    def dialog_ended(self, end: DialogEnd) -> None: ...


class Dialog(Protocol):
    @property
    def sip_call_id(self) -> str: ...

    @property
    def line_name(self) -> str: ...

    def listen(self, listener: DialogListener) -> None: ...

    def ring(self) -> None:
        """180 Ringing."""

    def progress(self, sdp: str) -> None:
        """183 Session Progress with SDP (early media)."""

    def answer(self, sdp: str) -> None:
        """200 OK with our SDP (an offer where the INVITE had none)."""

    def reject(self, status: int, reason: str = "") -> None:
        """4xx to 6xx to the INVITE."""

    def hang_up(self) -> None:
        """CANCEL, BYE or 603, whichever the state of the dialog asks for."""

    def reinvite(self, sdp: str) -> None:
        """Offer new SDP in the dialog (hold, resume). 491 is retried by the driver (RFC 3261 §14.1)."""

    def accept_reoffer(self, sdp: str) -> None: ...

    def reject_reoffer(self, status: int = 488) -> None: ...

    def refer(self, target: str) -> None:
        """Blind transfer (RFC 3515) to a SIP URI or number; ``dialog_refer_done`` tells how it went.

        One at a time: a second one is told 491. Where ``Capabilities.refer`` is missing: 501.
        """

    def refer_result(self, status: int) -> None:
        """Tell the peer by NOTIFY how the call that it asked for goes; a status ≥ 200 is the last one."""


class LineListener(Protocol):
    def line_incoming(self, line: Line, dialog: Dialog, invite: Invite) -> None:
        """An INVITE from a configured peer. The listener must ring, answer or reject."""

    def line_state(self, line: Line, status: str, detail: str) -> None:
        """``up``, ``registering``, ``failed``, ``down`` or ``stopped`` (see ``telephony.events.LineState``)."""

    def line_refused(self, source: str, count: int, detail: str) -> None:
        """Requests of strangers that got 403 since the last report (rate limited to one report a second a source)."""


class Line(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def local_host(self) -> str:
        """The address to write into SDP for this line's peer."""

    def dial(self, number: str, sdp: str, listener: DialogListener, caller_id: str = "") -> Dialog:
        """INVITE ``number`` (digits, ``+``, or a full SIP URI)."""


class LineDriver(Protocol):
    """One driver serves several lines on one SIP socket."""

    async def start(self, listener: LineListener) -> list[Line]: ...

    async def stop(self) -> None:
        """Withdraw registrations, end dialogs, release the socket."""
