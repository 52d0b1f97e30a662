"""One outside party of a call: its dialog on a line, its RTP leg, and the SDP between the two."""

from __future__ import annotations

import logging
from typing import Protocol

from telephony.lines.line import Dialog, DialogEnd, Line
from telephony.lines.sdp import Accepted, Negotiated, SdpError, accept, make_offer, read_answer
from telephony.media.rtp_leg import RtpLeg
from telephony.settings import LineSettings

log = logging.getLogger(__name__)


class LineOwner(Protocol):
    """Who has the party in a call. ``dialog_ended`` is told once, and not after ``LineParty.release``."""

    def line_progress(self, party: LineParty, status: int, early_media: bool) -> None: ...
    def line_answered(self, party: LineParty, codec: str) -> None: ...
    def line_renegotiated(self, party: LineParty) -> None: ...
    def line_held(self, party: LineParty, held: bool) -> None: ...
    def line_digit(self, party: LineParty, digit: str) -> None: ...
    def line_refer_done(self, party: LineParty, status: int, reason: str) -> None: ...
    def line_unusable(self, party: LineParty, reason: str) -> None:
        """Nothing was agreed on that audio could pass by: 488."""

    def line_ended(self, party: LineParty, end: DialogEnd) -> None: ...


class LineParty:
    """Implements ``DialogListener``. ``number`` is the party's in the call, -1 while it has none."""

    def __init__(
        self, call: str, number: int, line: Line, settings: LineSettings, leg: RtpLeg, owner: LineOwner
    ) -> None:
        self.number = number
        self.line = line
        self.leg = leg
        self.negotiated: Negotiated | None = None
        self._call = call
        self.settings = settings
        self._owner = owner
        self._dialog: Dialog | None = None
        self._inbound = False
        self._answered = False
        self._released = False
        self._held = False
        #: what it offered in its INVITE, until that is answered
        self._accepted: Accepted | None = None
        self._sdp_version = 1
        leg.on_digit = self.dialog_digit

    @property
    def codec(self) -> str:
        return self.negotiated.codec if self.negotiated else self.settings.codecs[0]

    @property
    def released(self) -> bool:
        """Its dialog is over, or was given up."""
        return self._released

    # ---- what is done with it

    def receive(self, dialog: Dialog, sdp: str) -> None:
        """It calls: prepare the answer. Raises SdpError; an empty offer means that we offer in the 200."""
        self._dialog, self._inbound = dialog, True
        dialog.listen(self)
        if sdp:
            self._accepted = accept(sdp, self.settings.codecs, self._direction())
            self._agree(self._accepted.negotiated)

    def dial(self, number: str) -> None:
        self._dialog = self.line.dial(number, self._offer(), self, self.settings.caller_id)

    def ring(self) -> None:
        if self._dialog is not None:
            self._dialog.ring()

    def answer(self) -> None:
        """200 to its INVITE."""
        if self._dialog is not None:
            self._answered = True
            self._dialog.answer(self._offer() if self._accepted is None else self._answer(self._accepted))

    def release(self, status: int = 487, reason: str = "Request Terminated") -> None:
        """End its dialog: BYE, CANCEL, or ``status`` to an INVITE that was not answered yet. Nothing is told of it."""
        if self._released:
            return
        self._released = True
        dialog, self._dialog = self._dialog, None
        if dialog is None:
            return
        if self._inbound and not self._answered:
            dialog.reject(status, reason)
        else:
            dialog.hang_up()

    def hold(self, held: bool) -> None:
        """Tell it by re-INVITE where the line can; held, it is sent music and need not send (RFC 3264 §8.4)."""
        if held == self._held:
            return
        self._held = held
        if self._dialog is not None and not self._released and self.line.capabilities.hold:
            self._dialog.reinvite(self._offer())

    def refer(self, number: str) -> None:
        if self._dialog is not None and not self._released:
            self._dialog.refer(number)

    def send_digits(self, digits: str) -> None:
        """Raises ValueError where the peer takes no telephone events."""
        self.leg.send_digits(digits)

    # ---- SDP

    def _direction(self) -> str:
        return "sendonly" if self._held else "sendrecv"

    def _offer(self) -> str:
        host, port = self.line.local_host(), self.leg.port
        sdp = make_offer(host, port, self.settings.codecs, port, self._sdp_version, self._direction())
        self._sdp_version += 1
        return sdp

    def _answer(self, accepted: Accepted) -> str:
        answer = accepted.answer(self.line.local_host(), self.leg.port, self.leg.port, self._sdp_version)
        self._sdp_version += 1
        return answer

    def _agree(self, negotiated: Negotiated) -> None:
        try:
            self.leg.negotiate(negotiated)
        except ValueError as error:
            raise SdpError(str(error)) from error
        self.negotiated = negotiated
        self._owner.line_renegotiated(self)

    def _read_answer(self, sdp: str) -> bool:
        try:
            self._agree(read_answer(sdp))
        except SdpError as error:
            log.warning("call %s: the answer's SDP cannot be used: %s", self._call, error)
            self._owner.line_unusable(self, f"unusable SDP answer: {error}")
            return False
        return True

    # ---- what the line reports (DialogListener)

    def dialog_progress(self, status: int, sdp: str) -> None:
        if not self._released and (not sdp or self._read_answer(sdp)):
            self._owner.line_progress(self, status, bool(sdp))

    def dialog_answered(self, sdp: str) -> None:
        if self._released or (sdp and not self._read_answer(sdp)):
            return
        self._answered = True
        if self.negotiated is None:
            self._owner.line_unusable(self, "answered without SDP")
        else:
            self._owner.line_answered(self, self.negotiated.codec)

    def dialog_confirmed(self, sdp: str) -> None:
        if self._released or (sdp and not self._read_answer(sdp)):
            return
        if self.negotiated is None:
            self._owner.line_unusable(self, "a late offer was never answered")

    def dialog_reoffer(self, sdp: str) -> None:
        dialog = self._dialog
        if dialog is None or self._released:
            return
        if not sdp:
            dialog.accept_reoffer(self._offer())
            return
        try:
            accepted = accept(sdp, self.settings.codecs, self._direction())
            self._agree(accepted.negotiated)
        except SdpError as error:
            log.warning("call %s: a re-INVITE cannot be accepted: %s", self._call, error)
            dialog.reject_reoffer(488)
            return
        dialog.accept_reoffer(self._answer(accepted))
        self._owner.line_held(self, accepted.negotiated.direction in ("recvonly", "inactive"))

    def dialog_reinvite_done(self, status: int, sdp: str) -> None:
        if self._released:
            return
        if status == 200 and sdp:
            self._read_answer(sdp)
        elif status != 200:
            log.info("call %s: our re-INVITE was refused with %d, the session stays", self._call, status)

    def dialog_digit(self, digit: str) -> None:
        if not self._released:
            self._owner.line_digit(self, digit)

    def dialog_refer_done(self, status: int, reason: str) -> None:
        if not self._released:
            self._owner.line_refer_done(self, status, reason)

    def dialog_refer(self, target: str) -> bool:
        """Declined: a caller who could make us dial would dial at the house's expense."""
        log.warning("call %s: the peer asks for a transfer; declined", self._call)
        return False

    def dialog_ended(self, end: DialogEnd) -> None:
        if not self._released:
            self._released, self._dialog = True, None
            self._owner.line_ended(self, end)
