"""The end of a call, for everybody who is in it or asked into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.calls import callback_plan, conversation, message, offers
from telephony.calls.effects import Effects, Emit, Finish, FreeAgent, ReleaseLine, RemoveParty
from telephony.calls.participant import Kind
from telephony.clock import SECOND
from telephony.events import OfferOutcome, Party

if TYPE_CHECKING:
    from telephony.calls.call import Call


def end(call: Call, by: Party, status: int, reason: str, now: int, release: tuple[int, str] | None) -> Effects:
    """Every offer, every dialog, every agent. ``release``: status and reason for a caller who is still there."""
    from telephony.calls.call import Phase

    effects: Effects = [ReleaseLine(*release)] if release is not None and 0 in call.parties else []
    rings = _rings(call, now)
    waited = call.phase in (Phase.QUEUED, Phase.RINGING)
    effects += offers.end_queued(call, OfferOutcome.CALLER_GONE, now)
    if call.phase is not Phase.DIALLING:
        for party in list(call.parties.values()):
            if party.number != 0 and not party.joined:
                effects += conversation.gone(call, party, by, 487, "the call is over", now)
    effects += message.ends(call, now)
    if waited and by is Party.CALLER:
        seconds = (now - call.queued_at) / SECOND
        left = events.CallDequeued(call=call.id, queue=call.queue, why="abandoned", waited_seconds=seconds)
        effects.append(Emit(left))
    effects += callback_plan.unreached(call, status, reason)
    call.phase, call.referral = Phase.ENDED, None
    ended = events.CallEnded(
        call=call.id,
        by=by,
        sip_status=status,
        reason=reason,
        caller_rings=rings[0],
        agent_rings=rings[1],
        agent=call.agent or call.last_agent,
        talk_seconds=(now - call.answered_at) / SECOND if call.answered_at else 0.0,
    )
    effects.append(Emit(ended))
    for party in call.parties.values():
        if party.number != 0 and party.kind is not Kind.HEADSET:
            effects.append(RemoveParty(party.number))
        if party.agent:
            effects.append(FreeAgent(party.agent, party.handled))
    call.parties.clear()
    effects.append(Finish())
    return effects


def _rings(call: Call, now: int) -> tuple[int, int]:
    if call.answered_at:
        return call.rings_at_answer
    offer = call.offer
    return (call.caller_rings.begun(now) if call.caller_rings else 0, offer.rings.begun(now) if offer else 0)
