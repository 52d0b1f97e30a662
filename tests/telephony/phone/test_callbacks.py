"""Call-backs through a whole phone: tried again, cancelled by who calls in, moved to another queue (D116)."""

from __future__ import annotations

from typing import Any

import pytest
from call_floor import CallFloor

from telephony import events
from telephony.events import AgentStatus, Party
from telephony.seam.client import CommandError

NUMBER = "13800138000"


async def rules(at: CallFloor, **values: float) -> None:
    await at.seam.command("rules.set", rules={name: {"value": value} for name, value in values.items()})


async def place(at: CallFloor, **more: Any) -> str:
    wish = {"queue": "default", "number": NUMBER, "requested_in": "asked", **more}
    placed = await at.seam.command("callback.place", **wish)
    return str(placed["call"])


async def take(at: CallFloor, agent: str, call: str) -> None:
    """The agent takes the call-back as soon as it rings at their desk."""
    await at.event(events.CallOffered, agent=agent, call=call)
    await at.do("answer", agent, call)


async def next_try(at: CallFloor, attempt: int) -> str:
    return str((await at.event(events.CallbackStarted, attempt=attempt)).call)


async def ready_again(at: CallFloor, agent: str, call: str) -> None:
    await at.event(events.CallEnded, call=call)
    await at.do("wrapped_up", agent, call)
    await at.until(lambda: at.status(agent) == AgentStatus.READY)


