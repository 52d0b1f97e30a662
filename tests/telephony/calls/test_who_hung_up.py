"""Who is told to have ended a call, whatever it was doing, and what becomes of everybody else."""

from __future__ import annotations

import pytest

from telephony import events
from telephony.calls import consult, conversation, invitations, supervision, transfer
from telephony.calls.call import Call, CallRefused, Phase
from telephony.calls.effects import (
    AnswerLine,
    AwaitAgent,
    DialParty,
    Effects,
    Emit,
    FreeAgent,
    HoldLine,
    ReferLine,
    ReleaseLine,
    RemoveParty,
    StopRinging,
)
from telephony.calls.way import Way
from telephony.clock import SECOND
from telephony.events import Direction, OfferOutcome, Party, Role, Target, TargetKind
from telephony.rules import Rules

WARD = Target(kind=TargetKind.NUMBER, number="8001")
COLLEAGUE = Target(kind=TargetKind.AGENT, agent="agent2")
BY_LINE = Way(number="8001", line="trunk")


def at(seconds: float) -> int:
    return int(seconds * SECOND)


def emitted(effects: Effects, kind: type[events.Event]) -> list[events.Event]:
    return [effect.event for effect in effects if isinstance(effect, Emit) and isinstance(effect.event, kind)]


def ended(effects: Effects) -> events.CallEnded:
    (event,) = emitted(effects, events.CallEnded)
    assert isinstance(event, events.CallEnded)
    return event


def answered() -> Call:
    call = Call(
        "c1", Direction.INBOUND, "trunk", "13800138000", Rules(), queue="default",
        priorities={"returned": 30, "third_ring": 10},
    )  # fmt: skip
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(1))
    return call


def consulting(target: Target = WARD, *, joined: bool = True) -> Call:
    call = answered()
    consult.begin(call, "agent1", target, BY_LINE if target is WARD else Way(), at(2))
    if joined:
        invitations.answered(call, call.parties[2], at(3))
    return call


def test_an_agent_who_hangs_up_in_mid_consultation_leaves_the_caller_with_whom_they_asked() -> None:
    call = consulting(COLLEAGUE)
    effects = call.agent_hangs_up("agent1", at(10))
    assert not emitted(effects, events.CallEnded)
    assert FreeAgent("agent1", handled=True) in effects
    assert HoldLine(False) in effects
    assert call.agent == "agent2"
    assert call.parties[2].role is Role.AGENT
    assert call.routed[0] == {0: (2,), 2: (0,)}
    assert ended(call.line_ends(Party.CALLER, 200, "BYE", at(20))).by is Party.CALLER


def test_an_agent_who_hangs_up_while_the_consulted_one_rings_has_ended_the_call() -> None:
    call = consulting(joined=False)
    effects = call.agent_hangs_up("agent1", at(10))
    assert ended(effects).by is Party.AGENT
    assert RemoveParty(2) in effects
    assert ReleaseLine(487, "Request Terminated") in effects
    (left,) = emitted(effects, events.PartyLeft)
    assert left.joined is False  # type: ignore[attr-defined]


def test_a_consulted_colleague_who_does_not_answer_rings_six_times_and_the_caller_is_back() -> None:
    call = consulting(COLLEAGUE, joined=False)
    assert call.routed[0] == {0: (), 1: ()}
    assert not emitted(call.due(at(2 + 29.9)), events.OfferEnded)
    effects = call.due(at(2 + 30))
    (over,) = emitted(effects, events.OfferEnded)
    assert (over.agent, over.outcome) == ("agent2", OfferOutcome.NO_ANSWER)  # type: ignore[attr-defined]
    assert StopRinging("agent2") in effects, "and is not taken out of the rotation for it"
    assert HoldLine(False) in effects
    assert call.routed[0] == {0: (1,), 1: (0,)}
    assert call.phase is Phase.TALKING


@pytest.mark.parametrize("number", [486, 404, 503])
def test_a_consulted_number_that_refuses_gives_the_caller_back_with_the_reason(number: int) -> None:
    call = consulting(joined=False)
    effects = call.party_ends(2, Party.CALLER, number, "refused", at(4))
    (left,) = emitted(effects, events.PartyLeft)
    assert (left.sip_status, left.joined) == (number, False)  # type: ignore[attr-defined]
    assert call.routed[0] == {0: (1,), 1: (0,)}


