"""What agents and supervisors ask of one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from telephony.calls import consult, conversation, supervision, transfer
from telephony.calls.call import Call, CallRefused, Phase
from telephony.calls.effects import Effects
from telephony.calls.participant import Group
from telephony.calls.refusal import Reason, wrong_state
from telephony.calls.surroundings import Surroundings
from telephony.calls.way import Way
from telephony.events import Party, Target, TargetKind
from telephony.floor.agent import AgentRefused

if TYPE_CHECKING:
    from telephony.calls.live_call import LiveCall

_DIGITS = frozenset("0123456789*#ABCD")


class Desk:
    """Every method raises CallRefused, or AgentRefused where the floor refuses, and has changed nothing then."""

    def __init__(self, live: LiveCall, around: Surroundings) -> None:
        self._live = live
        self._around = around

    @property
    def _call(self) -> Call:
        return self._live.call

    def _now(self) -> int:
        return self._live.now()

    # ---- any agent's

    def answer(self, agent: str) -> None:
        offer = self._call.ringing.get(agent)
        if offer is not None and offer.phone:
            raise wrong_state(Reason.RINGS_AT_TELEPHONE)
        self._live.run(self._call.agent_answers(agent, self._live.codec, self._now()))

    def reject(self, agent: str) -> None:
        self._live.run(self._call.agent_rejects(agent, self._now()))

    def hang_up(self, agent: str) -> None:
        self._live.run(self._call.agent_hangs_up(agent, self._now()))

    def leave(self, agent: str) -> None:
        conversation.joined_party(self._call, agent)
        self.hang_up(agent)

    def mute(self, agent: str, muted: bool) -> None:
        self._live.run(self._call.agent_mutes(agent, muted))

    # ---- of the agent whose call it is

    def hold(self, agent: str, held: bool) -> None:
        self._live.run(self._call.agent_holds(agent, held, self._now()))

    def digits(self, agent: str, digits: str) -> None:
        """To whom the agent talks: the caller, or the consulted party."""
        own = conversation.handler(self._call, agent)
        if not digits or not _DIGITS.issuperset(digits):
            raise CallRefused("bad_digits", "Digits are 0-9, *, # and A-D.")
        if not self._call.talking:
            raise wrong_state(Reason.NOT_TALKING)
        asked = conversation.consulted(self._call)
        number = asked.number if asked is not None and own.group is Group.SIDE else 0
        party = self._live.line_party(number)
        if party is None:
            raise CallRefused("not_able", "The other side takes no digits.")
        try:
            party.send_digits(digits)
        except ValueError as error:
            raise CallRefused("no_dtmf", "The other side takes no telephone events.") from error
        for digit in digits:
            self._live.run(self._call.digit(digit, Party.AGENT))

    def private(self, agent: str, private: bool) -> None:
        self._live.run(self._call.says_private(agent, private, self._now()))

    def transfer(self, agent: str, target: Target) -> None:
        """Blind: the agent is free at once."""
        call = self._call
        conversation.check_talking(call)
        conversation.handler(call, agent)
        refer = target.kind is TargetKind.NUMBER and self._refers()
        way = self._way(target, optional=refer)
        self._ask(target, lambda: transfer.blind(call, agent, target, way, self._now(), refer=refer))

    def consult(self, agent: str, target: Target) -> int:
        """Gives the number of the party that is asked; of a queue that is who would get its next call."""
        conversation.check_talking(self._call)
        conversation.handler(self._call, agent)
        if target.kind is TargetKind.QUEUE:
            return self._consult_queue(agent, target, ())
        return self._consult(agent, target)

    def consult_next(self, agent: str, queue: Target, asked: tuple[str, ...]) -> bool:
        """Those ``asked`` of a queue did not come; False: nobody else is free."""
        try:
            self._consult_queue(agent, queue, asked)
        except CallRefused:
            return False
        return True

    def _consult_queue(self, agent: str, target: Target, asked: tuple[str, ...]) -> int:
        self._way(target)
        here = {party.agent for party in self._call.parties.values()}
        chosen = self._around.free_agent(target.queue, here.union(asked))
        if not chosen:
            raise CallRefused("nobody_free", "Nobody of this queue is free just now: try again, or transfer to it.")
        name = self._around.floor.agent(chosen).name
        one = Target(kind=TargetKind.AGENT, agent=chosen, queue=target.queue, name=name, entry=target.entry)
        number = self._consult(agent, one)
        self._call.parties[number].asked_before = asked
        return number

    def _consult(self, agent: str, target: Target) -> int:
        call, way = self._call, self._way(target)
        self._ask(target, lambda: consult.begin(call, agent, target, way, self._now()))
        asked = conversation.consulted(call)
        return asked.number if asked is not None else -1

    def swap(self, agent: str) -> None:
        self._live.run(consult.swap(self._call, agent, self._now()))

    def merge(self, agent: str) -> None:
        self._live.run(consult.merge(self._call, agent, self._now()))

    def complete(self, agent: str) -> None:
        self._live.run(consult.complete(self._call, agent, self._now()))

    def cancel_consult(self, agent: str) -> None:
        self._live.run(consult.cancel(self._call, agent, self._now()))

    def drop(self, agent: str, party: int) -> None:
        self._live.run(conversation.drop(self._call, agent, party, self._now()))

    # ---- supervisors'

    def monitor(self, supervisor: str, mode: str) -> None:
        supervision.check(self._call, supervisor, mode)
        self._come(supervisor)
        self._live.run(supervision.monitor(self._call, supervisor, mode, self._now()))

    def take_over(self, supervisor: str) -> None:
        supervision.check_take_over(self._call, supervisor)
        self._come(supervisor)
        self._live.run(supervision.take_over(self._call, supervisor, self._now()))

    def prioritise(self, priority: int, reason: str, by: str, preferred_agent: str) -> None:
        """A program (``by`` empty) may be late; a person is told so."""
        if self._call.phase not in (Phase.MENU, Phase.QUEUED, Phase.RINGING):
            if by:
                raise wrong_state(Reason.NOT_WAITING)
            return
        self._live.run(self._call.prioritise(priority, reason, by, preferred_agent))

    # ---- how

    def _come(self, supervisor: str) -> None:
        if conversation.party_of(self._call, supervisor) is not None:
            return
        if self._around.headsets.headset(supervisor) is None:
            raise AgentRefused("no_headset", "No headset is connected. Plug it in and allow the microphone.")
        conversation.check_tracks(self._call, supervisor)
        self._around.floor.joins(supervisor, self._call.id, "monitoring")

    def _refers(self) -> bool:
        caller = self._live.line_party(0)
        return caller is not None and caller.line.capabilities.refer and caller.settings.transfer == "refer"

    def _way(self, target: Target, *, optional: bool = False) -> Way:
        """How the target is reached; ``optional``: a line need not be there."""
        if target.kind is TargetKind.AGENT:
            return Way(phone=self._around.floor.phone_of(target.agent))
        if target.kind is TargetKind.QUEUE:
            if not any(queue.name == target.queue for queue in self._around.routing().queues):
                raise CallRefused("bad_arguments", f"There is no queue {target.queue!r}.")
            return Way()
        number = self._around.diallable(target.number)
        try:
            return Way(number=number, line=self._around.line("")[0].name)
        except CallRefused:
            if not optional:
                raise
        return Way(number=number)

    def _ask(self, target: Target, decide: Callable[[], Effects]) -> None:
        """Where it is an agent, they are taken before the call rings there."""
        if target.kind is not TargetKind.AGENT:
            self._live.run(decide())
            return
        floor = self._around.floor
        try:
            floor.invited(target.agent, self._call.id)
        except AgentRefused as error:
            raise _of_colleague(error) from error
        try:
            effects = decide()
        except CallRefused:
            floor.stops_ringing(target.agent, "")
            raise
        self._live.run(effects)


def _of_colleague(refused: AgentRefused) -> CallRefused:
    """What the floor says to an agent about themselves, said of the one they ask for."""
    if refused.code == "agent_busy":
        return CallRefused("target_busy", "This colleague is on a call or in wrap-up.")
    return CallRefused("target_away", "This colleague is not there: signed out, or without a headset.")
