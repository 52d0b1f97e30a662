"""Queues through the whole product: who gets a call, and where it goes when nobody does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from switchboard import CLOSED, MUSIC, NOTICE, WRONG, melody, to_queue
from tones import SPEECH_CODER, hear_recording

pytestmark = pytest.mark.peer

CALLER, WARD, AGENT = 300.0, 500.0, 1400.0


@contextlib.asynccontextmanager
async def desks(house: Any, *users: str, ready: bool = True, **options: Any) -> AsyncIterator[list[Any]]:
    """Agents at their desks, ready in this order."""
    async with contextlib.AsyncExitStack() as stack:
        here = [await stack.enter_async_context(house.agent(user, ready=False, **options)) for user in users]
        if ready:
            for agent in here:
                await agent.be_ready()
        yield here


async def one_queue(board: Any, **settings: Any) -> None:
    await board.route({"7200": to_queue("tested")}, [{"name": "default"}, {"name": "tested", **settings}])


async def offered(house: Any, call: str, agent: str) -> dict[str, Any]:
    event: dict[str, Any] = await house.event("call.offered", call=call, agent=agent)
    return event


async def state(house: Any, agent: str) -> tuple[str, str]:
    """As the floor has it."""
    agents = (await house.api.get("/api/floor")).json()["agents"]
    (one,) = [one for one in agents if one["agent"] == agent]
    return one["status"], one["call"]


async def test_a_call_that_rings_at_all_stops_everywhere_at_once_when_one_answers(house: Any, switchboard: Any) -> None:
    async with switchboard() as board:
        await board.user("agent3")
        async with desks(house, "agent1", "agent2", "agent3") as (first, second, third):
            await one_queue(board, strategy="ring_all")
            phone = await board.phone()
            call = await board.call("7200", phone)
            for agent in (first, second, third):
                await agent.wait_for("ringing", call=call)
            await second.answer(call)
            answered = await house.event("call.answered", call=call, agent="agent2")
            for name in ("agent1", "agent3"):
                ended = await house.event("call.offer_ended", call=call, agent=name)
                assert ended["outcome"] == "elsewhere"
                assert ended["at"] - answered["at"] < 0.05
                assert await state(house, name) == ("ready", "")
            await board.hang_up(phone, call)
            view = await house.call_when(call, state="ended")
    assert (view["agent"], view["outcome"]) == ("agent2", "answered")


async def test_round_robin_rings_at_whom_the_queue_has_rung_longest_ago(house: Any, switchboard: Any) -> None:
    async with switchboard() as board, desks(house, "agent1", "agent2"):
        await one_queue(board, strategy="round_robin")
        phone = await board.phone()
        rang = []
        for _ in range(4):
            call = await board.call("7200", phone)
            rang.append((await house.event("call.offered", call=call))["agent"])
            await board.hang_up(phone, call)
    assert rang in (["agent1", "agent2"] * 2, ["agent2", "agent1"] * 2)


async def test_fewest_calls_and_the_last_agent_are_told_apart(house: Any, switchboard: Any) -> None:
    """Two agents whom nobody has called today: the first call goes to one, the second to the other, and a caller who
    comes again to whom they know."""
    queues = [{"name": "default"}, {"name": "fair", "strategy": "fewest_calls"}, {"name": "loyal"}]
    queues[2] |= {"strategy": "fewest_calls", "last_agent_first": True}
    async with switchboard() as board:
        for name in ("fresh1", "fresh2"):
            await board.user(name)
        async with board.rules(wrap_up_limit=0), desks(house, "fresh1", "fresh2") as here:
            await board.route({"7201": to_queue("fair"), "7202": to_queue("loyal")}, queues)
            phones = await board.phones(2)
            took = []
            for dialled, phone in (("7201", phones[0]), ("7201", phones[1]), ("7202", phones[1]), ("7202", phones[1])):
                call = await board.call(dialled, phone)
                agent = (await house.event("call.offered", call=call))["agent"]
                await {one.user: one for one in here}[agent].answer(call)
                took.append((await house.event("call.answered", call=call))["agent"])
                await board.hang_up(phone, call)
                await house.until(lambda agent=agent: is_free(house, agent))
    assert took[:2] in (["fresh1", "fresh2"], ["fresh2", "fresh1"])
    assert took[2:] == [took[1], took[1]], "who knows the caller, though the other has had fewer calls"


async def is_free(house: Any, agent: str) -> bool:
    return await state(house, agent) == ("ready", "")


async def test_the_highest_level_of_the_skill_gets_the_call_and_who_lacks_it_is_better_than_nobody(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board:
        await board.profile("agent1", skills={"english": 3})
        await board.profile("agent2", skills={"english": 8})
        await board.user("agent3")
        try:
            async with desks(house, "agent3", "agent1", "agent2"):
                await one_queue(board, strategy="skills", skill="english")
                phones = await board.phones(3)
                calls = [await board.call("7200", phone) for phone in phones]
                rang = [(await house.event("call.offered", call=call))["agent"] for call in calls]
                for phone, call in zip(phones, calls, strict=True):
                    await board.hang_up(phone, call)
        finally:
            for name in ("agent1", "agent2"):
                await board.profile(name, skills={})
    assert rang == ["agent2", "agent1", "agent3"]


async def test_a_vip_and_then_an_elderly_caller_are_moved_forward_by_the_web_process(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board:
        young, old, vip = await board.phones(3)
        born = {"name": "钱秀英", "birth_date": "1938-02-03", "phones": [{"number": old.user}], "confirmed": True}
        async with house.agent("agent2", ready=False) as agent:
            await agent.api.post("/api/patients", born)
        made = await house.api.post(
            "/api/sponsored-callers", json={"number": vip.user, "name": "周文", "sponsor": "院办"}
        )
        assert made.status_code == 201, made.text
        async with house.agent(ready=False) as agent:
            await one_queue(board)
            calls = {name: await board.call("7200", phone) for name, phone in _all(young=young, old=old, vip=vip)}
            for name, reason, priority in (("old", "elderly", 20), ("vip", "vip", 50)):
                raised = await house.event("call.priority", call=calls[name])
                assert (raised["reason"], raised["priority"], raised["by"]) == (reason, priority, "")
            floor = (await house.api.get("/api/floor")).json()["calls"]
            assert {one["call"]: one["position"] for one in floor} == {
                calls["vip"]: 1, calls["old"]: 2, calls["young"]: 3,
            }  # fmt: skip
            await agent.be_ready()
            await agent.wait_for("ringing", call=calls["vip"])
            await board.hang_up(vip, calls["vip"])
            await agent.wait_for("ringing", call=calls["old"])
            await board.hang_up(old, calls["old"])
            await agent.wait_for("ringing", call=calls["young"])
            await board.hang_up(young, calls["young"])


def _all(**named: Any) -> list[tuple[str, Any]]:
    return list(named.items())


async def test_nobody_signed_in_a_full_queue_and_a_long_wait_each_lead_on(house: Any, switchboard: Any) -> None:
    queues = [
        {"name": "default"},
        {"name": "empty", "nobody_signed_in": to_queue("narrow")},
        {"name": "narrow", "max_waiting": 1, "full": {"kind": "message", "prompt": "tone-closed"},
         "overflow": [{"after": 1.0, "to": to_queue("wide")}]},
        {"name": "wide"},
    ]  # fmt: skip
    async with switchboard() as board:
        await board.profile("agent1", queues=["wide", "narrow"])
        try:
            async with house.agent(ready=False) as agent:
                await board.route({"7203": to_queue("empty"), "7204": to_queue("narrow")}, queues)
                first, second = await board.phones(2)
                waits = await board.call("7203", first)
                await house.event("call.queued", call=waits, queue="narrow")
                turned_away = await board.call("7204", second)
                await board.over(second, turned_away)
                left = await house.event("call.dequeued", call=waits)
                assert (left["queue"], left["why"], left["to"]) == ("narrow", "overflow", "queue:wide")
                await agent.be_ready()
                await agent.wait_for("ringing", call=waits)
                await agent.answer(waits)
                await house.event("call.answered", call=waits)
                await board.hang_up(first, waits)
                view = await house.call_when(waits, state="ended")
                closed = await house.call_when(turned_away, state="ended")
        finally:
            await board.profile("agent1", queues=[])
    assert [(one["queue"], one["why"]) for one in view["queue_path"]] == [("narrow", "overflow"), ("wide", "answered")]
    assert melody(second, CLOSED) == [CLOSED]
    assert closed["outcome"] == "closed"


async def test_an_overflow_to_a_telephone_is_bridged_and_recorded_and_the_caller_heard_it_ring(
    house: Any, switchboard: Any, baresip: Any
) -> None:
    overflow = [{"after": 1.0, "to": {"kind": "number", "number": "02066660000"}}]
    async with switchboard() as board:
        await one_queue(board, waiting="music", music="tone-music", overflow=overflow)
        ward = await board.phone(WARD, number="02066660000", port=house.product.peer)
        phone = await board.phone(CALLER)
        call = await board.call("7200", phone)
        await asyncio.to_thread(ward.wait_for, "CALL_INCOMING")
        await asyncio.to_thread(phone.listen, 2.2)
        ward.accept()
        went = await house.event("call.transferred", call=call)
        assert (went["kind"], went["target"]["kind"]) == ("routed", "number")
        await asyncio.to_thread(phone.listen, 4.0)
        await board.hang_up(phone, call)
        await asyncio.to_thread(ward.wait_for, "CALL_CLOSED")
        view = await house.recorded(call)
        sides = hear_recording(await house.download(view))
    assert melody(phone, MUSIC, 450.0, WARD) == [MUSIC, 450.0, WARD]
    assert ward.heard().tone(CALLER) == pytest.approx(-12.0, abs=1.5)
    assert sides[0].tone(CALLER) == pytest.approx(-12.0, abs=SPEECH_CODER)
    assert sides[1].tone(WARD) == pytest.approx(-12.0, abs=SPEECH_CODER)
    assert (view["recording"]["channels"], view["agent"], view["hung_up_by"]) == (2, None, "caller")


async def offers_call_backs(board: Any) -> None:
    await board.prompt("callback-offer", NOTICE, 0.8)
    await board.prompt("callback-accepted", WRONG, 0.8)
    await one_queue(board, callback_offer_after=1.0)


async def asks_to_be_called_back(board: Any, house: Any) -> tuple[Any, str]:
    """A telephone that was offered a call-back and pressed 1, and its call."""
    phone = await board.phone(CALLER, port=house.product.peer)
    call = await board.call("7200", phone)
    await house.event("call.announcement", call=call, why="callback")
    await asyncio.to_thread(phone.listen, 1.2)
    await asyncio.to_thread(phone.digits, "1")
    return phone, call


async def test_who_presses_one_is_called_back_in_their_place_before_who_came_later(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board, house.agent(ready=False, play=house.tone(AGENT)) as agent:
        await offers_call_backs(board)
        phone, call = await asks_to_be_called_back(board, house)
        asked = await house.event("callback.requested", call=call)
        placed = (await house.event("callback.started", requested_in=call))["call"]
        await board.over(phone, call)
        later = await board.phone()
        came_later = await board.call("7200", later)
        (row,) = [one for one in await callbacks(house) if one["id"] == call]
        assert (row["state"], row["call"], row["queue"]) == ("waiting", placed, "tested")
        await agent.be_ready()
        await agent.wait_for("ringing", call=placed)
        await agent.answer(placed)
        await asyncio.to_thread(phone.wait_for, "CALL_INCOMING")
        phone.accept()
        await house.event("call.answered", call=placed, agent="agent1")
        await asyncio.to_thread(phone.listen, 2.0)
        await board.hang_up(phone, placed)
        await agent.wrapped_up(placed)
        await agent.wait_for("ringing", call=came_later)
        await board.hang_up(later, came_later)
        view = await house.recorded(placed)
        gave_up = await house.call_when(call, state="ended")

        async def reached() -> bool:
            return [one["state"] for one in await callbacks(house) if one["id"] == call] == ["reached"]

        await house.until(reached)
    assert asked["waiting_since"] < asked["at"] - 0.9
    assert phone.heard().tone(AGENT) == pytest.approx(-15.0, abs=1.5)
    assert (view["direction"], view["callback_of"], view["outcome"]) == ("outbound", call, "answered")
    assert gave_up["outcome"] == "callback"


async def test_a_call_back_that_finds_the_telephone_busy_is_made_again_by_rule_and_reaches_its_caller(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board, house.agent(ready=False, play=house.tone(AGENT)) as agent:
        await offers_call_backs(board)
        async with board.rules(callback_retry_first=2.0):
            phone, call = await asks_to_be_called_back(board, house)
            first = (await house.event("callback.started", requested_in=call, attempt=1))["call"]
            await board.over(phone, call)
            await agent.be_ready()
            await agent.wait_for("ringing", call=first)
            await agent.answer(first)
            await asyncio.to_thread(phone.wait_for, "CALL_INCOMING")
            await asyncio.to_thread(phone.hang_up)
            unreached = await house.event("callback.unreached", call=first)

            async def state(wanted: str) -> bool:
                (row,) = [one for one in await callbacks(house) if one["id"] == call]
                return bool(row["state"] == wanted and (row["due_at"] is not None) == (wanted == "retry"))

            await house.until(lambda: state("retry"))
            await agent.wrapped_up(first)
            second = await house.event("callback.started", requested_in=call, attempt=2)
            await agent.wait_for("ringing", call=second["call"])
            incoming = len(phone.events)
            await agent.answer(second["call"])
            await asyncio.to_thread(phone.wait_for, "CALL_INCOMING", after=incoming)
            phone.accept()
            await house.event("call.answered", call=second["call"], agent="agent1")
            await house.until(lambda: state("reached"))
            await agent.hang_up(second["call"])
            await house.event("call.ended", call=second["call"])
            await agent.wrapped_up(second["call"])
    assert (unreached["sip_status"], unreached["retry_in"]) == (486, 2.0)
    assert second["at"] - unreached["at"] == pytest.approx(2.0, abs=1.0)


async def callbacks(house: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.api.get("/api/callback-requests")).json()["callbacks"]
    return found


async def test_callers_who_wait_are_told_their_place(house: Any, switchboard: Any) -> None:
    says = {"position": NOTICE, "num-1": 1100.0, "num-2": 1200.0, "position-end": 980.0}
    async with switchboard() as board:
        for name, hertz in says.items():
            await board.prompt(name, hertz, 0.6)
        await one_queue(board, waiting="music", music="tone-music", announce_position=True, announce_every=5.0)
        phones = await board.phones(2)
        calls = [await board.call("7200", phone) for phone in phones]
        for call in calls:
            await house.event("call.announcement", call=call, why="position")
        await asyncio.to_thread(phones[1].listen, 7.2)
        for phone, call in zip(phones, calls, strict=True):
            await board.hang_up(phone, call)
        for name in says:
            await house.api.delete(f"/api/routing/prompts/{name}")
    for place, phone in ((1100.0, phones[0]), (1200.0, phones[1])):
        heard = melody(phone, MUSIC, *says.values())
        assert heard[:5] == [MUSIC, NOTICE, place, 980.0, MUSIC]


async def test_a_third_ring_moves_the_offer_on_marks_the_miss_and_raises_the_caller(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board, board.rules(ring_cadence=1), desks(house, "agent1", "agent2"):
        await one_queue(board)
        phone = await board.phone()
        call = await board.call("7200", phone)
        first = await house.event("call.offered", call=call, offer=1)
        missed = await house.event("call.offer_ended", call=call, agent=first["agent"])
        second = await house.event("call.offered", call=call, offer=2)
        # as whoever oversees hears of it
        raised = await house.event("call.priority", call=call)
        status, _ = await state(house, first["agent"])
        await board.hang_up(phone, call)
        view = await house.call_when(call, state="ended")
    # it moves when the fourth would begin
    assert (missed["outcome"], missed["rings"]) == ("no_answer", 4)
    assert missed["at"] - first["at"] == pytest.approx(3.0, abs=0.3)
    assert second["agent"] != first["agent"]
    assert second["at"] - missed["at"] < 0.05
    assert (raised["reason"], raised["priority"]) == ("third_ring", 10)
    assert raised["at"] - first["at"] == pytest.approx(2.0, abs=0.3)
    assert status == "ready", "who missed one of three rings stays in the rotation"
    assert view["priority_reason"] == "third_ring"