def test_a_caller_who_leaves_a_conference_is_named_also_when_the_agent_ends_it_later() -> None:
    call = consulting()
    consult.merge(call, "agent1", at(4))
    assert not emitted(call.line_ends(Party.CALLER, 200, "BYE", at(5)), events.CallEnded)
    over = ended(call.agent_hangs_up("agent1", at(30)))
    assert (over.by, over.agent) == (Party.CALLER, "agent1")


def test_an_agent_who_leaves_a_conference_is_not_named_for_its_end() -> None:
    call = consulting()
    consult.merge(call, "agent1", at(4))
    call.agent_hangs_up("agent1", at(5))
    assert call.agent == ""
    over = ended(call.line_ends(Party.CALLER, 200, "BYE", at(30)))
    assert (over.by, over.agent) == (Party.CALLER, "agent1")


def test_of_two_who_hang_up_at_the_same_time_the_first_is_named_and_the_second_changes_nothing() -> None:
    call = consulting()
    consult.merge(call, "agent1", at(4))
    conversation.drop(call, "agent1", 2, at(5))
    assert ended(call.agent_hangs_up("agent1", at(6))).by is Party.AGENT
    assert call.line_ends(Party.CALLER, 200, "BYE", at(6)) == []
    assert call.party_ends(2, Party.CALLER, 200, "BYE", at(6)) == []


def test_a_caller_who_gives_up_while_a_transfer_rings_has_hung_up_and_the_target_is_cancelled() -> None:
    call = answered()
    effects = transfer.blind(call, "agent1", COLLEAGUE, Way(), at(5))
    assert FreeAgent("agent1", handled=True) in effects
    over = call.line_ends(Party.CALLER, 200, "BYE", at(9))
    assert ended(over).by is Party.CALLER
    assert StopRinging("agent2") in over
    (offer,) = emitted(over, events.OfferEnded)
    assert offer.outcome is OfferOutcome.CALLER_GONE  # type: ignore[attr-defined]


def test_a_late_answer_to_a_cancelled_transfer_is_refused() -> None:
    call = answered()
    transfer.blind(call, "agent1", COLLEAGUE, Way(), at(5))
    call.line_ends(Party.CALLER, 200, "BYE", at(9))
    with pytest.raises(CallRefused) as refused:
        call.agent_answers("agent2", "PCMA", at(9))
    assert refused.value.code == "wrong_state"


@pytest.mark.parametrize("how", ["rejects", "is unreachable", "lets it ring"])
def test_a_transfer_that_comes_to_nothing_waits_ahead_of_others_for_the_agent_who_sent_it(how: str) -> None:
    call = answered()
    transfer.blind(call, "agent1", COLLEAGUE, Way(), at(5))
    effects = {
        "rejects": lambda: call.agent_rejects("agent2", at(6)),
        "is unreachable": lambda: call.agent_unreachable("agent2", at(6)),
        "lets it ring": lambda: call.due(at(35)),
    }[how]()
    (failed,) = emitted(effects, events.TransferFailed)
    assert failed.returned_to == "queue"  # type: ignore[attr-defined]
    assert AwaitAgent() in effects
    assert (call.phase, call.priority, call.preferred_agent) == (Phase.QUEUED, 30, "agent1")
    assert call.wants_agent()


def test_a_refer_that_is_refused_is_bridged_and_one_that_succeeds_is_no_hang_up_of_anybody() -> None:
    call = answered()
    effects = transfer.blind(call, "agent1", WARD, BY_LINE, at(5), refer=True)
    assert ReferLine("8001") in effects
    assert call.routed == ({0: ()}, {0: "hold-music"})
    assert DialParty(1 + 1, "8001", "trunk") in transfer.refer_done(call, 603, "Decline", at(6))
    assert call.routed == ({0: ()}, {0: "ringback"})
    again = answered()
    transfer.blind(again, "agent1", WARD, BY_LINE, at(5), refer=True)
    assert emitted(transfer.refer_done(again, 200, "OK", at(6)), events.CallTransferred)
    over = ended(again.line_ends(Party.SYSTEM, 200, "Transferred", at(6)))
    assert (over.by, over.reason) == (Party.SYSTEM, "transferred")


@pytest.mark.parametrize("refer", [False, True])
def test_a_supervisor_who_listened_does_not_stay_in_a_call_that_was_transferred(refer: bool) -> None:
    call = answered()
    call.agent_holds("agent1", True, at(2))
    supervision.monitor(call, "boss", "listen", at(3))
    effects = transfer.blind(call, "agent1", WARD, BY_LINE, at(5), refer=refer)
    assert FreeAgent("boss", handled=False) in effects
    assert (HoldLine(False) in effects) != refer, "the peer that transfers a held caller need not resume first"
    if refer:
        assert HoldLine(False) in transfer.refer_done(call, 603, "Decline", at(6))


