"""Somebody on a call asks for somebody else: the other rings, answers, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.calls import conversation, offers, transfer
from telephony.calls.effects import AskNext, DialParty, Effects, Emit, JoinAgent, RemoveParty, Visit
from telephony.calls.participant import Kind, Participant
from telephony.calls.refusal import CallRefused
from telephony.calls.rings import RingCounter
from telephony.calls.way import Way
from telephony.events import OfferOutcome, Party, Role, Target, TargetKind, TransferKind

if TYPE_CHECKING:
    from telephony.calls.call import Call

_DID_NOT_COME = (OfferOutcome.NO_ANSWER, OfferOutcome.REJECTED, OfferOutcome.HEADSET_LOST)


def invite(
    call: Call, role: Role, target: Target, way: Way, by: str, now: int, transfer: TransferKind | None = None
) -> tuple[Participant, Effects]:
    """The target rings from now on. Raises CallRefused."""
    if target.kind is TargetKind.AGENT:
        if conversation.party_of(call, target.agent) is not None or target.agent in call.ringing:
            raise CallRefused("agent_busy", "This agent is in the call already.")
        kind = Kind.PHONE if way.phone else Kind.HEADSET
        party = conversation.add(call, role, kind, now, agent=target.agent, name=target.name)
    else:
        party = conversation.add(call, role, Kind.LINE, now, address=way.number, name=target.name)
    party.invited_by, party.target, party.transfer = by, target, transfer
    invited = events.PartyInvited(call=call.id, party=party.number, role=role, by=by, target=target)
    effects: Effects = [Emit(invited)]
    if party.agent:
        effects += offers.begin(call, party.agent, now, party=party.number, phone=way.phone)
    else:
        party.rings = RingCounter(now, call.rules.cadence_ns)
        effects.append(DialParty(party.number, way.number, way.line))
    return party, effects


def progress(call: Call, party: Participant, status: int, early_media: bool) -> Effects:
    """The number that was dialled rings, or its network can be heard."""
    party.early = party.early or early_media
    ringing = events.PartyRinging(call=call.id, party=party.number, sip_status=status, early_media=early_media)
    return [Emit(ringing), *conversation.route(call)]


def answered(call: Call, party: Participant, now: int) -> Effects:
    """Who was asked for is there."""
    effects: Effects = []
    offer = call.ringing.get(party.agent) if party.agent else None
    if offer is not None:
        effects += offers.end(call, offer, OfferOutcome.ANSWERED, now)
    effects.append(conversation.join(call, party, now))
    if party.agent:
        effects.append(JoinAgent(party.agent, party.number))
    if party.transfer is not None:
        effects += transfer.taken(call, party, now)
    elif party.agent:
        effects.append(Visit(party.agent, "consulted"))
    return [*effects, *conversation.route(call)]


def failed(
    call: Call, party: Participant, by: Party, status: int, reason: str, now: int, outcome: OfferOutcome
) -> Effects:
    """Who was asked for is not coming: back to the caller, or the transfer has failed."""
    del call.parties[party.number]
    effects: Effects = []
    offer = call.ringing.get(party.agent) if party.agent else None
    if offer is not None:
        effects += offers.end(call, offer, outcome, now)
    effects.append(
        Emit(events.PartyLeft(call=call.id, party=party.number, by=by, sip_status=status, reason=reason, joined=False))
    )
    effects.append(RemoveParty(party.number))
    if party.transfer is not None:
        return [*effects, *transfer.failed(call, party, status, reason, now)]
    asks_next = _next_of_queue(party, outcome)
    return [*effects, asks_next] if asks_next is not None else [*effects, *nobody_came(call, now)]


def _next_of_queue(party: Participant, outcome: OfferOutcome) -> AskNext | None:
    """A queue was asked, and this one of it did not come: somebody else may be free."""
    target = party.target
    if party.role is not Role.CONSULTED or target is None or not target.queue or outcome not in _DID_NOT_COME:
        return None
    queue = Target(kind=TargetKind.QUEUE, queue=target.queue, entry=target.entry)
    return AskNext(party.invited_by, queue, (*party.asked_before, party.agent))


def nobody_came(call: Call, now: int) -> Effects:
    """The agent has the caller back."""
    return [*conversation.regroup(call, now), *conversation.route(call)]