def test_who_is_busy_is_called_again_twice_by_rule_with_the_same_place_and_then_given_up(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await rules(at, callback_attempts=3, callback_retry_first=0.2, callback_retry_next=0.4)
        at.telephone(NUMBER, does=486)
        await at.agent("agent1")
        call = await place(at, waiting_since=at.phone.clock.wall() - 100, priority=7)
        plan = []
        for attempt in (1, 2, 3):
            assert at.phone.calls[call].call.priority == 7
            await take(at, "agent1", call)
            unreached = await at.event(events.CallbackUnreached, attempt=attempt)
            plan.append(unreached.retry_in)
            assert (unreached.call, unreached.requested_in, unreached.sip_status) == (call, "asked", 486)
            await ready_again(at, "agent1", call)
            if attempt < 3:
                call = await next_try(at, attempt + 1)
                (shown,) = (await at.seam.command("snapshot"))["calls"]
                assert shown["waiting_since"] > 100
                assert (shown["requested_in"], shown["patient_id"]) == ("asked", "")
        assert plan == [0.2, 0.4, 0.0]
        assert (await at.seam.command("snapshot"))["callbacks"] == []

    on_floor(body)


def test_a_try_to_come_is_shown_and_can_be_cancelled(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        at.telephone(NUMBER, does=486)
        await at.agent("agent1")
        call = await place(at)
        await take(at, "agent1", call)
        await at.event(events.CallEnded, call=call)
        (later,) = (await at.seam.command("snapshot"))["callbacks"]
        assert (later["requested_in"], later["queue"], later["attempt"]) == ("asked", "default", 2)
        assert 290 < later["due_in"] <= 300
        await at.seam.command("callback.cancel", call=call)
        assert (await at.seam.command("snapshot"))["callbacks"] == []
        with pytest.raises(CommandError) as refused:
            await at.seam.command("callback.cancel", call=call)
        assert refused.value.code == "no_such_call"

    on_floor(body)


def test_a_call_back_that_waits_is_cancelled_by_the_call_in_which_it_was_asked_for(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        other = await place(at, number="13900139000", requested_in="other")
        call = await place(at)
        await at.seam.command("callback.cancel", call="asked")
        ended = await at.event(events.CallEnded, call=call)
        assert (ended.by, ended.reason, set(at.phone.calls)) == (Party.SYSTEM, "cancelled", {other})
        for gone in ("asked", call, ""):
            with pytest.raises(CommandError) as refused:
                await at.seam.command("callback.cancel", call=gone)
            assert refused.value.code == "no_such_call"
        await at.seam.command("callback.cancel", call=other)

    on_floor(body)


def test_a_call_back_that_is_placed_for_later_waits_until_then(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        at.telephone(NUMBER)
        assert await place(at, attempt=2, priority=4, not_before=at.phone.clock.wall() + 0.4) == ""
        assert (await at.seam.command("snapshot"))["calls"] == []
        call = await next_try(at, 2)
        assert at.phone.calls[call].call.priority == 4
        await take(at, "agent1", call)
        await at.event(events.CallAnswered, call=call)
        await at.do("hang_up", "agent1", call)
        for wrong in (float("inf"), float("nan"), -1.0):
            with pytest.raises(CommandError) as refused:
                await place(at, not_before=wrong)
            assert refused.value.code == "bad_arguments"

    on_floor(body)


@pytest.mark.parametrize("pending", [False, True])
def test_who_calls_in_meanwhile_has_the_place_of_the_call_back_which_is_cancelled(on_floor: Any, pending: bool) -> None:
    async def body(at: CallFloor) -> None:
        wall = at.phone.clock.wall()
        other = await place(at, number="13900139000", requested_in="other", waiting_since=wall - 500)
        call = await place(
            at, number=f"+86{NUMBER}", waiting_since=wall - 200, priority=9, not_before=wall + 300 if pending else 0.0
        )
        caller = await at.caller(NUMBER)
        cancelled = await at.event(events.CallbackCancelled)
        began = await at.event(events.CallStarted, direction="inbound")
        assert (cancelled.call, cancelled.by, cancelled.by_call) == ("asked", "caller", began.call)
        if not pending:
            ended = await at.event(events.CallEnded, call=call)
            assert (ended.by, ended.reason) == (Party.SYSTEM, "cancelled")
        snapshot = await at.seam.command("snapshot")
        shown = {one["call"]: one for one in snapshot["calls"]}
        assert (set(shown), snapshot["callbacks"]) == ({other, began.call}, [])
        assert shown[began.call]["waiting_since"] == pytest.approx(200, abs=5)
        assert shown[began.call]["priority"] == 9
        caller.give_up()
        await at.event(events.CallEnded, call=began.call)
        for waiting in list(at.phone.calls):
            await at.seam.command("callback.cancel", call=waiting)

    on_floor(body)


@pytest.mark.parametrize("pending", [False, True])
def test_who_gives_up_after_taking_the_place_of_a_call_back_is_called_back_with_that_place(
    on_floor: Any, pending: bool
) -> None:
    async def body(at: CallFloor) -> None:
        wall = at.phone.clock.wall()
        later = wall + 300 if pending else 0.0
        await place(at, number="+86 571-8888 6666", waiting_since=wall - 200, priority=9, attempt=2, not_before=later)
        caller = await at.caller("057188886666")
        cancelled = await at.event(events.CallbackCancelled)
        caller.give_up()
        await at.event(events.CallEnded, call=cancelled.by_call)
        begun = [e for e in at.events if isinstance(e, events.CallbackStarted)]
        again = begun[-1]
        assert len(begun) == (1 if pending else 2)
        assert (again.requested_in, again.attempt, again.queue) == ("asked", 2, "default")
        snapshot = await at.seam.command("snapshot")
        (shown,) = snapshot["calls"]
        assert (shown["call"], shown["number"], shown["priority"]) == (again.call, "+86 571-8888 6666", 9)
        assert shown["waiting_since"] == pytest.approx(200, abs=5)
        await at.seam.command("callback.cancel", call=again.call)

    on_floor(body)


def test_who_was_spoken_to_after_taking_the_place_of_a_call_back_is_not_called_back(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await place(at)
        caller = await at.caller(f"0{NUMBER}")
        await at.event(events.CallbackCancelled)
        await at.agent("agent1")
        call = await at.answered("agent1", caller)
        caller.hang_up()
        await at.event(events.CallEnded, call=call)
        assert len([e for e in at.events if isinstance(e, events.CallbackStarted)]) == 1

    on_floor(body)


def test_who_asks_twice_is_called_back_once_with_the_place_of_the_first_time(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        wall = at.phone.clock.wall()
        offer = {"kind": "callback", "queue": "default"}
        hours = [{"name": "never", "weekly": {}}]
        entries = [{"to": {"kind": "queue", "queue": "default"}, "hours": "never", "closed": offer}]
        routing = {"queues": [{"name": "default"}], "hours": hours, "entries": entries}
        await at.seam.command("routing.set", routing=routing)
        await place(at, number=f"+86 {NUMBER}", waiting_since=wall - 200, priority=9)
        caller = await at.caller(NUMBER)
        began = await at.event(events.CallStarted, direction="inbound")
        await at.event(events.AnnouncementPlayed, call=began.call)
        live = at.phone.calls[began.call]
        live.line_digit(live.line_party(0), "1")
        asked = await at.event(events.CallbackRequested, call=began.call)
        cancelled = await at.event(events.CallbackCancelled)
        assert (cancelled.call, cancelled.by_call, asked.priority) == ("asked", asked.call, 9)
        assert asked.waiting_since == pytest.approx(wall - 200, abs=5)
        (waiting,) = at.phone.callbacks._waiting
        assert at.phone.calls[waiting].call.requested_in == asked.call
        caller.give_up()
        await at.event(events.CallEnded, call=asked.call)
        assert set(at.phone.calls) == {waiting}
        await at.seam.command("callback.cancel", call=waiting)

    on_floor(body)


def test_who_is_reached_by_another_call_is_not_called_back(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        at.telephone(NUMBER)
        await place(at)
        await at.agent("agent1", ready=False)
        dialled = (await at.seam.command("call.dial", agent="agent1", number=NUMBER))["call"]
        cancelled = await at.event(events.CallbackCancelled, by_call=dialled)
        answered = await at.event(events.CallAnswered, call=dialled)
        assert (cancelled.call, cancelled.sequence > answered.sequence) == ("asked", True)
        await at.do("hang_up", "agent1", dialled)

    on_floor(body)


def test_a_call_back_overflows_as_its_queue_says_and_is_taken_there(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        other = {"kind": "queue", "queue": "other"}
        queues = [{"name": "default", "overflow": [{"after": 1.0, "to": other}]}, {"name": "other"}]
        await at.seam.command("routing.set", routing={"queues": queues})
        at.telephone(NUMBER)
        await at.agent("agent1", ready=False)
        await at.seam.command("agent.sign_in", agent="agent1", name="agent1", queues=["other"])
        await at.seam.command("agent.ready", agent="agent1")
        call = await place(at)
        await take(at, "agent1", call)
        moved = [(e.queue, e.why, e.to) for e in at.events if isinstance(e, events.CallDequeued)]
        assert moved == [("default", "overflow", "queue:other")]
        await at.event(events.CallAnswered, call=call)
        kinds = [type(e) for e in at.of_call(call)]
        assert events.CallerRing not in kinds[: kinds.index(events.CallOffered)]
        await at.do("hang_up", "agent1", call)

    on_floor(body)


@pytest.mark.parametrize("since", [-1.0, float("-inf"), float("nan")])
def test_a_call_back_since_no_time_at_all_is_refused(on_floor: Any, since: float) -> None:
    async def body(at: CallFloor) -> None:
        with pytest.raises(CommandError) as refused:
            await at.seam.command("callback.place", queue="default", number="13800138000", waiting_since=since)
        assert refused.value.code == "bad_arguments"
        assert (await at.seam.command("snapshot"))["calls"] == []

    on_floor(body)


def test_a_call_back_waits_like_a_call_and_is_dialled_when_an_agent_takes_it(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        patient = at.telephone("13800138000")
        placed = await at.seam.command(
            "callback.place", queue="default", number="138 0013 8000", patient_id="p1", requested_in="earlier",
            waiting_since=0.0, priority=5,
        )  # fmt: skip
        (shown,) = (await at.seam.command("snapshot"))["calls"]
        assert (shown["phase"], shown["position"], shown["priority"]) == ("queued", 1, 5)
        assert shown["requested_in"] == "earlier"
        await at.agent("agent1")
        offered = await at.event(events.CallOffered, agent="agent1", call=placed["call"])
        await at.do("answer", "agent1", offered.call)
        await at.event(events.CallAnswered, call=offered.call)
        await at.hears({"agent1": {patient.name}, patient.name: {"agent1"}})
        patient.hang_up()
        assert (await at.event(events.CallEnded)).by is Party.CALLER

    on_floor(body)
