"""Agents' states through the whole product: breaks, supervisors, dead consoles; and nobody who stays behind in one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from switchboard import to_queue

from console.bench.product import PASSWORD
from console.headless_agent import ConsoleRefused

pytestmark = pytest.mark.peer

TESTED = [{"name": "default"}, {"name": "tested"}]


async def floor(house: Any) -> dict[str, Any]:
    answer = await house.api.get("/api/floor")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def where(house: Any, *agents: str) -> list[tuple[str, str]]:
    """State and reason of each."""
    found = {one["agent"]: (one["status"], one["reason"]) for one in (await floor(house))["agents"]}
    return [found[agent] for agent in agents]


async def rings(board: Any, phone: Any, agent: Any) -> str:
    call: str = await board.call("7500", phone)
    await agent.wait_for("ringing", call=call)
    return call


async def talks(house: Any, board: Any, phone: Any, agent: Any) -> str:
    call = await rings(board, phone, agent)
    await agent.answer(call)
    await house.event("call.answered", call=call)
    await asyncio.to_thread(phone.wait_for, "CALL_ESTABLISHED")
    return call


async def nothing_left(house: Any) -> None:
    """No call, and nobody in one."""

    async def empty() -> bool:
        told = await floor(house)
        return not told["calls"] and not [a for a in told["agents"] if a["status"] in ("ringing", "talking")]

    await house.until(empty)


async def test_a_break_needs_enough_who_stay_unless_a_supervisor_says_so(house: Any, switchboard: Any) -> None:
    async with switchboard() as board, house.agent("agent1") as first, house.agent("agent2") as second:
        await board.route({"7500": to_queue("tested")}, [{"name": "default"}, {"name": "tested", "minimum_staff": 1}])
        async with house.agent("supervisor1", ready=False) as supervisor:
            await first.be_not_ready("meal")
            with pytest.raises(ConsoleRefused) as refused:
                await second.be_not_ready("meeting")
            assert (refused.value.status, refused.value.code) == (409, "minimum_staff")
            assert "tested" in str(refused.value)
            assert "缺 1 人" in str(refused.value)
            assert await where(house, "agent1", "agent2") == [("not_ready", "meal"), ("ready", "")]
            phone = await board.phone()
            call = await talks(house, board, phone, second)
            await supervisor.force("agent2", "not_ready", "training")
            assert await where(house, "agent2") == [("talking", "")]
            await board.hang_up(phone, call)
            await second.wrapped_up(call)
            forced = await house.event("agent.state", agent="agent2", reason="training")
            await supervisor.force("agent1", "ready")
            back = await house.event("agent.state", agent="agent1", status="ready", by="supervisor1")
            await supervisor.force("agent1", "offline")
            assert await where(house, "agent1") == [("offline", "")]
    assert (forced["status"], forced["by"]) == ("not_ready", "supervisor1")
    assert back["reason"] == ""


@contextmanager
def console_of_its_own(house: Any, user: str) -> Iterator[subprocess.Popen[bytes]]:
    """A headless agent in another process."""
    command = [sys.executable, "-m", "console.cli", "agent", "--user", user, "--url", house.product.url, "--ready"]
    environment = {**os.environ, "SANSHENG_PASSWORD": PASSWORD}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(15)


async def test_a_stopped_console_leaves_the_rotation_and_its_ringing_call_rings_elsewhere_within_five_seconds(
    house: Any, switchboard: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with switchboard() as board:
        await board.route({"7500": to_queue("tested")}, TESTED)
        with console_of_its_own(house, "agent1") as console:
            await house.event("agent.state", agent="agent1", status="ready")
            async with house.agent("agent2") as other:
                phone = await board.phone()
                call = await board.call("7500", phone)
                await house.event("call.offered", call=call, agent="agent1")
                console.send_signal(signal.SIGSTOP)
                stopped = house.wall()
                ended = await house.event("call.offer_ended", call=call, agent="agent1")
                elsewhere = await house.event("call.offered", call=call, agent="agent2")
                await other.answer(call)
                await house.event("call.answered", call=call, agent="agent2")
                assert await where(house, "agent1") == [("not_ready", "headset_lost")]
                await board.hang_up(phone, call)
                console.send_signal(signal.SIGCONT)
                # whoever thaws within the grace is where they were
                await house.event("agent.headset", agent="agent1", connected=True, within=30)
    took = elsewhere["at"] - stopped
    with capsys.disabled():
        print(f"\n    a stopped console: its ringing call is offered elsewhere after {took:.2f} s", flush=True)
    assert ended["outcome"] == "headset_lost"
    assert took < 5.0
    assert elsewhere["at"] - ended["at"] < 0.05


async def test_a_web_process_killed_while_it_rings_leaves_the_call_to_be_answered(house: Any, switchboard: Any) -> None:
    async with switchboard() as board, house.agent() as agent:
        await board.route({"7500": to_queue("tested")}, TESTED)
        phone = await board.phone()
        call = await rings(board, phone, agent)
        os.kill(house.product.processes()["web"], 9)

        async def answers() -> bool:
            try:
                await agent.answer(call)
            except (ConsoleRefused, OSError):
                return False
            return True

        await house.until(answers, 30)
        await asyncio.to_thread(phone.wait_for, "CALL_ESTABLISHED")
        await agent.wait_for("answered", call=call)
        await board.hang_up(phone, call)
        await agent.wait_for("ended", call=call)
        assert await where(house, "agent1") == [("wrap_up", "")]
        await agent.wrapped_up(call)
        await nothing_left(house)


async def test_both_hanging_up_and_cancel_against_answer_end_each_call_once(house: Any, switchboard: Any) -> None:
    async with switchboard() as board, board.rules(wrap_up_limit=0), house.agent() as agent:
        await board.route({"7500": to_queue("tested")}, TESTED)
        phone = await board.phone()
        calls = []
        for n in range(8):
            call = await rings(board, phone, agent)
            calls.append(call)
            race = agent.answer if n % 2 else agent.hang_up
            if not n % 2:
                await agent.answer(call)
                await house.event("call.answered", call=call)
                await asyncio.sleep(0.05)
            await asyncio.gather(asyncio.to_thread(phone.hang_up), race(call), return_exceptions=True)
            await house.event("call.ended", call=call)
            await nothing_left(house)
            assert await where(house, "agent1") == [("ready", "")]
        views = [await house.call_when(call, state="ended") for call in calls]
    for call, view in zip(calls, views, strict=True):
        assert house.of_call(call).count("call.ended") == 1
        assert view["hung_up_by"] in ("caller", "agent")


async def test_whoever_is_consulted_and_goes_away_gives_the_caller_back(house: Any, switchboard: Any) -> None:
    async with switchboard() as board, house.agent() as agent:
        await board.route({"7500": to_queue("tested")}, TESTED)
        phone = await board.phone()
        call = await talks(house, board, phone, agent)
        async with house.agent("agent2") as other:
            await agent.consult(call, agent="agent2")
            await other.wait_for("ringing", call=call)
        await house.event("party.left", call=call, joined=False)
        await house.event("agent.state", agent="agent2", status="offline")
        (shown,) = (await floor(house))["calls"]
        assert (shown["phase"], shown["agent"]) == ("talking", "agent1")
        await board.hang_up(phone, call)
        await agent.wrapped_up(call)
        await nothing_left(house)


async def test_a_supervisor_who_loses_the_headset_while_whispering_disturbs_nobody_and_is_let_go(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board, board.phone_rules(headset_lost_limit=1), house.agent() as agent:
        await board.route({"7500": to_queue("tested")}, TESTED)
        phone = await board.phone()
        call = await talks(house, board, phone, agent)
        async with house.agent("supervisor1", ready=False) as supervisor:
            await supervisor.monitor(call, "whisper")
            party = (await house.event("party.joined", call=call, role="whisperer"))["party"]
        left = await house.event("party.left", call=call, party=party)
        assert left["joined"]
        assert await where(house, "supervisor1", "agent1") == [("offline", ""), ("talking", "")]
        await board.hang_up(phone, call)
        await agent.wrapped_up(call)
        await nothing_left(house)


async def test_an_agent_who_signs_out_of_a_conference_leaves_it_to_the_others(house: Any, switchboard: Any) -> None:
    async with switchboard() as board, board.phone_rules(headset_lost_limit=1), house.agent("agent2") as other:
        await board.route({"7500": to_queue("tested")}, TESTED)
        phone = await board.phone()
        await other.be_not_ready()
        async with house.agent() as agent:
            call = await talks(house, board, phone, agent)
            await other.be_ready()
            await agent.consult(call, agent="agent2")
            await other.wait_for("ringing", call=call)
            await other.answer(call)
            await other.wait_for("joined", call=call)
            await agent.merge(call)
            await house.event("party.role", call=call, role="member")
        await house.event("party.left", call=call, party=1)
        await house.event("agent.state", agent="agent1", status="offline")
        (shown,) = (await floor(house))["calls"]
        assert (shown["phase"], shown["agent"]) == ("talking", "agent2")
        await board.hang_up(phone, call)
        await nothing_left(house)
        assert await where(house, "agent2") == [("wrap_up", "")]
        await other.wrapped_up(call)
        view = await house.recorded(call)
    assert view["conference_size"] == 3
    assert view["agent"] == "agent2"
    assert json.dumps(view["parties"]).count('"agent1"') >= 1


async def test_a_caller_sent_to_a_queue_waits_on_every_board_until_the_next_agent_answers(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board, house.agent() as agent:
        await board.route({"7500": to_queue("default")}, TESTED)
        phone = await board.phone()
        call = await talks(house, board, phone, agent)
        await agent.transfer(call, queue="tested")
        await house.event("call.queued", call=call, queue="tested")
        assert await waiting(house) == {"tested": 1}
        async with house.agent("agent2") as other:
            await other.wait_for("ringing", call=call)
            await other.answer(call)
            await house.event("party.joined", call=call, agent="agent2")
            assert await waiting(house) == {}
            await house.call_when(call, state="talking", agent="agent2")
            await board.hang_up(phone, call)
            await other.wrapped_up(call)
        view = await house.call_when(call, state="ended")
    assert [(one["queue"], one["why"]) for one in view["queue_path"]] == [
        ("default", "answered"),
        ("tested", "answered"),
    ]


async def waiting(house: Any) -> dict[str, int]:
    """By queue, where the floor, the routing page and a console that opens now agree."""
    at_floor = {one["queue"]: one["waiting"] for one in (await floor(house))["queues"] if one["waiting"]}
    status = (await house.api.get("/api/routing/status")).json()["queues"]
    assert {one["queue"]: one["waiting"] for one in status if one["waiting"]} == at_floor
    snapshot = await house.snapshot()
    assert {one["queue"]: one["waiting"] for one in snapshot["queues"] if one["waiting"]} == at_floor
    return at_floor
