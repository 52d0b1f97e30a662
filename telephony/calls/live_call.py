"""The shell around one call's rules: carries out their effects on the line, the headset, the recorder and the floor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from telephony import events
from telephony.calls.call import Call, CallRefused, Phase
from telephony.calls.effects import (
    AnswerLine,
    Effects,
    Emit,
    Finish,
    FreeAgent,
    HoldLine,
    JoinAgent,
    Mute,
    ReleaseLine,
    RingAgent,
    RingLine,
    SeekAgent,
    StopRinging,
)
from telephony.clock import SECOND, Clock
from telephony.events import Direction, Party
from telephony.floor.floor import Floor
from telephony.lines.line import Dialog, DialogEnd, EndedBy, Line
from telephony.lines.sdp import Negotiated, SdpError, make_answer, make_offer, read_answer
from telephony.media.bridge import Bridge
from telephony.media.headset_server import HeadsetServer
from telephony.media.rtp_leg import RtpLeg
from telephony.media.tap import Recorder

log = logging.getLogger(__name__)

_ENDED_BY = {EndedBy.PEER: Party.CALLER, EndedBy.US: Party.SYSTEM, EndedBy.NETWORK: Party.NETWORK}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every live call of a phone shares."""

    clock: Clock
    publish: Callable[[events.Event], events.Event]
    floor: Floor
    headsets: HeadsetServer
    recorder: Recorder | None
    #: a call waits or an agent may be free: look for matches soon
    route: Callable[[], None]
    #: the call is over and may be forgotten
    finished: Callable[[str], None]


