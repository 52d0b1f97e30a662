"""The call is answered: by an agent who was offered it, or by whom an agent dialled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.calls import conversation, offers, timing
from telephony.calls.effects import AnswerLine, DialParty, Effects, Emit, JoinAgent, OwnCall, Record
from telephony.calls.offers import Offer
from telephony.calls.participant import Kind
from telephony.calls.rings import RingCounter
from telephony.clock import SECOND
from telephony.events import Direction, OfferOutcome

if TYPE_CHECKING:
    from telephony.calls.call import Call


def from_queue(call: Call, offer: Offer, codec: str, now: int) -> Effects:
    """An agent takes the call; its first answer is the one that is measured (D3)."""
    agent, caller_rings = offer.agent, call.caller_rings
    effects = offers.end(call, offer, OfferOutcome.ANSWERED, now)
    effects += offers.end_queued(call, OfferOutcome.ELSEWHERE, now)
    party = call.first_agent(agent, Kind.PHONE if offer.phone else Kind.HEADSET, now)
    if not call.picked_up and call.direction is Direction.OUTBOUND:
        return [*effects, *_dial(call, agent)]
    caller = call.parties[0]
    if not call.picked_up:
        call.picked_up = True
        effects.append(AnswerLine())
    if not call.answered_at:
        call.answered_at = now
        call.rings_at_answer = (caller_rings.begun(now) if caller_rings else 0, offer.rings.begun(now))
        within = caller_rings.within(now, call.rules.three_rings) if caller_rings else None
        effects.append(_answered(call, agent, codec, now, within))
    if not caller.joined:
        effects.append(conversation.join(call, caller, now))
    call.converse()
    effects += [conversation.join(call, party, now), Record(), JoinAgent(agent, party.number), OwnCall(agent)]
    return [*effects, *conversation.route(call)]


def _dial(call: Call, agent: str) -> Effects:
    """The agent has taken a call-back, or the telephone that they dial from: now the number is dialled."""
    call.begin_dialling()
    return [OwnCall(agent), DialParty(0, call.dialled or call.number, call.line)]


def by_callee(call: Call, codec: str, now: int) -> Effects:
    """Whom the agent dialled has answered."""
    if call.phase != "dialling":
        return []
    call.answered_at, call.picked_up = now, True
    call.rings_at_answer = (call.caller_rings.begun(now) if call.caller_rings else 0, 0)
    call.converse()
    party = conversation.party_of(call, call.agent)
    assert party is not None
    audible = party.joined
    return [
        _answered(call, call.agent, codec, now, None),
        conversation.join(call, call.parties[0], now),
        conversation.join(call, party, now),
        Record(),
        *([] if audible else [JoinAgent(call.agent, party.number)]),
        OwnCall(call.agent),
        *conversation.route(call),
    ]


def progress(call: Call, status: int, early_media: bool, now: int) -> Effects:
    """Outbound: 180 starts the rings at the other end; early media is heard by the agent at once."""
    if call.phase != "dialling":
        return []
    effects: Effects = [Emit(events.CallProgress(call=call.id, sip_status=status, early_media=early_media))]
    if status == 180 and call.caller_rings is None:
        call.caller_rings = RingCounter(now, call.rules.cadence_ns)
        effects += timing.caller_rings_due(call, now)
    party = conversation.party_of(call, call.agent)
    if early_media and party is not None and not call.parties[0].early:
        call.parties[0].early = party.joined = True
        effects += [JoinAgent(call.agent, party.number), *conversation.route(call)]
    return effects


def _answered(call: Call, agent: str, codec: str, now: int, within: bool | None) -> Emit:
    return Emit(
        events.CallAnswered(
            call=call.id,
            agent=agent,
            codec=codec,
            caller_rings=call.rings_at_answer[0],
            agent_rings=call.rings_at_answer[1],
            within_three_rings=within,
            wait_seconds=(now - call.started_at) / SECOND,
            rule_version=call.rules.three_rings_version,
        )
    )
