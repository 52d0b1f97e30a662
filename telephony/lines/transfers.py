"""Transfers by REFER in both directions, for every driver (RFC 3515).

Ours: the peer is asked to call somebody else, and its NOTIFYs tell how that went. Theirs: the core is asked, and
what it says goes back by NOTIFY. Attended transfers (``Replaces``, RFC 3891) are declined.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from telephony.lines.line import EndedBy

log = logging.getLogger(__name__)

#: how long the peer may take to tell the end of a transfer, in T1s: 180 s at the usual T1, as long as a callee may ring
_RESULT_PATIENCE = 360
_STATUS_LINE = re.compile(r"\s*SIP/2\.0\s+([1-6]\d\d)\s*([^\r\n]*)", re.IGNORECASE)
_TARGET = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+")
_PHRASES = {100: "Trying", 180: "Ringing", 486: "Busy Here", 487: "Request Terminated", 603: "Decline"}

Answered = Callable[[int, str], None]


class TransferringDialog(Protocol):
    """What a driver's dialog is to its transfers."""

    call_id: str
    confirmed: bool
    ended: bool

    @property
    def t1(self) -> float: ...

    def send_in_dialog(
        self, method: str, answered: Answered, headers: tuple[tuple[str, str], ...], kind: str = "", content: str = ""
    ) -> None:
        """A request within the dialog; ``answered(status, reason)`` gets its final response, 408 for none."""

    def report(self, name: str, *arguments: Any) -> None: ...

    def ask(self, name: str, answered: Callable[[bool], None], *arguments: Any) -> None: ...

    def later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle: ...

    def end(self, by: EndedBy, status: int, reason: str) -> None: ...

    def fail(self, status: int, reason: str) -> None: ...

    def send_bye(self) -> None: ...


class Transfers:
    """The REFERs of one dialog: at most one of ours and one of the peer's at a time."""

    def __init__(self, dialog: TransferringDialog) -> None:
        self._dialog = dialog
        self._waiting = False
        self._impatience: asyncio.TimerHandle | None = None
        self._asked = False
        #: value of the Event header of the NOTIFYs that we owe the peer; empty: we owe none
        self._event = ""
        self._taken_before = False

    # ours

    def refer(self, uri: str, referred_by: str) -> None:
        dialog = self._dialog
        if dialog.ended:
            return
        if not dialog.confirmed or self._waiting:
            dialog.report("dialog_refer_done", 491, "the call cannot be transferred now")
            return
        self._waiting = True
        headers = (("Refer-To", f"<{uri}>"), ("Referred-By", f"<{referred_by}>"))
        dialog.send_in_dialog("REFER", self._answered, headers)

    def _answered(self, status: int, reason: str) -> None:
        dialog = self._dialog
        if dialog.ended or not self._waiting:
            return
        if status < 300:  # NOTIFYs tell how it went
            wait = _RESULT_PATIENCE * dialog.t1
            self._impatience = dialog.later(wait, lambda: self._done(408, "the peer told no result"))
            return
        self._done(status, reason)
        if status == 481:  # RFC 3261 §12.2.1.2
            dialog.fail(481, "the peer does not know the dialog any more")

    def receive_notify(self, sipfrag: str, state: str) -> None:
        """A NOTIFY of the refer event: its body and its Subscription-State."""
        match = _STATUS_LINE.match(sipfrag)
        status = int(match.group(1)) if match else 0
        if not self._waiting or self._dialog.ended:
            return
        if match and status >= 200:
            self._done(status, match.group(2).strip())
        elif state.strip().lower().startswith("terminated"):
            self._done(408, "the peer told no result")

    def _done(self, status: int, reason: str) -> None:
        dialog = self._dialog
        self._waiting = False
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
        log.info("call %s: transfer: %d", dialog.call_id, status)
        dialog.report("dialog_refer_done", status, reason)
        if status < 300:
            dialog.send_bye()
            dialog.end(EndedBy.US, 200, "Transferred")

    # the peer's

    def receive_refer(self, targets: list[str], cseq: int, respond: Answered) -> None:
        """A REFER in the dialog: the URIs of its Refer-To headers. ``respond(status, reason)`` is called once."""
        if len(targets) != 1 or not _TARGET.fullmatch(targets[0]):
            respond(400, "Bad Refer-To")
        elif not targets[0].lower().startswith(("sip:", "sips:", "tel:")):
            respond(416, "Unsupported URI Scheme")
        elif self._asked or self._event:
            respond(491, "Request Pending")
        elif "?" in targets[0]:  # Replaces and the like
            respond(603, "Only Blind Transfers")
        else:
            self._asked = True
            self._dialog.ask("dialog_refer", lambda taken: self._decided(taken, cseq, respond), targets[0])

    def _decided(self, taken: bool, cseq: int, respond: Answered) -> None:
        self._asked = False
        if self._dialog.ended:
            respond(481, "Call Does Not Exist")
            return
        if not taken:
            respond(603, "Transfer Declined")
            return
        respond(202, "Accepted")
        # from the second REFER on the NOTIFYs must say which one they are about (§2.4.6)
        self._event = f"refer;id={cseq}" if self._taken_before else "refer"
        self._taken_before = True
        self._notify(100)

    def result(self, status: int) -> None:
        if self._event and not self._dialog.ended:
            self._notify(status)

    def _notify(self, status: int) -> None:
        phrase = _PHRASES.get(status) or next((each.phrase for each in HTTPStatus if each == status), "Result")
        final = status >= 200
        state = "terminated;reason=noresource" if final else "active;expires=180"
        headers = (("Event", self._event), ("Subscription-State", state))
        if final:
            self._event = ""
        content = f"SIP/2.0 {status} {phrase}\r\n"
        self._dialog.send_in_dialog("NOTIFY", self._notified, headers, "message/sipfrag;version=2.0", content)

    def _notified(self, status: int, _reason: str) -> None:
        if status >= 300:
            self._event = ""
            log.info("call %s: a NOTIFY of a transfer was refused: %d", self._dialog.call_id, status)
