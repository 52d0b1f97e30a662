"""The shell around one call's rules: carries out their effects on lines, headsets, the recorder and the floor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import assert_never

from telephony import events
from telephony.afterwards import afterwards
from telephony.calls import conversation, invitations, transfer
from telephony.calls.call import Call, CallRefused, Phase
from telephony.calls.call_audio import CallAudio
from telephony.calls.desk import Desk
from telephony.calls.effects import (
    AnswerLine,
    AskNext,
    AwaitAgent,
    CallAgain,
    DialParty,
    Effect,
    Effects,
    Emit,
    Finish,
    ForwardFailed,
    FreeAgent,
    HoldLine,
    JoinAgent,
    Mute,
    OwnCall,
    Record,
    ReferLine,
    ReleaseLine,
    RemoveParty,
    RingAgent,
    RingLine,
    Route,
    SeekAgent,
    StopRinging,
    Visit,
)
from telephony.calls.line_party import LineParty
from telephony.calls.one_way import LOOK_NS, SilentParties
from telephony.calls.participant import Kind
from telephony.calls.reception import Reception
from telephony.calls.surroundings import Surroundings
from telephony.clock import SECOND
from telephony.events import Party
from telephony.lines.line import Dialog, DialogEnd, EndedBy, Line
from telephony.media.headset_liveness import AUDIO_GOES_ON, FROZEN
from telephony.media.ports import NoFreePort
from telephony.settings import LineSettings

log = logging.getLogger(__name__)

_ENDED_BY = {EndedBy.PEER: Party.CALLER, EndedBy.US: Party.SYSTEM, EndedBy.NETWORK: Party.NETWORK}


class LiveCall:
    """One call in flight. Implements ``LineOwner`` for its outside parties, who each have a dialog and a leg.

    ``desk`` is for agents and supervisors, ``reception`` for the caller who has no agent.
    """

    def __init__(self, call: Call, around: Surroundings) -> None:
        self.call = call
        self.audio = CallAudio(call.id, around)
        self.reception = Reception(self, around)
        self._around = around
        self._lines: dict[int, LineParty] = {}
        #: telephones of agents, ringing or not yet joined, by agent
        self._phones: dict[str, LineParty] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_wanted = False
        self._silences = SilentParties()
        self._looks_at = 0

    @property
    def desk(self) -> Desk:
        return Desk(self, self._around)

    def now(self) -> int:
        return self._around.clock.monotonic()

    # ---- beginnings

    def receive(self, line: Line, settings: LineSettings, dialog: Dialog, sdp: str) -> None:
        """An INVITE is here. Raises NoFreePort or OSError (the dialog is untouched), SdpError (it is ours)."""
        self._open_line(0, line, settings).receive(dialog, sdp)

    def dial(self, line: Line, settings: LineSettings, number: str) -> None:
        """Raises NoFreePort or OSError."""
        party = self._open_line(0, line, settings)
        self.run(self.call.place(self.now()))
        party.dial(number)

    def dial_from_phone(self, phone: str) -> None:
        """The agent's telephone rings; when it is answered, the number is dialled."""
        self.run(self.call.place_from_phone(self.now(), phone))

    def begin(self) -> None:
        """An inbound call goes through menus and queues to an agent."""
        self.run(self.call.begin(self.now()))
        self.reception.begin()
        self.set_timer()

    def wait_to_call_back(self, waiting_since: int, position: int) -> None:
        """A call-back waits in its queue, since ``waiting_since`` (monotonic ns)."""
        self.run(self.call.wait_to_call_back(self.now(), waiting_since, position))
        self.reception.wait_to_call_back()
        self.set_timer()

    def _open_line(self, number: int, line: Line, settings: LineSettings) -> LineParty:
        party = LineParty(self.call.id, number, line, settings, self._around.ports.open_leg(), self)
        if number >= 0:
            self._lines[number] = party
            self.audio.add_leg(number, party.leg)
        return party

    def line_party(self, number: int) -> LineParty | None:
        """The outside party of this number, if it is one."""
        return self._lines.get(number)

    @property
    def codec(self) -> str:
        """What the caller speaks, or will be offered."""
        caller = self._lines.get(0)
        return caller.codec if caller else ""

    # ---- effects

    def run(self, effects: Effects) -> None:
        for effect in effects:
            self._do(effect)
        self.set_timer()

    def _do(self, effect: Effect) -> None:
        around, call, caller = self._around, self.call, self._lines.get(0)
        match effect:
            case Emit(event):
                around.publish(event)
            case RingLine():
                if caller is not None:
                    caller.ring()
            case AnswerLine():
                if caller is not None:
                    caller.answer()
            case ReleaseLine(status, reason):
                if caller is not None:
                    caller.release(status, reason)
            case HoldLine(held):
                if caller is not None:
                    caller.hold(held)
            case ReferLine(number):
                if caller is not None:
                    caller.refer(number)
            case DialParty(party, number, line):
                self._dial_party(party, number, line)
            case SeekAgent():
                around.route()
            case RingAgent(agent, invited, phone):
                if not invited:
                    around.floor.rings(agent, call.id)
                if phone:
                    self._dial_phone(agent, phone)
            case StopRinging(agent, missed):
                self._drop_phone(agent)
                around.floor.stops_ringing(agent, missed)
            case Record():
                if self.audio.record():
                    call.recorded_since = self.now()
            case JoinAgent(agent, party):
                self._join(agent, party)
            case OwnCall(agent):
                around.floor.talks(agent, call.id)
            case Visit(agent, reason):
                around.floor.joins(agent, call.id, reason)
            case RemoveParty(party):
                self._remove(party)
            case FreeAgent(agent, handled):
                self._drop_phone(agent)
                (around.floor.wraps_up if handled else around.floor.leaves)(agent, call.id)
            case Mute(party, muted):
                self.audio.set_muted(party, muted)
            case Route(hears, sounds):
                self._route(hears, sounds)
            case AwaitAgent():
                self.reception.queued()
            case ForwardFailed(status):
                self.reception.forward_failed(status)
            case AskNext(by, target, asked):
                if not self.desk.consult_next(by, target, asked):
                    self.run(invitations.nobody_came(call, self.now()))
            case CallAgain(seconds):
                around.call_again(call, seconds)
            case Finish():
                self._finish()
            case _:
                assert_never(effect)

    def _dial_party(self, number: int, address: str, line_name: str) -> None:
        try:
            line, settings = self._around.line(line_name)
            party = self._open_line(number, line, settings)
        except (CallRefused, NoFreePort, OSError) as error:
            log.error("call %s: party %d cannot be dialled: %s", self.call.id, number, error)
            reason = str(error)
            self._soon(lambda: self.call.party_ends(number, Party.NETWORK, 503, reason, self.now()))
            return
        if number == 0:
            self.reception.answered()
            self.call.line = line.name
        party.dial(address)

    def _dial_phone(self, agent: str, number: str) -> None:
        """The agent works at a telephone: what rings at their desk is that (D103)."""
        try:
            line, settings = self._around.line("")
            party = self._open_line(-1, line, settings)
        except (CallRefused, NoFreePort, OSError) as error:
            log.error("call %s: the telephone of %s cannot be dialled: %s", self.call.id, agent, error)
            self._soon(lambda: self.call.agent_unreachable(agent, self.now()))
            return
        self._phones[agent] = party
        party.dial(number)

    def _soon(self, decide: Callable[[], Effects]) -> None:
        """Run what follows once the effects at hand are through."""
        asyncio.get_running_loop().call_soon(lambda: self.run(decide()))

    def _drop_phone(self, agent: str) -> None:
        phone = self._phones.pop(agent, None)
        if phone is not None:
            phone.release()
            phone.leg.close()

    def _join(self, agent: str, number: int) -> None:
        phone = self._phones.pop(agent, None)
        if phone is not None:
            phone.number = number
            self._lines[number] = phone
            self.audio.add_leg(number, phone.leg)
        else:
            self._connect(agent, number)

    def _connect(self, agent: str, number: int) -> None:
        headset = self._around.headsets.headset(agent)
        if headset is None:
            reason = self._around.floor.agent(agent).headset_reason or "closed"
            self.run(self.call.headset_gone(agent, reason, self.now()))
        else:
            self.run(self.call.headset_back(agent))
            self.audio.add_headset(number, headset)

    def _remove(self, number: int) -> None:
        party = self._lines.pop(number, None)
        if party is not None:
            party.release()
        self.audio.remove(number)

    def _route(self, hears: Mapping[int, tuple[int, ...]], sounds: Mapping[int, str]) -> None:
        if self.call.talking:
            self.reception.answered()
        music = self._around.routing().queue(self.call.queue).music
        self.audio.route(hears, sounds, music)

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.reception.ended()
        for party in self._lines.values():
            party.release()
        self._lines.clear()
        for agent in list(self._phones):
            self._drop_phone(agent)
        self.audio.close()
        self._around.floor.call_over(self.call.id)
        self._around.finished(self.call.id)
        asyncio.get_running_loop().call_soon(self.reception.forgotten)

    def set_timer(self) -> None:
        """Wake up at the next time that the call or its attendant has; after each change of those, several at once."""
        if not self._timer_wanted:
            self._timer_wanted = True
            afterwards(asyncio.get_running_loop(), self._set_timer)

    def _set_timer(self) -> None:
        self._timer_wanted = False
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self.call.phase is Phase.ENDED:
            return
        looks_at = self._looks_at if self.call.talking else None
        times = [time for time in (self.call.deadline(), self.reception.deadline(), looks_at) if time is not None]
        if times:
            delay = max(0.0, (min(times) - self.now()) / SECOND)
            self._timer = asyncio.get_running_loop().call_later(delay + 0.0005, self._due)

    def _due(self) -> None:
        self.run(self.call.due(self.now()))
        self.reception.due()
        self._look(self.now())
        self.set_timer()

    def _look(self, now: int) -> None:
        """Does audio come from everybody who should be heard?"""
        if not self.call.talking or now < self._looks_at:
            return
        after = int(self.call.rules.one_way_after * SECOND)
        self._looks_at = now + min(LOOK_NS, after)
        for number, silent in self._silences.look(self.audio.received(), now, after).items():
            party = self.call.parties.get(number)
            if party is not None:
                party.silent = silent
                leg = "headset" if party.kind is Kind.HEADSET else "line"
                told = events.MediaOneWay(call=self.call.id, party=number, silent=silent, leg=leg, agent=party.agent)
                self._around.publish(told)

    # ---- offers

    def offer_to(self, agent: str, *, beside: bool = False) -> None:
        phone = self._around.floor.phone_of(agent)
        self.run(self.call.offer_to(agent, self.now(), phone=phone, beside=beside))

    def headset_lost(self, agent: str, reason: str) -> None:
        """A ringing call goes elsewhere at once; in a live one the others wait."""
        offer = self.call.ringing.get(agent)
        if offer is not None and not offer.phone:
            self.run(self.call.agent_unreachable(agent, self.now()))
            return
        party = conversation.party_of(self.call, agent)
        if party is not None and party.joined and party.kind is Kind.HEADSET:
            if reason not in AUDIO_GOES_ON:
                self.audio.remove_headset(party.number)
            self.run(self.call.headset_gone(agent, reason, self.now(), heard=reason == FROZEN))

    def headset_back(self, agent: str) -> None:
        party = conversation.party_of(self.call, agent)
        if party is not None and party.joined and party.kind is Kind.HEADSET:
            self._connect(agent, party.number)
            self.set_timer()

    def leave_to_others(self, agent: str) -> None:
        """The agent signed out: a call that goes on without them does so at once."""
        party = conversation.party_of(self.call, agent)
        if party is not None and party.joined and conversation.lasts_without(self.call, party):
            self.run(self.call.party_leaves(party, Party.AGENT, 200, "signed out", self.now()))

    def routing_changed(self, priorities: Mapping[str, int]) -> None:
        self.call.priorities = priorities
        self.reception.routing_changed()
        self.set_timer()

    def system_ends(self, status: int, reason: str) -> None:
        self.run(self.call.system_ends(status, reason, self.now()))

    # ---- what the lines report (LineOwner)

    def _agent_at(self, party: LineParty) -> str:
        """Whose telephone it is, while it has not joined."""
        return next((agent for agent, phone in self._phones.items() if phone is party), "")

    def line_progress(self, party: LineParty, status: int, early_media: bool) -> None:
        if party.number == 0:
            self.run(self.call.line_progress(status, early_media, self.now()))
        elif party.number in self.call.parties and not self.call.parties[party.number].joined:
            self.run(invitations.progress(self.call, self.call.parties[party.number], status, early_media))

    def line_answered(self, party: LineParty, codec: str) -> None:
        agent = self._agent_at(party)
        if agent:
            self.run(self.call.agent_answers(agent, self.codec, self.now()))
        elif party.number == 0:
            self.run(self.call.callee_answers(codec, self.now()))
        elif party.number in self.call.parties:
            self.run(invitations.answered(self.call, self.call.parties[party.number], self.now()))

    def line_renegotiated(self, party: LineParty) -> None:
        if party.number >= 0:
            self.audio.renegotiated(party.number)

    def line_held(self, party: LineParty, held: bool) -> None:
        if party.number == 0:
            self.run(self.call.caller_holds(held))

    def line_digit(self, party: LineParty, digit: str) -> None:
        if party.number == 0:
            self.run(self.call.digit(digit, Party.CALLER))
            self.reception.digit(digit)
            self.set_timer()

    def line_refer_done(self, party: LineParty, status: int, reason: str) -> None:
        self.run(transfer.refer_done(self.call, status, reason, self.now()))

    def line_unusable(self, party: LineParty, reason: str) -> None:
        if party.number == 0:
            self.run(self.call.system_ends(488, reason, self.now()))
        else:
            party.release(488, reason)
            self._line_over(party, Party.SYSTEM, 488, reason)

    def line_ended(self, party: LineParty, end: DialogEnd) -> None:
        self._line_over(party, _ENDED_BY[end.by], end.status, end.reason)

    def _line_over(self, party: LineParty, by: Party, status: int, reason: str) -> None:
        agent = self._agent_at(party)
        if not agent:
            self.run(self.call.party_ends(party.number, by, status, reason, self.now()))
        elif agent in self.call.ringing:
            self.run(self.call.phone_fails(agent, by, status, reason, self.now()))
        else:
            self.run(self.call.agent_hangs_up(agent, self.now()))
