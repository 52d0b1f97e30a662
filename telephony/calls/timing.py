"""A call's clocks: rings, limits of waiting, ringing and being alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.calls import invitations, offers, transfer
from telephony.calls.effects import Effects, Emit, RingLine, SeekAgent
from telephony.calls.offers import Offer
from telephony.calls.participant import Participant
from telephony.calls.transfer import REFER_LIMIT_NS
from telephony.clock import SECOND
from telephony.events import Direction, OfferOutcome, Party
from telephony.media.headset_liveness import UNPLUGGED

if TYPE_CHECKING:
    from telephony.calls.call import Call

#: a waiting caller's proxies are told "ringing" again, so that they do not give up (RFC 3261 §13.3.1.1: each minute)
RINGS_A_REMINDER = 10


def deadline(call: Call) -> int | None:
    times = [offer.rings.next_at() for offer in call.ringing.values()]
    if waits(call):
        if call.requested_in is None:
            times.append(_wait_limit(call))
        if call.refused:
            times += [until for until in call.refused.values() if until > call.entered_queue_at]
    if call.caller_rings is not None and _caller_rings(call):
        times.append(call.caller_rings.next_at())
    if call.referral is not None:
        times.append(call.referral.since + REFER_LIMIT_NS)
    for party in call.parties.values():
        if _waited_for(call, party):
            times.append(_waited_for_until(call, party))
        if party.rings is not None:
            times.append(_rings_until(call, party))
    return min(times, default=None)


def due(call: Call, now: int) -> Effects:
    effects: Effects = []
    if call.caller_rings is not None and _caller_rings(call):
        effects += caller_rings_due(call, now)
        if call.direction is Direction.OUTBOUND and not call.caller_rings.within(now, call.rules.dial_ring_limit):
            return [*effects, *call.end(Party.SYSTEM, 408, "no answer", now)]
    if waits(call):
        if call.requested_in is None and now >= _wait_limit(call):
            return [*effects, *call.system_ends(480, "nobody answered within the longest wait", now)]
        effects += _refusals_due(call, now)
    for offer in list(call.ringing.values()):
        effects += offers.rings_due(call, offer, now)
        effects += _offer_due(call, offer, now)
    for party in list(call.parties.values()):
        if party.number in call.parties:
            effects += _party_due(call, party, now)
    return [*effects, *transfer.refer_due(call, now)]


def waits(call: Call) -> bool:
    """In a queue, ringing at somebody or not."""
    return call.phase in ("queued", "ringing")


def _caller_rings(call: Call) -> bool:
    """They are counted while the caller waits, in a queue or for a number that the call was forwarded to."""
    return not call.answered_at and call.phase in ("queued", "ringing", "dialling", "transferring")


def caller_rings_due(call: Call, now: int) -> Effects:
    """The caller's rings; the third (by rule) raises the priority of one who waits (D3)."""
    due = call.caller_rings.due(now) if call.caller_rings else range(0)
    effects: Effects = [Emit(events.CallerRing(call=call.id, ring=ring)) for ring in due]
    if call.direction is not Direction.INBOUND:
        return effects
    if call.rules.three_rings in due:
        effects += call.prioritise(call.priorities.get("third_ring", 0), "third_ring")
    if not call.picked_up and any(ring % RINGS_A_REMINDER == 0 for ring in due):
        effects.append(RingLine())
    return effects


def _offer_due(call: Call, offer: Offer, now: int) -> Effects:
    if not offer.queued:
        if offer.rings.within(now, call.rules.transfer_ring_limit):
            return []
        party = call.parties[offer.party]
        return invitations.failed(call, party, Party.SYSTEM, 408, "no answer", now, OfferOutcome.NO_ANSWER)
    if not offer.rings.within(now, call.rules.agent_ring_last):
        return call.end_offer(offer, OfferOutcome.NO_ANSWER, now, missed="no_answer")
    if not offer.rings.within(now, call.rules.agent_ring_limit):
        offer.overdue = True
        return [SeekAgent()]
    return []


def _refusals_due(call: Call, now: int) -> Effects:
    """Whoever refused may be asked again."""
    over = [agent for agent, until in call.refused.items() if until <= now]
    for agent in over:
        del call.refused[agent]
    return [SeekAgent()] if over and call.offer is None else []


def _party_due(call: Call, party: Participant, now: int) -> Effects:
    if party.rings is not None and now >= _rings_until(call, party):
        return invitations.failed(call, party, Party.SYSTEM, 408, "no answer", now, OfferOutcome.NO_ANSWER)
    if _waited_for(call, party) and now >= _waited_for_until(call, party):
        what = "microphone" if party.away_reason == UNPLUGGED else "headset"
        return transfer.unheard(call, party, f"the agent's {what} did not come back", now)
    return []


def _wait_limit(call: Call) -> int:
    return call.entered_queue_at + int(call.rules.wait_limit * SECOND)


def _waited_for(call: Call, party: Participant) -> bool:
    """The others wait for the agent's headset."""
    return bool(party.unheard_since and call.answered_at)


def _waited_for_until(call: Call, party: Participant) -> int:
    return max(party.unheard_since, call.answered_at) + int(call.rules.headset_lost_limit * SECOND)


def _rings_until(call: Call, party: Participant) -> int:
    assert party.rings is not None
    return party.rings.started + call.rules.transfer_ring_limit * party.rings.cadence
