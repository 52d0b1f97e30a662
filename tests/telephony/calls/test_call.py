"""One call's rules as playbooks: what happens, when, and what follows from it."""

from __future__ import annotations

import pytest

from telephony import events
from telephony.calls import supervision
from telephony.calls.call import Call, CallRefused, Phase
from telephony.calls.effects import (
    AnswerLine,
    Effects,
    Emit,
    Finish,
    FreeAgent,
    HoldLine,
    JoinAgent,
    Mute,
    Record,
    ReleaseLine,
    RingAgent,
    RingLine,
    SeekAgent,
    StopRinging,
)
from telephony.clock import SECOND
from telephony.events import Direction, OfferOutcome, Party
from telephony.rules import Rules


def at(seconds: float) -> int:
    return int(seconds * SECOND)


def inbound(rules: Rules | None = None) -> Call:
    return Call("c1", Direction.INBOUND, "trunk", "13800138000", rules or Rules(), queue="default")


def outbound() -> Call:
    return Call("c2", Direction.OUTBOUND, "trunk", "13800138000", Rules(), agent="agent1")


def emitted(effects: Effects, kind: type[events.Event]) -> list[events.Event]:
    return [effect.event for effect in effects if isinstance(effect, Emit) and isinstance(effect.event, kind)]


def shapes(effects: Effects) -> list[str]:
    return [type(e.event).__name__ if isinstance(e, Emit) else type(e).__name__ for e in effects]


def test_an_arriving_call_rings_the_caller_counts_the_first_ring_and_seeks_an_agent() -> None:
    call = inbound()
    assert shapes(call.arrive(at(0))) == ["CallStarted", "RingLine", "CallerRing", "CallQueued", "SeekAgent"]
    assert call.deadline() == at(5)


def test_the_caller_hears_a_ring_every_five_seconds() -> None:
    call = inbound()
    call.arrive(at(0))
    rings = [event.ring for t in (4.9, 5.0, 9.9, 10.0, 15.0) for event in emitted(call.due(at(t)), events.CallerRing)]  # type: ignore[attr-defined]
    assert rings == [2, 3, 4]


def test_rings_that_a_late_timer_missed_are_all_told() -> None:
    call = inbound()
    call.arrive(at(0))
    assert [event.ring for event in emitted(call.due(at(12)), events.CallerRing)] == [2, 3]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "rings", "within"), [(0.5, 1, True), (5, 2, True), (14.99, 3, True), (15.0, 4, False), (40, 9, False)]
)
def test_answered_within_three_rings_means_before_fifteen_seconds(seconds: float, rings: int, within: bool) -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    (answered,) = emitted(call.agent_answers("agent1", "PCMA", at(seconds)), events.CallAnswered)
    assert (answered.caller_rings, answered.within_three_rings) == (rings, within)  # type: ignore[attr-defined]


def test_rings_at_the_agent_count_from_the_offer_and_rings_of_the_caller_from_the_start() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(11))
    (answered,) = emitted(call.agent_answers("agent1", "PCMA", at(13)), events.CallAnswered)
    assert (answered.caller_rings, answered.agent_rings, answered.wait_seconds) == (3, 1, 13.0)  # type: ignore[attr-defined]


def test_answering_answers_the_line_before_it_joins_the_headset_and_records() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(1))
    effects = call.agent_answers("agent1", "PCMA", at(2))
    assert shapes(effects) == [
        "OfferEnded", "AnswerLine", "CallAnswered", "PartyJoined", "PartyJoined", "Record", "JoinAgent", "OwnCall",
        "Route", "AudioRouted",
    ]  # fmt: skip
    assert effects[1] == AnswerLine()
    assert JoinAgent("agent1", 1) in effects
    (routed,) = emitted(effects, events.AudioRouted)
    assert routed.hears == {"0": (1,), "1": (0,)}  # type: ignore[attr-defined]


