"""Supervisors on a call: they listen, whisper to the agent, come in, or take the call over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.calls import conversation
from telephony.calls.effects import Effects, Emit, JoinAgent
from telephony.calls.participant import SUPERVISORS, Group, Kind, Participant
from telephony.calls.refusal import CallRefused, Reason, wrong_state
from telephony.events import Party, Role, Target, TargetKind, TransferKind

if TYPE_CHECKING:
    from telephony.calls.call import Call

MODES = {"listen": Role.LISTENER, "whisper": Role.WHISPERER, "barge": Role.BARGER}


def check(call: Call, supervisor: str, mode: str) -> None:
    """Raises CallRefused where this supervisor may not come in like this."""
    if mode not in MODES:
        raise CallRefused("bad_arguments", f"Supervisors {', '.join(MODES)}.")
    check_take_over(call, supervisor)
    party = conversation.party_of(call, supervisor)
    barges = party is not None and party.role is Role.BARGER
    if mode == "barge" and not barges:
        conversation.check_room(call)
    if mode != "barge" and barges and party is not None and not conversation.lasts_without(call, party):
        raise wrong_state(Reason.AGENT_ALONE)


def check_take_over(call: Call, supervisor: str) -> None:
    """Raises CallRefused where this supervisor may not take the call."""
    conversation.check_talking(call)
    party = conversation.party_of(call, supervisor)
    if party is not None and party.role not in SUPERVISORS:
        raise wrong_state(Reason.IN_CALL_ALREADY)


def monitor(call: Call, supervisor: str, mode: str, now: int) -> Effects:
    """The supervisor comes in, or goes on in another way. Raises CallRefused."""
    check(call, supervisor, mode)
    role = MODES[mode]
    party = conversation.party_of(call, supervisor)
    if party is not None:
        return [*conversation.change_role(call, party, role), *conversation.route(call)]
    return [*_comes(call, supervisor, role, now)[1], *conversation.route(call)]


def _comes(call: Call, supervisor: str, role: Role, now: int) -> tuple[Participant, Effects]:
    party = conversation.add(call, role, Kind.HEADSET, now, agent=supervisor)
    return party, [conversation.join(call, party, now), JoinAgent(supervisor, party.number)]


def take_over(call: Call, supervisor: str, now: int) -> Effects:
    """The supervisor becomes the call's agent; the agent goes into wrap-up. Raises CallRefused."""
    check_take_over(call, supervisor)
    party = conversation.party_of(call, supervisor)
    effects: Effects = []
    if party is None:
        party, effects = _comes(call, supervisor, Role.BARGER, now)
    agent = next((p for p in call.parties.values() if p.role is Role.AGENT and p.joined), None)
    party.group = agent.group if agent else Group.MAIN
    if agent is not None:
        effects += conversation.gone(call, agent, Party.SYSTEM, 200, "taken over", now)
    effects += conversation.become_handler(call, party)
    target = Target(kind=TargetKind.AGENT, agent=supervisor)
    told = events.CallTransferred(
        call=call.id, kind=TransferKind.TAKE_OVER, by=supervisor, target=target, party=party.number
    )
    return [*effects, Emit(told), *conversation.route(call)]
