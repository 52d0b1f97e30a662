"""A shift at home: calls ring at the agent's mobile, and are recorded all the same (D103)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from switchboard import to_queue
from tones import SPEECH_CODER, hear_recording

pytestmark = pytest.mark.peer

MOBILE = "13700001111"
CALLER, HOME = 300.0, 500.0


async def at_home(board: Any, agent: Any) -> None:
    await board.route({"7300": to_queue("tested")}, [{"name": "default"}, {"name": "tested"}])
    await agent.use_device("phone", MOBILE)
    await agent.be_ready()


@pytest.mark.parametrize("first", ["caller", "agent"])
async def test_a_call_rings_at_the_mobile_is_talked_there_recorded_and_wrapped_up(
    house: Any, switchboard: Any, first: str
) -> None:
    async with switchboard() as board, house.agent(ready=False) as agent:
        await at_home(board, agent)
        mobile = await board.phone(HOME, number=MOBILE, port=house.product.peer)
        phone = await board.phone(CALLER)
        call = await board.call("7300", phone)
        await asyncio.to_thread(mobile.wait_for, "CALL_INCOMING")
        ringing = await house.event("agent.state", agent="agent1", status="ringing")
        assert ringing["device"] == "phone"
        mobile.accept()
        answered = await house.event("call.answered", call=call, agent="agent1")
        await asyncio.to_thread(phone.listen, 2.5)
        (phone if first == "caller" else mobile).hang_up()
        await board.over(phone, call)
        await asyncio.to_thread(mobile.wait_for, "CALL_CLOSED")
        assert (await house.event("agent.state", status="wrap_up"))["agent"] == "agent1"
        view = await house.recorded(call)
        sides = hear_recording(await house.download(view))
        await agent.wrapped_up(call)
        await agent.use_device("headset")
    assert answered["agent_rings"] >= 1
    assert phone.heard().tone(HOME) == pytest.approx(-12.0, abs=1.5)
    assert mobile.heard().tone(CALLER) == pytest.approx(-12.0, abs=1.5)
    assert sides[0].tone(CALLER) == pytest.approx(-12.0, abs=SPEECH_CODER)
    assert sides[1].tone(HOME) == pytest.approx(-12.0, abs=SPEECH_CODER)
    assert (view["agent"], view["outcome"], view["hung_up_by"]) == ("agent1", "answered", first)
    assert view["recording"]["channels"] == 2
    assert view["recording"]["seconds"] == pytest.approx(view["talk_seconds"], abs=0.3)


@pytest.mark.parametrize(
    ("scenario", "changes", "outcome", "waits"),
    [
        ("callee_refuses", {"SIP/2.0 404": "SIP/2.0 486"}, "rejected", 0.0),
        ("callee_rings_for_ever", {}, "no_answer", 3.0),
    ],
    ids=["busy", "not taken"],
)
async def test_a_mobile_that_does_not_take_the_call_lets_it_ring_at_the_next_agent(
    house: Any, switchboard: Any, scenario: str, changes: dict[str, str], outcome: str, waits: float
) -> None:
    async with (
        switchboard() as board,
        board.rules(ring_cadence=1),
        house.agent("agent1", ready=False) as away,
        house.agent("agent2", ready=False) as here,
    ):
        await at_home(board, away)
        await here.be_ready()
        mobile = await house.sipp.start(house.scenario(scenario, changes), listens=True)
        phone = await board.phone()
        call = await board.call("7300", phone)
        rang = await house.event("call.offered", call=call, agent="agent1")
        ended = await house.event("call.offer_ended", call=call, agent="agent1")
        await here.wait_for("ringing", call=call)
        next_one = await house.event("call.offered", call=call, agent="agent2")
        await here.answer(call)
        await house.event("call.answered", call=call, agent="agent2")
        # the mobile is hung up on: its scenario ends with the CANCEL
        await house.sipp.finished(mobile)
        agents = (await house.api.get("/api/floor")).json()["agents"]
        status = {one["agent"]: one["status"] for one in agents}["agent1"]
        await board.hang_up(phone, call)
        await away.use_device("headset")
    assert ended["outcome"] == outcome
    assert next_one["at"] - ended["at"] < 0.1
    assert ended["at"] - rang["at"] == pytest.approx(waits, abs=0.5)
    assert status == "ready"
