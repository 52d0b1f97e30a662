"""Offers: the call rings at an agent, from the queue or because somebody on the call asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephony import events
from telephony.calls.effects import Effects, Emit, RingAgent, StopRinging
from telephony.calls.rings import RingCounter
from telephony.events import OfferOutcome

if TYPE_CHECKING:
    from telephony.calls.call import Call


@dataclass(slots=True)
class Offer:
    """``number`` counts the call's offers from 1. ``party``: of whom somebody on the call asks for; -1: from the queue.
    ``phone`` is dialled where the agent works without a headset (D103)."""

    agent: str
    number: int
    rings: RingCounter
    party: int = -1
    phone: str = ""
    overdue: bool = False

    @property
    def queued(self) -> bool:
        return self.party < 0


def begin(call: Call, agent: str, now: int, *, party: int = -1, phone: str = "", invited: bool = False) -> Effects:
    """The call begins to ring at ``agent``; ``invited``: it is not the queue that rings there."""
    call.offers_made += 1
    offer = Offer(agent, call.offers_made, RingCounter(now, call.rules.cadence_ns), party, phone)
    call.ringing[agent] = offer
    offered = events.CallOffered(
        call=call.id,
        agent=agent,
        offer=offer.number,
        number=call.number,
        line=call.line,
        queue=call.queue,
        dialled=call.dialled,
        caller_rings=_caller_rings(call, now),
    )
    return [Emit(offered), RingAgent(agent, invited=invited or party >= 0, phone=phone), *rings_due(call, offer, now)]


def _caller_rings(call: Call, now: int) -> int:
    """Those before the answer: a caller who talks, or is on hold while another agent is asked, hears no more rings."""
    if call.answered_at:
        return call.rings_at_answer[0]
    return call.caller_rings.begun(now) if call.caller_rings else 0


def end(call: Call, offer: Offer, outcome: OfferOutcome, now: int, missed: str = "") -> Effects:
    """The offer is over; the agent's desk stops ringing unless it was answered there."""
    call.ringing.pop(offer.agent, None)
    ended = events.OfferEnded(
        call=call.id, agent=offer.agent, offer=offer.number, outcome=outcome, rings=offer.rings.begun(now)
    )
    if outcome is OfferOutcome.ANSWERED:
        return [Emit(ended)]
    return [Emit(ended), StopRinging(offer.agent, missed)]


def end_queued(call: Call, outcome: OfferOutcome, now: int) -> Effects:
    """Every offer from the queue is over."""
    effects: Effects = []
    for offer in list(call.ringing.values()):
        if offer.queued:
            effects += end(call, offer, outcome, now)
    return effects


def rings_due(call: Call, offer: Offer, now: int) -> Effects:
    return [Emit(events.AgentRing(call=call.id, agent=offer.agent, ring=ring)) for ring in offer.rings.due(now)]