def test_a_rule_of_four_rings_measures_with_four_and_says_its_version() -> None:
    rules = Rules().updated({"three_rings": {"value": 4, "unit": "rings", "version": 7}})
    call = inbound(rules)
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    (answered,) = emitted(call.agent_answers("agent1", "PCMA", at(16)), events.CallAnswered)
    assert (answered.within_three_rings, answered.rule_version) == (True, 7)  # type: ignore[attr-defined]


def test_after_three_rings_at_one_agent_the_call_seeks_another_and_moves_with_the_miss_marked() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    assert not call.wants_agent()
    assert SeekAgent() in call.due(at(15))
    assert call.wants_agent()
    assert not call.may_offer_to("agent1", at(15))
    effects = call.offer_to("agent2", at(15))
    (ended,) = emitted(effects, events.OfferEnded)
    assert (ended.agent, ended.outcome, ended.rings) == ("agent1", OfferOutcome.NO_ANSWER, 4)  # type: ignore[attr-defined]
    assert effects.index(StopRinging("agent1")) < effects.index(RingAgent("agent2"))


def test_with_nobody_else_free_the_call_goes_on_ringing_and_may_be_answered_late() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.due(at(15))
    assert emitted(call.agent_answers("agent1", "PCMA", at(17)), events.CallAnswered)


def test_an_agent_who_lets_it_ring_for_a_minute_is_taken_out_of_the_rotation() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    effects = call.due(at(60))
    assert StopRinging("agent1", missed="no_answer") in effects
    assert call.phase is Phase.QUEUED


def test_a_refused_offer_goes_elsewhere_and_the_refuser_is_left_alone_for_a_while() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    effects = call.agent_rejects("agent1", at(1))
    assert emitted(effects, events.OfferEnded)[0].outcome is OfferOutcome.REJECTED  # type: ignore[attr-defined]
    assert not call.may_offer_to("agent1", at(10.9))
    assert call.may_offer_to("agent1", at(11))


def test_a_lost_headset_takes_the_ringing_call_elsewhere_at_once() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    effects = call.agent_unreachable("agent1", at(1))
    assert emitted(effects, events.OfferEnded)[0].outcome is OfferOutcome.HEADSET_LOST  # type: ignore[attr-defined]
    assert call.wants_agent()


def test_a_caller_who_gives_up_ends_the_offer_and_the_call() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(1))
    effects = call.line_ends(Party.CALLER, 487, "CANCEL", at(8))
    assert shapes(effects) == ["OfferEnded", "StopRinging", "CallDequeued", "CallEnded", "Finish"]
    (ended,) = emitted(effects, events.CallEnded)
    assert (ended.by, ended.sip_status, ended.caller_rings, ended.agent_rings) == (Party.CALLER, 487, 2, 2)  # type: ignore[attr-defined]
    assert Finish() in effects


def test_an_answer_after_the_caller_has_gone_is_refused() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.line_ends(Party.CALLER, 487, "CANCEL", at(1))
    with pytest.raises(CallRefused) as refused:
        call.agent_answers("agent1", "PCMA", at(1))
    assert refused.value.code == "wrong_state"


@pytest.mark.parametrize(("first", "expected"), [("agent", Party.AGENT), ("caller", Party.CALLER)])
def test_whoever_hangs_up_first_is_blamed_and_the_second_changes_nothing(first: str, expected: Party) -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(2))
    hang_ups = {
        "agent": lambda: call.agent_hangs_up("agent1", at(32)),
        "caller": lambda: call.line_ends(Party.CALLER, 200, "BYE", at(32)),
    }
    effects = hang_ups.pop(first)()
    (ended,) = emitted(effects, events.CallEnded)
    assert (ended.by, ended.sip_status, ended.talk_seconds) == (expected, 200, 30.0)  # type: ignore[attr-defined]
    assert FreeAgent("agent1") in effects
    assert (ReleaseLine(487, "Request Terminated") in effects) == (first == "agent")
    (second,) = hang_ups.values()
    assert second() == []


