"""Transfers: to another agent, a queue or a number, by handing the call to its peer (REFER) or by bridging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephony import events
from telephony.calls import conversation, invitations
from telephony.calls.effects import AnswerLine, Effects, Emit, ForwardFailed, Record, ReferLine
from telephony.calls.participant import Participant
from telephony.calls.refusal import CallRefused, Reason, wrong_state
from telephony.calls.way import Way
from telephony.clock import SECOND
from telephony.events import Party, Role, Target, TargetKind, TransferKind

if TYPE_CHECKING:
    from telephony.calls.call import Call

#: a peer that took a REFER and says no more is not waited for any longer (it reports within moments, RFC 3515 §2.4.4)
REFER_LIMIT_NS = 60 * SECOND


@dataclass(slots=True)
class Referral:
    """The peer was asked to transfer. ``way``: how we would reach the target ourselves; without a line, not at all."""

    by: str
    target: Target
    way: Way
    since: int
    #: the target has answered; the call is theirs
    done: bool = False


def blind(call: Call, agent: str, target: Target, way: Way, now: int, *, refer: bool = False) -> Effects:
    """The agent is free at once, the caller goes on to ``target``. Raises CallRefused."""
    conversation.check_talking(call)
    own = conversation.handler(call, agent)
    if 0 not in call.parties or len(conversation.speakers(call)) > 2 or conversation.consulted(call) is not None:
        raise wrong_state(Reason.NOT_ALONE)
    if target.kind is TargetKind.QUEUE:
        told = events.CallTransferred(call=call.id, kind=TransferKind.BLIND, by=agent, target=target)
        resumed = conversation.hold_caller(call, False, now)
        return [*resumed, *_transfers(call, own, now), Emit(told), *call.wait_again(target.queue, now)]
    if target.kind is TargetKind.NUMBER and refer:
        effects = _transfers(call, own, now)
        call.referral = Referral(agent, target, way, now)
        call.begin_transferring()
        return [*effects, ReferLine(way.number), *conversation.route(call)]
    return _bridge(call, own, target, way, now)


def _bridge(call: Call, own: Participant, target: Target, way: Way, now: int) -> Effects:
    role = Role.AGENT if target.kind is TargetKind.AGENT else Role.MEMBER
    _, effects = invitations.invite(call, role, target, way, own.agent, now, TransferKind.BLIND)
    call.begin_transferring()
    resumed = conversation.hold_caller(call, False, now)
    return [*effects, *resumed, *_transfers(call, own, now), *conversation.route(call)]


def _transfers(call: Call, own: Participant, now: int) -> Effects:
    """The agent goes; the supervisors who were with them, too."""
    effects = conversation.gone(call, own, Party.AGENT, 200, "transferred", now)
    return [*effects, *_supervisors_go(call, "the call was transferred", now)]


def _supervisors_go(call: Call, reason: str, now: int) -> Effects:
    effects: Effects = []
    for party in list(call.parties.values()):
        if party.agent and party.joined:
            effects += conversation.gone(call, party, Party.SYSTEM, 200, reason, now)
    return effects


def unheard(call: Call, party: Participant, reason: str, now: int) -> Effects:
    """A party whose headset did not come back goes. A caller from a queue who would be left alone waits in it again,
    ahead of others."""
    caller = call.parties.get(0)
    alone = caller is not None and caller.joined and not conversation.lasts_without(call, party)
    if not (alone and call.queue and party.role is Role.AGENT):
        return call.party_leaves(party, Party.SYSTEM, 200, reason, now)
    effects = conversation.gone(call, party, Party.SYSTEM, 200, reason, now)
    effects += _supervisors_go(call, reason, now)
    return [*effects, *conversation.regroup(call, now), *call.returns("", now)]


def forward(call: Call, target: Target, way: Way, now: int) -> Effects:
    """A menu or an overflow rule sends the caller to a number; nobody has answered yet. Raises CallRefused."""
    _, effects = invitations.invite(call, Role.MEMBER, target, way, "", now, TransferKind.ROUTED)
    call.begin_transferring()
    return [*effects, *conversation.route(call)]


def taken(call: Call, party: Participant, now: int) -> Effects:
    """Who the call was transferred to has answered."""
    kind, target = party.transfer, party.target
    assert kind is not None
    assert target is not None
    party.transfer = None
    effects: Effects = []
    if not call.picked_up:
        effects.append(AnswerLine())
        call.picked_up = True
    caller = call.parties[0]
    if not caller.joined:
        effects.append(conversation.join(call, caller, now))
    call.answered_at = call.answered_at or now
    call.converse()
    effects.append(Record())
    if party.agent:
        effects += conversation.become_handler(call, party)
    told = events.CallTransferred(call=call.id, kind=kind, by=party.invited_by, target=target, party=party.number)
    return [*effects, Emit(told)]


def failed(call: Call, party: Participant, status: int, reason: str, now: int) -> Effects:
    """Who the call was to go to is not coming: back to the queue, the agent who sent it preferred."""
    kind, target = party.transfer, party.target
    assert kind is not None
    assert target is not None
    routed = kind is TransferKind.ROUTED
    told = events.TransferFailed(
        call=call.id,
        kind=kind,
        by=party.invited_by,
        target=target,
        sip_status=status,
        reason=reason,
        returned_to="menu" if routed else "queue",
    )
    if routed:
        call.attend()
        return [Emit(told), *conversation.route(call), ForwardFailed(status)]
    return [Emit(told), *call.returns(party.invited_by, now)]


# ---- REFER


def refer_done(call: Call, status: int, reason: str, now: int) -> Effects:
    """What came of our REFER: with 2xx the target has the call, and its dialog with us ends."""
    referral = call.referral
    if referral is None or referral.done:
        return []
    if status < 300:
        referral.done = True
        return [Emit(_referred(call, referral))]
    return _refused(call, referral, status, reason, now)


def refer_line_ended(call: Call, by: Party, status: int, reason: str, now: int) -> Effects:
    """The caller's dialog is over while the peer transfers: the target's call if the peer said so, else hung up."""
    if call.referral is not None and call.referral.done:
        return call.end(Party.SYSTEM, 200, "transferred", now, line_gone=True)
    return call.end(by, status, reason, now, line_gone=True)


def refer_due(call: Call, now: int) -> Effects:
    referral = call.referral
    if referral is None or now < referral.since + REFER_LIMIT_NS:
        return []
    if referral.done:
        return call.end(Party.SYSTEM, 200, "transferred", now)
    return _refused(call, referral, 408, "the peer does not tell how the transfer went", now)


def _refused(call: Call, referral: Referral, status: int, reason: str, now: int) -> Effects:
    """The peer will not: we dial the number ourselves where we can."""
    call.referral = None
    resumed = conversation.hold_caller(call, False, now)
    if referral.way.line:
        try:
            _, effects = invitations.invite(
                call, Role.MEMBER, referral.target, referral.way, referral.by, now, TransferKind.BLIND
            )
        except CallRefused:
            pass  # no track is left for one more: as if nobody were there
        else:
            return [*resumed, *effects, *conversation.route(call)]
    told = events.TransferFailed(
        call=call.id,
        kind=TransferKind.REFER,
        by=referral.by,
        target=referral.target,
        sip_status=status,
        reason=reason,
        returned_to="queue",
    )
    return [*resumed, Emit(told), *call.returns(referral.by, now)]


def _referred(call: Call, referral: Referral) -> events.CallTransferred:
    return events.CallTransferred(call=call.id, kind=TransferKind.REFER, by=referral.by, target=referral.target)
