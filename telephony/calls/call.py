"""One call's rules, without sockets, tasks or sleeping: facts and times go in, effects come out.

Every method takes ``now`` (monotonic ns) and returns the effects to carry out in order. ``deadline()`` says when
``due(now)`` wants to be called next. A call that has ended answers everything with no effects, so that races
between the two sides (CANCEL against an answer, two hang-ups) settle by who came first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from telephony import events
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
from telephony.calls.rings import RingCounter
from telephony.clock import SECOND
from telephony.events import Direction, OfferOutcome, Party
from telephony.rules import Rules

#: an agent that refused the call is not asked again for this long while others are
REFUSAL_NS = 10 * SECOND
#: a waiting caller's proxies are told "ringing" again, so that they do not give up (RFC 3261 §13.3.1.1: each minute)
RINGS_A_REMINDER = 10


class CallRefused(Exception):
    """The call cannot do this now. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Phase(StrEnum):
    NEW = "new"
    QUEUED = "queued"
    RINGING = "ringing"
    DIALLING = "dialling"
    TALKING = "talking"
    HELD = "held"
    ENDED = "ended"


@dataclass(slots=True)
class Offer:
    agent: str
    number: int
    rings: RingCounter
    overdue: bool = False


@dataclass(slots=True)
class Call:
    id: str
    direction: Direction
    line: str
    number: str
    rules: Rules
    dialled: str = ""
    display_name: str = ""
    queue: str = ""
    agent: str = ""
    patient_id: str = ""
    sip_call_id: str = ""
    phase: Phase = Phase.NEW
    started_at: int = 0
    answered_at: int = 0
    muted: bool = False
    #: since when the agent of the answered call has no headset; 0: there is one
    deserted_since: int = 0
    held_by: set[Party] = field(default_factory=set)
    offer: Offer | None = None
    offers: int = 0
    caller_rings: RingCounter | None = None
    #: agents that refused, with the time until which they are left alone
    refused: dict[str, int] = field(default_factory=dict)
    _rings_at_answer: tuple[int, int] = (0, 0)

    # ---- beginnings

    def arrive(self, now: int) -> Effects:
        """Inbound: the INVITE is here. The caller rings from now on and a place in the queue is taken."""
        self.started_at = now
        self.phase = Phase.QUEUED
        self.caller_rings = RingCounter(now, self.rules.cadence_ns)
        return [
            self._started(),
            RingLine(),
            *self._caller_rings_due(now),
            Emit(events.CallQueued(call=self.id, queue=self.queue, position=0)),
            SeekAgent(),
        ]

    def place(self, now: int) -> Effects:
        """Outbound: the agent dials."""
        self.started_at = now
        self.phase = Phase.DIALLING
        return [self._started()]

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

    # ---- inbound: offers

    def wants_agent(self) -> bool:
        """True while nobody answers: no offer yet, or one that has rung its rings."""
        if self.phase not in (Phase.QUEUED, Phase.RINGING) or self.direction is not Direction.INBOUND:
            return False
        return self.offer is None or self.offer.overdue

    def may_offer_to(self, agent: str, now: int) -> bool:
        return (self.offer is None or self.offer.agent != agent) and self.refused.get(agent, 0) <= now

    def offer_to(self, agent: str, now: int) -> Effects:
        if not self.wants_agent():
            return []
        effects = self._end_offer(OfferOutcome.NO_ANSWER, now) if self.offer else []
        self.offers += 1
        self.offer = Offer(agent, self.offers, RingCounter(now, self.rules.cadence_ns))
        self.phase = Phase.RINGING
        return [
            *effects,
            Emit(
                events.CallOffered(
                    call=self.id,
                    agent=agent,
                    offer=self.offers,
                    number=self.number,
                    line=self.line,
                    queue=self.queue,
                    dialled=self.dialled,
                    caller_rings=self.caller_rings.begun(now) if self.caller_rings else 0,
                )
            ),
            RingAgent(agent),
            *self._agent_rings_due(now),
        ]

    def agent_rejects(self, agent: str, now: int) -> Effects:
        if self.offer is None or self.offer.agent != agent:
            raise CallRefused("wrong_state", "This call does not ring at your desk any more.")
        self.refused[agent] = now + REFUSAL_NS
        return [*self._end_offer(OfferOutcome.REJECTED, now), SeekAgent(excluding=agent)]

    def agent_unreachable(self, agent: str, now: int) -> Effects:
        """The agent's headset is gone. A ringing call goes elsewhere at once; a live one waits for it to come back."""
        if self.offer is None or self.offer.agent != agent:
            return []
        return [*self._end_offer(OfferOutcome.HEADSET_LOST, now), SeekAgent(excluding=agent)]

    def _end_offer(self, outcome: OfferOutcome, now: int, missed: str = "") -> Effects:
        offer, self.offer = self.offer, None
        if offer is None:
            return []
        if self.phase is Phase.RINGING:
            self.phase = Phase.QUEUED
        ended = events.OfferEnded(
            call=self.id, agent=offer.agent, offer=offer.number, outcome=outcome, rings=offer.rings.begun(now)
        )
        return [Emit(ended), StopRinging(offer.agent, missed)]

    # ---- answer

    def agent_answers(self, agent: str, codec: str, now: int) -> Effects:
        if self.phase is not Phase.RINGING or self.offer is None or self.offer.agent != agent:
            raise CallRefused("wrong_state", "This call does not ring at your desk any more.")
        offer, self.offer = self.offer, None
        rings = self.caller_rings
        assert rings is not None
        self.agent, self.phase, self.answered_at = agent, Phase.TALKING, now
        self._rings_at_answer = (rings.begun(now), offer.rings.begun(now))
        ended = events.OfferEnded(
            call=self.id, agent=agent, offer=offer.number, outcome=OfferOutcome.ANSWERED, rings=offer.rings.begun(now)
        )
        return [
            Emit(ended),
            AnswerLine(),
            self._answered(agent, codec, now, rings.within(now, self.rules.three_rings)),
            JoinAgent(agent, record=True),
        ]

    def callee_answers(self, codec: str, now: int) -> Effects:
        if self.phase is not Phase.DIALLING:
            return []
        self.phase, self.answered_at = Phase.TALKING, now
        self._rings_at_answer = (self.caller_rings.begun(now) if self.caller_rings else 0, 0)
        return [self._answered(self.agent, codec, now, None), JoinAgent(self.agent, record=True)]

    def _answered(self, agent: str, codec: str, now: int, within: bool | None) -> Emit:
        return Emit(
            events.CallAnswered(
                call=self.id,
                agent=agent,
                codec=codec,
                caller_rings=self._rings_at_answer[0],
                agent_rings=self._rings_at_answer[1],
                within_three_rings=within,
                wait_seconds=(now - self.started_at) / SECOND,
                rule_version=self.rules.three_rings_version,
            )
        )

    def line_progress(self, status: int, early_media: bool, now: int) -> Effects:
        """Outbound: 180 starts the rings at the other end; early media is heard by the agent at once."""
        if self.phase is not Phase.DIALLING:
            return []
        effects: Effects = [Emit(events.CallProgress(call=self.id, sip_status=status, early_media=early_media))]
        if status == 180 and self.caller_rings is None:
            self.caller_rings = RingCounter(now, self.rules.cadence_ns)
            effects += self._caller_rings_due(now)
        if early_media:
            effects.append(JoinAgent(self.agent, record=False))
        return effects

    # ---- while it lasts

    def hold(self, by: Party, held: bool) -> Effects:
        if self.phase not in (Phase.TALKING, Phase.HELD):
            if by is Party.AGENT:
                raise CallRefused("wrong_state", "Only an answered call can be held.")
            return []
        if held == (by in self.held_by):
            return []
        (self.held_by.add if held else self.held_by.discard)(by)
        self.phase = Phase.HELD if self.held_by else Phase.TALKING
        event = events.CallHeld(call=self.id, by=by) if held else events.CallResumed(call=self.id, by=by)
        return [HoldLine(held), Emit(event)] if by is Party.AGENT else [Emit(event)]

    def mute(self, muted: bool) -> Effects:
        if self.phase not in (Phase.TALKING, Phase.HELD):
            raise CallRefused("wrong_state", "Only an answered call can be muted.")
        if muted == self.muted:
            return []
        self.muted = muted
        return [Mute(muted), Emit(events.CallMuted(call=self.id, agent=self.agent, muted=muted))]

    def digit(self, digit: str, by: Party) -> Effects:
        return [] if self.phase is Phase.ENDED else [Emit(events.CallDigit(call=self.id, digit=digit, by=by))]

    def headset_gone(self, now: int) -> None:
        """Answered, and the agent's headset is dead: the caller waits a while for it to come back."""
        if self.answered_at and not self.deserted_since:
            self.deserted_since = now

    def headset_back(self) -> None:
        self.deserted_since = 0

    # ---- the end

    def agent_hangs_up(self, agent: str, now: int) -> Effects:
        if self.phase is Phase.ENDED:
            return []
        if agent != self.agent:
            raise CallRefused("not_yours", "This call is not yours.")
        answered = bool(self.answered_at)
        return [
            ReleaseLine(487, "Request Terminated"),
            *self._end(Party.AGENT, 200 if answered else 487, "hang up" if answered else "cancelled by the agent", now),
        ]

    def system_ends(self, status: int, reason: str, now: int) -> Effects:
        if self.phase is Phase.ENDED:
            return []
        return [ReleaseLine(status, reason), *self._end(Party.SYSTEM, 200 if self.answered_at else status, reason, now)]

    def line_ends(self, by: Party, status: int, reason: str, now: int) -> Effects:
        return [] if self.phase is Phase.ENDED else self._end(by, status, reason, now)

    def _end(self, by: Party, status: int, reason: str, now: int) -> Effects:
        effects: Effects = []
        rings = self._rings_at_answer
        if not self.answered_at:
            rings = (
                self.caller_rings.begun(now) if self.caller_rings else 0,
                self.offer.rings.begun(now) if self.offer else 0,
            )
        effects += self._end_offer(OfferOutcome.CALLER_GONE, now)
        self.phase = Phase.ENDED
        effects.append(
            Emit(
                events.CallEnded(
                    call=self.id,
                    by=by,
                    sip_status=status,
                    reason=reason,
                    caller_rings=rings[0],
                    agent_rings=rings[1],
                    agent=self.agent,
                    talk_seconds=(now - self.answered_at) / SECOND if self.answered_at else 0.0,
                )
            )
        )
        if self.agent:
            effects.append(FreeAgent(self.agent))
        effects.append(Finish())
        return effects

    # ---- time

    def deadline(self) -> int | None:
        """Monotonic ns at which ``due`` wants to run, or None."""
        if self.phase in (Phase.ENDED, Phase.NEW):
            return None
        if self.answered_at:
            return self.deserted_since + int(self.rules.headset_lost_limit * SECOND) if self.deserted_since else None
        times = [counter.next_at() for counter in (self.caller_rings, self.offer and self.offer.rings) if counter]
        return min(times) if times else None

    def due(self, now: int) -> Effects:
        if self.phase in (Phase.ENDED, Phase.NEW):
            return []
        if self.answered_at:
            deserted = self.deserted_since and now >= (self.deadline() or now + 1)
            return self.system_ends(480, "the agent's headset did not come back", now) if deserted else []
        effects = self._caller_rings_due(now) + self._agent_rings_due(now)
        if self.direction is Direction.OUTBOUND:
            if self.caller_rings and not self.caller_rings.within(now, self.rules.dial_ring_limit):
                effects += [ReleaseLine(487), *self._end(Party.SYSTEM, 408, "no answer", now)]
        elif now - self.started_at >= int(self.rules.wait_limit * SECOND):
            effects += self.system_ends(480, "nobody answered within the longest wait", now)
        elif self.offer and not self.offer.rings.within(now, self.rules.agent_ring_last):
            agent = self.offer.agent
            effects += [*self._end_offer(OfferOutcome.NO_ANSWER, now, missed="no_answer"), SeekAgent(excluding=agent)]
        elif self.offer and not self.offer.rings.within(now, self.rules.agent_ring_limit):
            self.offer.overdue = True
            effects.append(SeekAgent(excluding=self.offer.agent))
        elif self.offer is None and self.refused:
            effects.append(SeekAgent())
        return effects

    def _caller_rings_due(self, now: int) -> Effects:
        due = self.caller_rings.due(now) if self.caller_rings else range(0)
        effects: Effects = [Emit(events.CallerRing(call=self.id, ring=ring)) for ring in due]
        if self.direction is Direction.INBOUND and any(ring % RINGS_A_REMINDER == 0 for ring in due):
            effects.append(RingLine())
        return effects

    def _agent_rings_due(self, now: int) -> Effects:
        if self.offer is None:
            return []
        agent = self.offer.agent
        return [Emit(events.AgentRing(call=self.id, agent=agent, ring=ring)) for ring in self.offer.rings.due(now)]