class LiveCall:
    """One call in flight: implements ``DialogListener`` and executes what ``Call`` decides."""

    def __init__(self, call: Call, line: Line, leg: RtpLeg, codecs: tuple[str, ...], around: Surroundings) -> None:
        self.call = call
        self.line = line
        self.dialog: Dialog | None = None
        self._leg = leg
        self._codecs = codecs
        self._around = around
        self._bridge = Bridge(call.id, leg, None)
        self._negotiated: Negotiated | None = None
        self._answer_sdp = ""
        self._sdp_version = 1
        self._join_waits = False
        self._recording = False
        self._timer: asyncio.TimerHandle | None = None
        leg.on_digit = self._digit_heard

    def _now(self) -> int:
        return self._around.clock.monotonic()

    # ---- SDP

    def accept_offer(self, sdp: str) -> None:
        """Prepare the answer to an inbound INVITE. Raises SdpError; an empty offer means that we offer in the 200."""
        if sdp:
            self._answer_sdp, negotiated = self._answer(sdp)
            self._agree(negotiated)
        else:
            self._answer_sdp = self.offer()

    def _direction(self) -> str:
        """What we want of the audio's direction: a held caller is sent silence and not heard."""
        return "sendonly" if Party.AGENT in self.call.held_by else "sendrecv"

    def offer(self) -> str:
        host, port = self.line.local_host(), self._leg.port
        sdp = make_offer(host, port, self._codecs, port, self._sdp_version, self._direction())
        self._sdp_version += 1
        return sdp

    def _answer(self, sdp: str) -> tuple[str, Negotiated]:
        host, port = self.line.local_host(), self._leg.port
        answer = make_answer(sdp, host, port, self._codecs, port, self._sdp_version, self._direction())
        self._sdp_version += 1
        return answer

    def _agree(self, negotiated: Negotiated) -> None:
        try:
            self._leg.negotiate(negotiated)
        except ValueError as error:
            raise SdpError(str(error)) from error
        self._negotiated = negotiated
        self._bridge.renegotiated()

    def _read_answer(self, sdp: str) -> bool:
        try:
            self._agree(read_answer(sdp))
        except SdpError as error:
            log.warning("call %s: the answer's SDP cannot be used: %s", self.call.id, error)
            self.run(self.call.system_ends(488, f"unusable SDP answer: {error}", self._now()))
            return False
        return True

    # ---- effects

    def run(self, effects: Effects) -> None:
        around, call = self._around, self.call
        for effect in effects:
            match effect:
                case Emit(event):
                    around.publish(event)
                case RingLine():
                    self._dialog.ring()
                case AnswerLine():
                    self._dialog.answer(self._answer_sdp)
                case ReleaseLine(status, reason):
                    self._release(status, reason)
                case HoldLine(held):
                    self._hold(held)
                case SeekAgent():
                    around.route()
                case RingAgent(agent):
                    around.floor.rings(agent, call.id)
                case StopRinging(agent, missed):
                    if call.agent != agent:
                        around.floor.stops_ringing(agent, missed)
                case JoinAgent(agent, record):
                    self._join(agent, record)
                case FreeAgent(agent):
                    self._bridge.disconnect()
                    around.floor.wraps_up(agent)
                case Mute(muted):
                    self._bridge.muted = muted
                case Finish():
                    self._finish()
                case _:
                    assert_never(effect)
        self._set_timer()

    @property
    def _dialog(self) -> Dialog:
        assert self.dialog is not None
        return self.dialog

    def _release(self, status: int, reason: str) -> None:
        if self.dialog is None:
            return
        if self.call.direction is Direction.INBOUND and not self.call.answered_at:
            self.dialog.reject(status, reason)
        else:
            self.dialog.hang_up()

    def _hold(self, held: bool) -> None:
        self._bridge.held = held
        if self.line.capabilities.hold:
            self._dialog.reinvite(self.offer())

    def _join(self, agent: str, record: bool) -> None:
        if self._negotiated is None:
            self._join_waits = True
            return
        self._join_waits = False
        if record and not self._recording:
            self._record()
        if self.call.answered_at:
            self._around.floor.talks(agent, self.call.id)
        self.headset_back()

    def headset_back(self) -> None:
        """Connect the agent's headset, at the start or when it came back in mid-call."""
        if self._negotiated is None or self.call.phase is Phase.ENDED:
            return
        headset = self._around.headsets.headset(self.call.agent)
        if headset is None:
            self.headset_gone()
            return
        self.call.headset_back()
        self._bridge.connect(headset)
        self._set_timer()

    def headset_gone(self) -> None:
        """The headset's socket is dead; the line gets silence until it comes back."""
        self._bridge.disconnect()
        self.call.headset_gone(self._now())
        self._set_timer()

    def _record(self) -> None:
        if self._around.recorder is None:
            return
        try:
            tap, path = self._around.recorder.open(self.call.id, self._recording_closed, self._recording_failed)
        except OSError as error:
            log.error("call %s cannot be recorded: %s", self.call.id, error)
            self._recording_failed(str(error), 0.0)
            return
        self._recording = True
        self._bridge.tap = tap
        self._around.publish(events.RecordingStarted(call=self.call.id, path=path))

    def _recording_closed(self, path: str, size: int, packets: int) -> None:
        self._around.publish(events.RecordingClosed(call=self.call.id, path=path, bytes=size, packets=packets))

    def _recording_failed(self, reason: str, lost_seconds: float) -> None:
        self._around.publish(events.RecordingFailed(call=self.call.id, reason=reason, lost_seconds=lost_seconds))

    def _finish(self) -> None:
        quality = self._bridge.close()
        if quality.received:
            self._around.publish(
                events.MediaQuality(
                    call=self.call.id,
                    leg="line",
                    received=quality.received,
                    lost=quality.lost,
                    late=quality.late,
                    jitter_ms=quality.jitter_ms,
                    ignored=quality.ignored,
                )
            )
        self._around.finished(self.call.id)

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        deadline = self.call.deadline()
        if deadline is not None:
            delay = max(0.0, (deadline - self._now()) / SECOND)
            self._timer = asyncio.get_running_loop().call_later(delay + 0.0005, self._due)

    def _due(self) -> None:
        self.run(self.call.due(self._now()))

    # ---- what agents do

    def offer_to(self, agent: str) -> None:
        self.run(self.call.offer_to(agent, self._now()))

    def agent_answers(self, agent: str) -> None:
        codec = self._negotiated.codec if self._negotiated else self._codecs[0]
        self.run(self.call.agent_answers(agent, codec, self._now()))

    def agent_rejects(self, agent: str) -> None:
        self.run(self.call.agent_rejects(agent, self._now()))

    def agent_unreachable(self, agent: str) -> None:
        self.run(self.call.agent_unreachable(agent, self._now()))

    def agent_hangs_up(self, agent: str) -> None:
        self.run(self.call.agent_hangs_up(agent, self._now()))

    def agent_holds(self, agent: str, held: bool) -> None:
        self._mine(agent)
        self.run(self.call.hold(Party.AGENT, held))

    def agent_mutes(self, agent: str, muted: bool) -> None:
        self._mine(agent)
        self.run(self.call.mute(muted))

    def agent_dials_digits(self, agent: str, digits: str) -> None:
        self._mine(agent)
        if not digits or any(digit not in "0123456789*#ABCD" for digit in digits):
            raise CallRefused("bad_digits", "Digits are 0-9, *, # and A-D.")
        if not self.call.answered_at:
            raise CallRefused("wrong_state", "Digits can be sent once the call is answered.")
        try:
            self._leg.send_digits(digits)
        except ValueError as error:
            raise CallRefused("no_dtmf", "The other side takes no telephone events.") from error
        for digit in digits:
            self.run(self.call.digit(digit, Party.AGENT))

    def _mine(self, agent: str) -> None:
        if self.call.agent != agent:
            raise CallRefused("not_yours", "This call is not yours.")

    def system_ends(self, status: int, reason: str) -> None:
        self.run(self.call.system_ends(status, reason, self._now()))

    # ---- what the line reports (DialogListener)

    def dialog_progress(self, status: int, sdp: str) -> None:
        if sdp and not self._read_answer(sdp):
            return
        self.run(self.call.line_progress(status, bool(sdp), self._now()))

    def dialog_answered(self, sdp: str) -> None:
        if sdp and not self._read_answer(sdp):
            return
        if self._negotiated is None:
            self.run(self.call.system_ends(488, "answered without SDP", self._now()))
            return
        self.run(self.call.callee_answers(self._negotiated.codec, self._now()))

    def dialog_confirmed(self, sdp: str) -> None:
        if sdp and not self._read_answer(sdp):
            return
        if self._join_waits:
            if self._negotiated is None:
                self.run(self.call.system_ends(488, "a late offer was never answered", self._now()))
            else:
                self._join(self.call.agent, record=True)

    def dialog_reoffer(self, sdp: str) -> None:
        if not sdp:
            self._dialog.accept_reoffer(self.offer())
            return
        try:
            answer, negotiated = self._answer(sdp)
            self._agree(negotiated)
        except SdpError as error:
            log.warning("call %s: a re-INVITE cannot be accepted: %s", self.call.id, error)
            self._dialog.reject_reoffer(488)
            return
        self._dialog.accept_reoffer(answer)
        self.run(self.call.hold(Party.CALLER, negotiated.direction in ("recvonly", "inactive")))

    def dialog_reinvite_done(self, status: int, sdp: str) -> None:
        if status == 200 and sdp:
            self._read_answer(sdp)
        elif status != 200:
            log.info("call %s: our re-INVITE was refused with %d, the session stays", self.call.id, status)

    def dialog_digit(self, digit: str) -> None:
        self._digit_heard(digit)

    def _digit_heard(self, digit: str) -> None:
        self.run(self.call.digit(digit, Party.CALLER))

    def dialog_ended(self, end: DialogEnd) -> None:
        self.run(self.call.line_ends(_ENDED_BY[end.by], end.status, end.reason, self._now()))