def test_hanging_up_somebody_elses_call_is_refused() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(2))
    with pytest.raises(CallRefused) as refused:
        call.agent_hangs_up("agent2", at(3))
    assert refused.value.code == "not_yours"
    assert call.phase is Phase.TALKING


def test_a_held_call_talks_again_only_when_both_sides_have_resumed() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(1))
    assert call.agent_holds("agent1", True, at(2))[0] == HoldLine(True)
    assert shapes(call.caller_holds(True)) == ["CallHeld"]
    call.agent_holds("agent1", False, at(3))
    assert call.phase is Phase.HELD
    call.caller_holds(False)
    assert call.phase is Phase.TALKING
    assert call.caller_holds(False) == []


def test_mute_is_told_once() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(1))
    assert call.agent_mutes("agent1", True)[0] == Mute(1, True)
    assert call.agent_mutes("agent1", True) == []


def test_an_outbound_call_counts_rings_from_the_180_and_is_answered() -> None:
    call = outbound()
    assert shapes(call.place(at(0))) == ["CallStarted"]
    assert call.deadline() is None
    assert shapes(call.line_progress(180, False, at(1))) == ["CallProgress", "CallerRing"]
    call.due(at(6))
    (answered,) = emitted(call.callee_answers("PCMA", at(7)), events.CallAnswered)
    assert (answered.caller_rings, answered.within_three_rings) == (2, None)  # type: ignore[attr-defined]


def test_early_media_lets_the_agent_listen_before_the_answer_without_recording() -> None:
    call = outbound()
    call.place(at(0))
    effects = call.line_progress(183, True, at(1))
    assert JoinAgent("agent1", 1) in effects
    assert Record() not in effects
    assert emitted(effects, events.AudioRouted)[0].hears == {"1": (0,)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [486, 603, 404, 480, 503])
def test_a_refused_outbound_call_keeps_its_status_and_frees_the_agent(status: int) -> None:
    call = outbound()
    call.place(at(0))
    effects = call.line_ends(Party.CALLER, status, "refused", at(2))
    (ended,) = emitted(effects, events.CallEnded)
    assert ended.sip_status == status  # type: ignore[attr-defined]
    assert FreeAgent("agent1") in effects


def test_nobody_answers_for_a_minute_and_the_dialled_call_is_given_up() -> None:
    call = outbound()
    call.place(at(0))
    call.line_progress(180, False, at(1))
    effects = call.due(at(61))
    (ended,) = emitted(effects, events.CallEnded)
    assert (ended.by, ended.sip_status, ended.reason) == (Party.SYSTEM, 408, "no answer")  # type: ignore[attr-defined]
    assert any(isinstance(effect, ReleaseLine) for effect in effects)


def test_the_agent_cancels_a_call_that_still_rings_at_the_other_end() -> None:
    call = outbound()
    call.place(at(0))
    call.line_progress(180, False, at(1))
    (ended,) = emitted(call.agent_hangs_up("agent1", at(4)), events.CallEnded)
    assert (ended.by, ended.sip_status) == (Party.AGENT, 487)  # type: ignore[attr-defined]
    assert RingLine() not in call.due(at(100))


@pytest.mark.parametrize(
    ("gone", "why"),
    [("closed", "the agent's headset did not come back"), ("unplugged", "the agent's microphone did not come back")],
)
def test_an_answered_caller_whom_no_headset_hears_waits_again_ahead_of_others_after_the_limit(
    gone: str, why: str
) -> None:
    call = inbound()
    call.priorities = {"returned": 30}
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(1))
    assert call.deadline() is None
    call.headset_gone("agent1", gone, at(10))
    assert call.deadline() == at(70)
    assert call.due(at(69)) == []
    effects = call.due(at(70))
    (left,) = emitted(effects, events.PartyLeft)
    assert (left.party, left.by, left.reason) == (1, Party.SYSTEM, why)  # type: ignore[attr-defined]
    assert FreeAgent("agent1", handled=True) in effects
    assert SeekAgent() in effects
    (queued,) = emitted(effects, events.CallQueued)
    assert queued.queue == "default"  # type: ignore[attr-defined]
    assert (call.phase, call.priority, call.preferred_agent, call.agent) == (Phase.QUEUED, 30, "", "")
    assert not emitted(effects, events.CallEnded)
    call.offer_to("agent2", at(71))
    call.agent_answers("agent2", "PCMA", at(72))
    assert (call.phase, call.agent, call.routed[0]) == (Phase.TALKING, "agent2", {0: (2,), 2: (0,)})


