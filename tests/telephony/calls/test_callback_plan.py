"""What follows when nobody is reached by a call-back (D116), by the rules in force; and who waits for a further try."""

from __future__ import annotations

import pytest

from telephony import events
from telephony.calls.call import Call
from telephony.calls.effects import CallAgain, Effects, Emit
from telephony.calls.pending_callbacks import PendingCallback, PendingCallbacks
from telephony.clock import SECOND
from telephony.events import Direction, Party
from telephony.rules import Rules

PLAN = Rules(callback_attempts=3, callback_retry_first=300, callback_retry_next=900)


def callback(attempt: int = 1, rules: Rules = PLAN) -> Call:
    """One that an agent has taken: the number is dialled."""
    call = Call("c2", Direction.OUTBOUND, "", "13800138000", rules, queue="default", requested_in="c1", attempt=attempt)
    call.wait_to_call_back(SECOND, SECOND)
    call.offer_to("agent1", SECOND)
    call.agent_answers("agent1", "PCMA", 2 * SECOND)
    return call


def told(effects: Effects) -> list[events.CallbackUnreached]:
    return [e.event for e in effects if isinstance(e, Emit) and isinstance(e.event, events.CallbackUnreached)]


@pytest.mark.parametrize(("attempt", "retry_in"), [(1, 300.0), (2, 900.0), (3, 0.0), (4, 0.0)])
@pytest.mark.parametrize(
    ("by", "status", "reason"),
    [
        (Party.CALLER, 486, "Busy Here"),
        (Party.SYSTEM, 408, "no answer"),
        (Party.NETWORK, 503, "no line is up"),
        (Party.AGENT, 487, "cancelled by the agent"),
    ],
)
def test_a_call_back_that_reaches_nobody_is_tried_again_by_rule_and_given_up_after_the_last(
    attempt: int, retry_in: float, by: Party, status: int, reason: str
) -> None:
    call = callback(attempt)
    effects = call.end(by, status, reason, 9 * SECOND, line_gone=True)
    (unreached,) = told(effects)
    assert (unreached.requested_in, unreached.queue, unreached.sip_status) == ("c1", "default", status)
    assert (unreached.attempt, unreached.attempts, unreached.retry_in) == (attempt, 3, retry_in)
    assert [e.seconds for e in effects if isinstance(e, CallAgain)] == ([retry_in] if retry_in else [])


def test_one_that_was_reached_cancelled_in_its_queue_or_asked_for_by_nobody_is_not_tried_again() -> None:
    reached = callback()
    reached.callee_answers("PCMA", 5 * SECOND)
    assert told(reached.line_ends(Party.CALLER, 200, "BYE", 9 * SECOND)) == []
    waits = Call("c2", Direction.OUTBOUND, "", "13800138000", PLAN, queue="default", requested_in="c1")
    waits.wait_to_call_back(SECOND, SECOND)
    assert told(waits.end(Party.SYSTEM, 487, "cancelled", 9 * SECOND)) == []
    dialled = Call("c2", Direction.OUTBOUND, "trunk", "13800138000", PLAN, agent="agent1")
    dialled.place(SECOND)
    assert told(dialled.line_ends(Party.CALLER, 486, "Busy Here", 9 * SECOND)) == []


def test_no_telephone_rings_and_no_ring_is_counted_for_a_call_back_that_changes_its_queue() -> None:
    call = Call("c2", Direction.OUTBOUND, "", "13800138000", PLAN, queue="default", requested_in="c1")
    call.wait_to_call_back(5 * SECOND, SECOND)
    effects = call.enqueue("vip", 9 * SECOND, 7)
    assert [type(e.event).__name__ if isinstance(e, Emit) else type(e).__name__ for e in effects] == [
        "CallQueued", "SeekAgent",
    ]  # fmt: skip
    assert (call.queue, call.queued_at, call.priority, call.deadline()) == ("vip", SECOND, 7, None)


def test_pending_tries_come_in_order_of_their_time_and_each_once() -> None:
    pending = PendingCallbacks()
    for wish, due in (("a", 30), ("b", 10), ("c", 20)):
        pending.put(PendingCallback("default", "13800138000", "", wish, 0.0, 0, 2, due * SECOND, f"{wish}1"))
    assert pending.deadline() == 10 * SECOND
    assert pending.due(5 * SECOND) == []
    assert [one.requested_in for one in pending.due(20 * SECOND)] == ["b", "c"]
    assert pending.take("nobody") is None
    taken = pending.take("a1")
    assert taken is not None
    assert (taken.requested_in, pending.deadline(), bool(pending)) == ("a", None, False)
