"""Consultation: the agent talks to somebody apart from the caller, who is held (D21, D22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.calls import conversation, invitations
from telephony.calls.effects import Effects, Emit
from telephony.calls.participant import Group, Participant
from telephony.calls.refusal import Reason, wrong_state
from telephony.calls.way import Way
from telephony.events import OfferOutcome, Party, Role, Target, TransferKind

if TYPE_CHECKING:
    from telephony.calls.call import Call


def begin(call: Call, agent: str, target: Target, way: Way, now: int) -> Effects:
    """Hold the caller, ring the other. Raises CallRefused."""
    conversation.check_talking(call)
    own = conversation.handler(call, agent)
    if conversation.consulted(call) is not None:
        raise wrong_state(Reason.CONSULTING)
    conversation.check_room(call)
    party, effects = invitations.invite(call, Role.CONSULTED, target, way, agent, now)
    party.group = own.group = Group.SIDE
    call.consult_holds = True
    effects = [*conversation.hold_caller(call, True, now), *effects]
    return [*effects, *conversation.route(call)]


def _both(call: Call, agent: str) -> tuple[Participant, Participant]:
    conversation.check_talking(call)
    own, asked = conversation.handler(call, agent), conversation.consulted(call)
    if asked is None:
        raise wrong_state(Reason.CONSULTS_NOBODY)
    return own, asked


def _both_talking(call: Call, agent: str) -> tuple[Participant, Participant]:
    own, asked = _both(call, agent)
    if not asked.joined:
        raise wrong_state(Reason.NOT_ANSWERED_YET)
    return own, asked


def swap(call: Call, agent: str, now: int) -> Effects:
    """The agent changes over between the caller and the consulted party; the other hears music."""
    own, _ = _both_talking(call, agent)
    own.group = Group.MAIN if own.group is Group.SIDE else Group.SIDE
    return [*conversation.hold_caller(call, own.group is Group.SIDE, now), *conversation.route(call)]


def merge(call: Call, agent: str, now: int) -> Effects:
    """Everybody hears everybody: a conference."""
    _, asked = _both_talking(call, agent)
    effects = conversation.change_role(call, asked, Role.MEMBER)
    return [*effects, *conversation.regroup(call, now), *conversation.route(call)]


def complete(call: Call, agent: str, now: int) -> Effects:
    """Consult transfer: the agent goes, the consulted party has the caller."""
    own, asked = _both_talking(call, agent)
    return hand_over(call, own, asked, "transferred", now)


def hand_over(call: Call, own: Participant, asked: Participant, reason: str, now: int) -> Effects:
    """The agent leaves the caller with the consulted party."""
    target = asked.target
    assert target is not None
    effects = conversation.gone(call, own, Party.AGENT, 200, reason, now)
    role = (
        conversation.become_handler(call, asked) if asked.agent else conversation.change_role(call, asked, Role.MEMBER)
    )
    told = events.CallTransferred(
        call=call.id, kind=TransferKind.CONSULT, by=own.agent, target=target, party=asked.number
    )
    call.consult_holds = True
    return [*effects, *role, Emit(told), *conversation.regroup(call, now), *conversation.route(call)]


def cancel(call: Call, agent: str, now: int) -> Effects:
    """The consulted party goes, the caller is back."""
    _, asked = _both(call, agent)
    if not asked.joined:
        return invitations.failed(call, asked, Party.AGENT, 487, "cancelled", now, OfferOutcome.CALLER_GONE)
    return conversation.leave(call, asked, Party.AGENT, now, reason="consultation over")