def test_supervisors_with_an_agent_who_is_not_heard_any_more_go_with_them() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(1))
    supervision.monitor(call, "boss", "listen", at(2))
    call.agent_holds("agent1", True, at(5))
    call.headset_gone("agent1", "unplugged", at(10))
    effects = call.due(at(70))
    assert FreeAgent("boss", handled=False) in effects
    assert (call.phase, sorted(call.parties), call.held_by) == (Phase.QUEUED, [0], set())


def test_who_was_dialled_and_is_left_alone_by_a_lost_microphone_is_let_go_after_the_limit() -> None:
    call = outbound()
    call.place(at(0))
    call.line_progress(183, True, at(1))
    call.headset_gone("agent1", "unplugged", at(2))
    assert not call.due(at(90))
    call.callee_answers("PCMA", at(100))
    assert call.deadline() == at(160)
    (ended,) = emitted(call.due(at(160)), events.CallEnded)
    assert (ended.by, ended.sip_status, ended.talk_seconds) == (Party.SYSTEM, 200, 60.0)  # type: ignore[attr-defined]
    assert ended.reason == "the agent's microphone did not come back"  # type: ignore[attr-defined]


def test_a_headset_that_comes_back_in_time_keeps_the_call() -> None:
    call = inbound()
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(1))
    call.headset_gone("agent1", "closed", at(10))
    call.headset_back("agent1")
    assert call.deadline() is None
    assert call.due(at(100)) == []


def test_a_waiting_callers_proxies_are_told_again_within_each_minute() -> None:
    call = inbound()
    call.arrive(at(0))
    told = [second for second in range(1, 121) if RingLine() in call.due(at(second))]
    assert told == [45, 95]


def test_a_caller_whom_nobody_answers_is_let_go_after_the_longest_wait() -> None:
    call = inbound(Rules().updated({"wait_limit": {"value": 600}}))
    call.arrive(at(0))
    assert not emitted(call.due(at(599)), events.CallEnded)
    effects = call.due(at(600))
    (ended,) = emitted(effects, events.CallEnded)
    assert (ended.by, ended.sip_status) == (Party.SYSTEM, 480)  # type: ignore[attr-defined]
    assert any(isinstance(effect, ReleaseLine) and effect.status == 480 for effect in effects)


def test_an_agent_whose_headset_is_gone_is_told_as_away_with_its_limit_and_each_reason_once() -> None:
    call = inbound(Rules(headset_lost_limit=20))
    call.arrive(at(0))
    call.offer_to("agent1", at(0))
    call.agent_answers("agent1", "PCMA", at(2))
    (away,) = emitted(call.headset_gone("agent1", "frozen", at(3), heard=True), events.PartyAway)
    assert (away.party, away.away, away.reason, away.limit) == (1, True, "frozen", 0.0)  # type: ignore[attr-defined]
    assert call.headset_gone("agent1", "frozen", at(4), heard=True) == []
    (gone,) = emitted(call.headset_gone("agent1", "closed", at(5)), events.PartyAway)
    assert (gone.reason, gone.limit) == ("closed", 20)  # type: ignore[attr-defined]
    assert call.deadline() == at(25)
    (back,) = emitted(call.headset_back("agent1"), events.PartyAway)
    assert (back.away, call.headset_back("agent1"), call.deadline()) == (False, [], None)  # type: ignore[attr-defined]
    assert call.headset_gone("somebody", "closed", at(6)) == []
