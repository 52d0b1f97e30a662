"""One call's rules, without sockets, tasks or sleeping: facts and times go in, effects come out.

Every method takes ``now`` (monotonic ns) and returns the effects to carry out in order. ``deadline()`` says when
``due(now)`` wants to be called next. A call that has ended answers everything with no effects, so that races
between the sides (CANCEL against an answer, two hang-ups) settle by who came first.

What concerns one matter is in a module of its own: ``offers``, ``conversation``, ``invitations``, ``consult``,
``transfer``, ``supervision``, ``message``, ``answering``, ``ending``, ``timing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from telephony import events
from telephony.calls import answering, consult, conversation, ending, invitations, message, offers, timing, transfer
from telephony.calls.effects import (
    AnswerLine,
    AwaitAgent,
    Effects,
    Emit,
    RingLine,
    SeekAgent,
)
from telephony.calls.hearing import Hears
from telephony.calls.offers import Offer
from telephony.calls.participant import MOST_PARTIES, Kind, Participant
from telephony.calls.refusal import CallRefused, Reason, wrong_state
from telephony.calls.rings import RingCounter
from telephony.calls.transfer import Referral
from telephony.clock import SECOND
from telephony.events import Direction, OfferOutcome, Party, Role
from telephony.rules import Rules

__all__ = ["Call", "CallRefused", "Phase"]

#: an agent that refused the call is not asked again for this long while others are
REFUSAL_NS = 10 * SECOND


class Phase(StrEnum):
    NEW = "new"
    #: in the hands of a menu, an announcement, a message being taken
    MENU = "menu"
    QUEUED = "queued"
    RINGING = "ringing"
    DIALLING = "dialling"
    #: no agent any more, and whoever is to have the call next has not answered
    TRANSFERRING = "transferring"
    TALKING = "talking"
    HELD = "held"
    ENDED = "ended"


@dataclass(slots=True)
class Call:
    """Times are monotonic ns, 0: not yet."""

    id: str
    direction: Direction
    line: str
    number: str
    rules: Rules
    dialled: str = ""
    display_name: str = ""
    queue: str = ""
    #: where a call that came from no queue waits when it comes back from a transfer
    home_queue: str = ""
    agent: str = ""
    patient_id: str = ""
    sip_call_id: str = ""
    #: what a reason raises the priority to (docs/routing.md)
    priorities: Mapping[str, int] = field(default_factory=dict)
    #: the call in which this call-back was asked for, or what else it comes from; None: no call-back
    requested_in: str | None = None
    #: which try of the call-back this is
    attempt: int = 1
    phase: Phase = Phase.NEW
    started_at: int = 0
    #: since when it waits, over all queues
    queued_at: int = 0
    #: when it came into a queue the last time
    entered_queue_at: int = 0
    answered_at: int = 0
    recorded_since: int = 0
    #: 200 has been sent or received
    picked_up: bool = False
    priority: int = 0
    preferred_agent: str = ""
    parties: dict[int, Participant] = field(default_factory=dict)
    #: who got which number, by agent or number; the caller is ""
    numbers: dict[str, int] = field(default_factory=dict)
    last_agent: str = ""
    held_by: set[Party] = field(default_factory=set)
    held_since: int = 0
    #: the hold comes from a consultation and ends with it
    consult_holds: bool = False
    private_since: int = 0
    referral: Referral | None = None
    message: message.Message | None = None
    #: offers under way, by agent
    ringing: dict[str, Offer] = field(default_factory=dict)
    offers_made: int = 0
    caller_rings: RingCounter | None = None
    #: agents that refused, with the time until which they are left alone
    refused: dict[str, int] = field(default_factory=dict)
    #: who hears whom, and what is played to whom, as last told
    routed: tuple[Hears, dict[int, str]] = field(default_factory=lambda: ({}, {}))
    #: the caller's leaving, if the call went on without them
    first_gone: Party | None = None
    rings_at_answer: tuple[int, int] = (0, 0)

    # ---- beginnings

    def begin(self, now: int) -> Effects:
        """Inbound: the INVITE is here. What happens next is for the attendant to say."""
        self.started_at = now
        self.phase = Phase.MENU
        self._caller(now)
        return [self._started()]

    def arrive(self, now: int) -> Effects:
        """Inbound without a menu: the caller rings from now on and takes a place in the queue."""
        return [*self.begin(now), *self.enqueue(self.queue, now)]

    def place(self, now: int) -> Effects:
        """Outbound: the agent dials."""
        self.started_at = now
        self.phase = Phase.DIALLING
        self._caller(now)
        self.first_agent(self.agent, Kind.HEADSET, now)
        return [self._started()]

    def place_from_phone(self, now: int, phone: str) -> Effects:
        """Outbound, by an agent without a headset: their own telephone rings first (D103)."""
        self.started_at = now
        self.phase = Phase.DIALLING
        self._caller(now)
        return [self._started(), *offers.begin(self, self.agent, now, phone=phone, invited=True)]

    def wait_to_call_back(self, now: int, waiting_since: int, position: int = 0) -> Effects:
        """A call-back waits beside the callers, with the place of the call that it was asked for in (D116)."""
        self.started_at = now
        self._caller(now)
        placed = events.CallbackStarted(
            call=self.id, queue=self.queue, requested_in=self.requested_in or "", attempt=self.attempt
        )
        effects = [self._started(), Emit(placed), *self._into_queue(self.queue, now, position)]
        self.queued_at = waiting_since
        return effects

    def _caller(self, now: int) -> None:
        self.numbers[""] = 0
        self.parties[0] = Participant(0, Role.CALLER, Kind.LINE, address=self.number, name=self.display_name, since=now)

    def first_agent(self, agent: str, kind: Kind, now: int) -> Participant:
        party = conversation.add(self, Role.AGENT, kind, now, agent=agent)
        party.handled = True
        self.agent = self.last_agent = agent
        return party

    def _started(self) -> Emit:
        return Emit(
            events.CallStarted(
                call=self.id,
                direction=self.direction,
                line=self.line,
                number=self.number,
                dialled=self.dialled,
                display_name=self.display_name,
                queue=self.queue,
                agent=self.agent,
                sip_call_id=self.sip_call_id,
                patient_id=self.patient_id,
            )
        )

    # ---- in the attendant's hands, and in queues

    def pick_up(self, codec: str) -> Effects:
        """200 for a menu or an announcement; the caller is there from now on."""
        if self.picked_up or self.phase is Phase.ENDED:
            return []
        self.picked_up = True
        joined = conversation.join(self, self.parties[0], self.started_at)
        return [AnswerLine(), Emit(events.LinePickedUp(call=self.id, codec=codec)), joined, *conversation.route(self)]

    def enqueue(self, queue: str, now: int, priority: int = 0, reason: str = "", position: int = 0) -> Effects:
        """Wait in ``queue``, also instead of another one; how long the caller has waited is kept."""
        if self.phase not in (Phase.MENU, Phase.QUEUED, Phase.RINGING):
            return []
        effects = offers.end_queued(self, OfferOutcome.NO_ANSWER, now)
        if self.caller_rings is None and self.requested_in is None:
            self.caller_rings = RingCounter(now, self.rules.cadence_ns)
            if not self.picked_up:
                effects.append(RingLine())
        effects += timing.caller_rings_due(self, now)
        effects += self._into_queue(queue, now, position)
        effects += self.prioritise(priority, reason) if reason else []
        self.priority = max(self.priority, priority)
        return effects

    def _into_queue(self, queue: str, now: int, position: int) -> Effects:
        self.queue, self.phase, self.entered_queue_at = queue, Phase.QUEUED, now
        self.queued_at = self.queued_at or now
        return [Emit(events.CallQueued(call=self.id, queue=queue, position=position)), SeekAgent()]

    def attend(self) -> None:
        """In the attendant's hands, in no queue."""
        if self.phase is not Phase.ENDED:
            self.phase = Phase.MENU

    def leave_queue(self, now: int) -> Effects:
        effects = offers.end_queued(self, OfferOutcome.NO_ANSWER, now)
        self.attend()
        return effects

    def wait_again(self, queue: str, now: int) -> Effects:
        """Answered before, and waiting for an agent once more."""
        self.queued_at = now
        effects = self._into_queue(queue or self.queue or self.home_queue, now, 0)
        return [*effects, *conversation.route(self), AwaitAgent()]

    def returns(self, agent: str, now: int) -> Effects:
        """A transfer came to nothing: back to the queue, ahead of others, the agent who sent it preferred."""
        self.preferred_agent = agent
        self.refused.pop(agent, None)
        raised = self.prioritise(self.priorities.get("returned", 0), "returned")
        return [*raised, *self.wait_again(self.queue, now)]

    def prioritise(self, priority: int, reason: str, by: str = "", preferred_agent: str = "") -> Effects:
        """Move forward in the queue; only a person (``by``) may move a call back."""
        if self.phase is Phase.ENDED:
            return []
        self.preferred_agent = preferred_agent or self.preferred_agent
        if not by:
            priority = max(priority, self.priority)
        if priority == self.priority and not by:
            return [SeekAgent()] if preferred_agent else []
        self.priority = priority
        return [Emit(events.CallPriority(call=self.id, priority=priority, reason=reason, by=by)), SeekAgent()]

    # ---- offers

    @property
    def offer(self) -> Offer | None:
        """The queue's offer under way (the first, where it rings at several)."""
        return next((offer for offer in self.ringing.values() if offer.queued), None)

    def rings(self) -> int:
        """At how many agents it rings, while it waits."""
        return sum(offer.queued for offer in self.ringing.values()) if self.phase is Phase.RINGING else 0

    def wants_agent(self) -> bool:
        """True while it waits for one: no offer yet, or none that has not rung its rings."""
        if self.phase not in (Phase.QUEUED, Phase.RINGING):
            return False
        return all(offer.overdue for offer in self.ringing.values() if offer.queued)

    def may_offer_to(self, agent: str, now: int) -> bool:
        has_track = agent in self.numbers or len(self.numbers) < MOST_PARTIES
        return agent not in self.ringing and has_track and self.refused.get(agent, 0) <= now

    def offer_to(self, agent: str, now: int, *, phone: str = "", beside: bool = False) -> Effects:
        """Ring at ``agent``; ``beside`` the agents at whom it rings already, else in their place."""
        if self.phase not in (Phase.QUEUED, Phase.RINGING) or not (beside or self.wants_agent()):
            return []
        effects = [] if beside else offers.end_queued(self, OfferOutcome.NO_ANSWER, now)
        self.phase = Phase.RINGING
        return [*effects, *offers.begin(self, agent, now, phone=phone)]

    def agent_rejects(self, agent: str, now: int) -> Effects:
        offer = self.rings_at(agent)
        if not offer.queued:
            return self._uninvited(offer, 603, "rejected", now, OfferOutcome.REJECTED)
        self.refused[agent] = now + REFUSAL_NS
        return self.end_offer(offer, OfferOutcome.REJECTED, now)

    def agent_unreachable(self, agent: str, now: int) -> Effects:
        """The agent's headset is gone, or there is no line for their telephone: the call rings elsewhere at once."""
        offer = self.ringing.get(agent)
        if offer is None:
            return []
        if offer.phone:
            self.refused[agent] = now + REFUSAL_NS
        if not offer.queued:
            return self._uninvited(offer, 480, "headset lost", now, OfferOutcome.HEADSET_LOST)
        return self.end_offer(offer, OfferOutcome.HEADSET_LOST, now)

    def phone_fails(self, agent: str, by: Party, status: int, reason: str, now: int) -> Effects:
        """The telephone that an agent works at refused, or cannot be reached; it is left alone for a while."""
        offer = self.ringing.get(agent)
        if offer is None:
            return []
        outcome = OfferOutcome.REJECTED if by is Party.CALLER else OfferOutcome.NO_ANSWER
        if not offer.queued:
            return self._uninvited(offer, status, reason, now, outcome)
        self.refused[agent] = now + REFUSAL_NS
        return self.end_offer(offer, outcome, now)

    def end_offer(self, offer: Offer, outcome: OfferOutcome, now: int, missed: str = "") -> Effects:
        """The queue's offer comes to nothing: somebody else is sought."""
        effects = offers.end(self, offer, outcome, now, missed)
        if self.phase is Phase.RINGING and self.offer is None:
            self.phase = Phase.QUEUED
        if self.phase is Phase.DIALLING:
            return [*effects, *self.end(Party.SYSTEM, 480, "the agent's telephone was not answered", now)]
        return [*effects, SeekAgent()]

    def rings_at(self, agent: str) -> Offer:
        offer = self.ringing.get(agent)
        if offer is None:
            raise wrong_state(Reason.RINGS_NO_LONGER)
        return offer

    def _uninvited(self, offer: Offer, status: int, reason: str, now: int, outcome: OfferOutcome) -> Effects:
        by = Party.AGENT if outcome is OfferOutcome.REJECTED else Party.SYSTEM
        return invitations.failed(self, self.parties[offer.party], by, status, reason, now, outcome)

    # ---- answer

    def agent_answers(self, agent: str, codec: str, now: int) -> Effects:
        """Raises CallRefused where it does not ring at this agent (any more)."""
        offer = self.rings_at(agent)
        if not offer.queued:
            return invitations.answered(self, self.parties[offer.party], now)
        return answering.from_queue(self, offer, codec, now)

    def callee_answers(self, codec: str, now: int) -> Effects:
        return answering.by_callee(self, codec, now)

    def line_progress(self, status: int, early_media: bool, now: int) -> Effects:
        return answering.progress(self, status, early_media, now)

    # ---- while it lasts

    @property
    def talking(self) -> bool:
        """Answered, and somebody of the house is in it."""
        return self.phase in (Phase.TALKING, Phase.HELD)

    @property
    def conversing(self) -> bool:
        """What is played to those who wait follows from the conversation, not from a menu."""
        return self.talking or self.phase in (Phase.DIALLING, Phase.TRANSFERRING)

    def converse(self) -> None:
        self.phase = Phase.TALKING
        self.settle_phase()

    def settle_phase(self) -> None:
        """Talking or held, by who holds."""
        if self.talking:
            self.phase = Phase.HELD if self.held_by else Phase.TALKING

    def begin_transferring(self) -> None:
        self.phase = Phase.TRANSFERRING

    def begin_dialling(self) -> None:
        """A call-back goes out: rings count from the other end's on."""
        self.phase, self.caller_rings = Phase.DIALLING, None

    def agent_holds(self, agent: str, held: bool, now: int) -> Effects:
        """Raises CallRefused."""
        conversation.check_talking(self)
        conversation.handler(self, agent)
        if conversation.consulted(self) is not None:
            raise wrong_state(Reason.SWAP_INSTEAD)
        return [*conversation.hold_caller(self, held, now), *conversation.route(self)]

    def caller_holds(self, held: bool) -> Effects:
        """The peer's hold (RFC 3264 §8.4): their own music, nothing of ours changes."""
        if not self.talking or held == (Party.CALLER in self.held_by):
            return []
        (self.held_by.add if held else self.held_by.discard)(Party.CALLER)
        self.settle_phase()
        return [Emit((events.CallHeld if held else events.CallResumed)(call=self.id, by=Party.CALLER))]

    def agent_mutes(self, agent: str, muted: bool) -> Effects:
        """Raises CallRefused."""
        conversation.check_talking(self)
        return conversation.mute(self, conversation.joined_party(self, agent), muted)

    def digit(self, digit: str, by: Party) -> Effects:
        return [] if self.phase is Phase.ENDED else [Emit(events.CallDigit(call=self.id, digit=digit, by=by))]

    def says_private(self, agent: str, private: bool, now: int) -> Effects:
        """The private-call flag (D6, D8). Raises CallRefused."""
        conversation.check_talking(self)
        conversation.handler(self, agent)
        if private == bool(self.private_since):
            return []
        self.private_since = now if private else 0
        return [Emit(events.CallPrivate(call=self.id, agent=agent, private=private))]

    def headset_gone(self, agent: str, reason: str, now: int, *, heard: bool = False) -> Effects:
        """The agent's headset is away. Unless they are ``heard`` all the same, the others wait a while for it to come
        back, once the call is answered."""
        party = conversation.party_of(self, agent)
        if party is None or not party.joined:
            return []
        if not heard and not party.unheard_since:
            party.unheard_since = now
        return conversation.away(self, party, reason, now)

    def headset_back(self, agent: str) -> Effects:
        party = conversation.party_of(self, agent)
        return [] if party is None else conversation.back(self, party)

    # ---- the end

    def agent_hangs_up(self, agent: str, now: int) -> Effects:
        """Ends the call, or leaves it where two others go on talking. Raises CallRefused."""
        if self.phase is Phase.ENDED:
            return []
        if agent in self.ringing:
            return self.agent_rejects(agent, now)
        party = conversation.party_of(self, agent)
        if party is None:
            raise CallRefused("not_yours", "This call is not yours.")
        if self.phase is Phase.DIALLING:
            return self.end(Party.AGENT, 487, "cancelled by the agent", now)
        return self.party_leaves(party, Party.AGENT, 200, "hang up", now)

    def party_leaves(self, party: Participant, by: Party, status: int, reason: str, now: int) -> Effects:
        """A joined party goes; an agent who consults leaves the caller with the consulted party."""
        asked = conversation.consulted(self)
        if party.role is Role.AGENT and asked is not None and asked.joined and 0 in self.parties:
            return consult.hand_over(self, party, asked, reason, now)
        return conversation.leave(self, party, by, now, status, reason)

    def party_ends(self, number: int, by: Party, status: int, reason: str, now: int) -> Effects:
        """The dialog of an outside party is over, or of an agent's telephone. ``by`` CALLER: its own side."""
        if self.phase is Phase.ENDED:
            return []
        if number == 0:
            return self.line_ends(by, status, reason, now)
        party = self.parties.get(number)
        if party is None:
            return []
        by = Party.AGENT if by is Party.CALLER else by
        if party.joined:
            return self.party_leaves(party, by, status, reason, now)
        outcome = OfferOutcome.REJECTED if by is Party.AGENT else OfferOutcome.NO_ANSWER
        return invitations.failed(self, party, by, status, reason, now, outcome)

    def line_ends(self, by: Party, status: int, reason: str, now: int) -> Effects:
        """The caller's dialog is over."""
        if self.phase is Phase.ENDED:
            return []
        if self.referral is not None:
            return transfer.refer_line_ended(self, by, status, reason, now)
        if self.talking and 0 in self.parties:
            return conversation.leave(self, self.parties[0], by, now, status, reason)
        return self.end(by, status, reason, now, line_gone=True)

    def system_ends(self, status: int, reason: str, now: int) -> Effects:
        return self.end(Party.SYSTEM, 200 if self.picked_up else status, reason, now, release=(status, reason))

    def end(
        self,
        by: Party,
        status: int,
        reason: str,
        now: int,
        *,
        line_gone: bool = False,
        release: tuple[int, str] = (487, "Request Terminated"),
    ) -> Effects:
        """It is over for everybody. The first to leave is the one who ended it."""
        if self.phase is Phase.ENDED:
            return []
        return ending.end(self, self.first_gone or by, status, reason, now, release=None if line_gone else release)

    # ---- time

    def deadline(self) -> int | None:
        """Monotonic ns at which ``due`` wants to run, or None."""
        return timing.deadline(self)

    def due(self, now: int) -> Effects:
        return timing.due(self, now)