def test_a_call_that_an_agent_dialled_comes_back_to_the_queue_of_its_line() -> None:
    call = Call("c2", Direction.OUTBOUND, "trunk", "13800138000", Rules(), agent="agent1", home_queue="default")
    call.place(at(0))
    call.callee_answers("PCMA", at(1))
    transfer.blind(call, "agent1", COLLEAGUE, Way(), at(5))
    call.agent_rejects("agent2", at(6))
    assert (call.phase, call.queue) == (Phase.QUEUED, "default")
    assert call.may_offer_to("agent1", at(6))


def test_a_peer_that_says_nothing_of_a_refer_is_not_waited_for_any_longer_than_a_minute() -> None:
    call = answered()
    transfer.blind(call, "agent1", WARD, BY_LINE, at(5), refer=True)
    assert call.deadline() == at(65)
    assert DialParty(2, "8001", "trunk") in call.due(at(65))


def test_a_caller_who_hangs_up_before_the_refer_is_decided_has_hung_up() -> None:
    call = answered()
    transfer.blind(call, "agent1", WARD, BY_LINE, at(5), refer=True)
    over = ended(call.line_ends(Party.CALLER, 200, "BYE", at(6)))
    assert (over.by, over.agent) == (Party.CALLER, "agent1")


def test_a_forwarded_caller_is_answered_only_when_the_number_answers() -> None:
    call = Call("c1", Direction.INBOUND, "trunk", "13800138000", Rules(), queue="default")
    call.arrive(at(0))
    call.leave_queue(at(5))
    transfer.forward(call, WARD, BY_LINE, at(5))
    assert not call.picked_up
    effects = invitations.answered(call, call.parties[1], at(9))
    assert AnswerLine() in effects
    assert call.routed[0] == {0: (1,), 1: (0,)}


def test_the_third_ring_moves_a_waiting_caller_forward_once_by_the_rule_in_force() -> None:
    call = Call(
        "c1", Direction.INBOUND, "trunk", "13800138000", Rules().updated({"three_rings": {"value": 2, "version": 4}}),
        queue="default", priorities={"third_ring": 10},
    )  # fmt: skip
    call.arrive(at(0))
    assert not emitted(call.due(at(4.9)), events.CallPriority)
    (raised,) = emitted(call.due(at(5)), events.CallPriority)
    assert (raised.priority, raised.reason) == (10, "third_ring")  # type: ignore[attr-defined]
    assert not emitted(call.due(at(10)), events.CallPriority)


def test_a_supervisor_keeps_no_call_alive_and_wraps_up_only_what_they_took_over() -> None:
    call = answered()
    supervision.monitor(call, "boss", "listen", at(2))
    effects = call.line_ends(Party.CALLER, 200, "BYE", at(5))
    assert ended(effects).by is Party.CALLER
    assert FreeAgent("boss", handled=False) in effects
    taken = answered()
    supervision.monitor(taken, "boss", "whisper", at(2))
    supervision.take_over(taken, "boss", at(3))
    effects = taken.line_ends(Party.CALLER, 200, "BYE", at(5))
    assert FreeAgent("boss", handled=True) in effects
    assert ended(effects).agent == "boss"


def test_an_agent_without_a_headset_leaves_a_conference_that_goes_on_without_them() -> None:
    call = consulting()
    consult.merge(call, "agent1", at(4))
    call.headset_gone("agent1", "closed", at(10))
    effects = call.due(at(70))
    assert FreeAgent("agent1", handled=True) in effects
    assert not emitted(effects, events.CallEnded)
    assert call.routed[0] == {0: (2,), 2: (0,)}


@pytest.mark.parametrize("act", [consult.swap, consult.merge, consult.complete])
def test_what_needs_a_consulted_party_who_has_answered_is_refused_before(act: object) -> None:
    call = consulting(joined=False)
    assert callable(act)
    with pytest.raises(CallRefused) as refused:
        act(call, "agent1", at(3))
    assert refused.value.code == "wrong_state"
    with pytest.raises(CallRefused) as refused:
        act(call, "agent2", at(3))
    assert refused.value.code == "not_yours"
