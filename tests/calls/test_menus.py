"""Menus through the whole product: real telephones press keys, and what they hear is measured."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from switchboard import GREETING, MUSIC, NOTICE, RINGBACK, WRONG, melody, to_queue
from tones import SPEECH_CODER, hear_pcm, hear_recording

pytestmark = pytest.mark.peer

AGENT, CALLER = 1400.0, 300.0
EVERYTHING = (GREETING, WRONG, MUSIC, NOTICE, RINGBACK, AGENT)
MENU = {
    "name": "main",
    "greeting": "tone-greeting",
    "choices": [
        {"digit": "1", "label": {"zh": "业务咨询"}, "to": to_queue("enquiries")},
        {"digit": "2", "label": {"zh": "投诉建议"}, "to": to_queue("complaints")},
    ],
    "emergency": "0",
    "emergency_to": to_queue("enquiries"),
    "timeout": 1.0,
    "retries": 1,
    "invalid": "tone-wrong",
    "gave_up": to_queue("default"),
}
HASTY = {**MENU, "name": "hasty", "greeting": "tone-brief"}
QUEUES = [
    {"name": "default"},
    {"name": "enquiries", "waiting": "music", "music": "tone-music"},
    {"name": "complaints"},
]
ENTRIES = {
    "7001": {"kind": "menu", "menu": "main"},
    "7002": {"to": {"kind": "menu", "menu": "main"}, "announce_recording": True},
    "7003": {"kind": "menu", "menu": "hasty"},
}


async def with_menus(board: Any) -> int:
    version: int = await board.route(ENTRIES, QUEUES, menus=[MENU, HASTY])
    return version


@pytest.mark.parametrize(
    ("key", "sent_as", "branch", "queue", "waits_with"),
    [("1", "", "业务咨询", "enquiries", MUSIC), ("2", ";dtmfmode=info", "投诉建议", "complaints", RINGBACK)],
    ids=["RFC 4733", "SIP INFO"],
)
async def test_a_key_in_the_greeting_leads_to_the_branch_and_the_agent_who_answers_is_heard(
    house: Any, switchboard: Any, key: str, sent_as: str, branch: str, queue: str, waits_with: float
) -> None:
    async with switchboard() as board, house.agent(ready=False, play=house.tone(AGENT)) as agent:
        version = await with_menus(board)
        phone = await board.phone(CALLER, more=sent_as)
        call = await board.call("7001", phone)
        entered = await house.event("menu.entered", call=call)
        assert (entered["menu"], entered["version"]) == ("main", version)
        await asyncio.to_thread(phone.listen, 0.6)
        (shown,) = (await house.api.get("/api/floor")).json()["calls"]
        assert (shown["phase"], shown["menu"]) == ("menu", "main")
        await asyncio.to_thread(phone.digits, key)
        chosen = await house.event("menu.answered", call=call)
        assert (chosen["outcome"], chosen["digit"], chosen["label"]) == ("chosen", key, branch)
        await asyncio.to_thread(phone.listen, 2.0)
        await agent.be_ready()
        await agent.wait_for("ringing", call=call)
        await agent.answer(call)
        await house.event("call.answered", call=call)
        await asyncio.to_thread(phone.listen, 4.0)
        await board.hang_up(phone, call)
        await agent.wait_for("ended", call=call)
        at_agent = hear_pcm(agent.heard(call))
        view = await house.recorded(call)
        caller_side, agent_side = hear_recording(await house.download(view))
    assert melody(phone, *EVERYTHING) == [GREETING, waits_with, AGENT]
    assert at_agent.tone(CALLER) == pytest.approx(-12.0, abs=1.5)
    assert caller_side.tone(CALLER) == pytest.approx(-12.0, abs=SPEECH_CODER)
    assert agent_side.tone(AGENT) == pytest.approx(-15.0, abs=SPEECH_CODER)
    # the recording is of the talk, not of the menu
    assert view["recording"]["channels"] == 2
    assert view["recording"]["seconds"] == pytest.approx(view["talk_seconds"], abs=0.3)
    (step,) = view["menu_path"]
    assert (step["menu"], step["digit"], step["label"], step["outcome"]) == ("main", key, branch, "chosen")
    assert view["branches"] == [branch]
    (stay,) = view["queue_path"]
    assert (stay["queue"], stay["why"]) == (queue, "answered")
    assert (view["hung_up_by"], view["outcome"], view["queue"]) == ("caller", "answered", queue)


async def test_a_wrong_key_and_a_silence_are_forgiven_until_the_menu_gives_up(house: Any, switchboard: Any) -> None:
    async with switchboard() as board:
        await with_menus(board)
        phone = await board.phone()
        call = await board.call("7003", phone)
        await house.event("menu.entered", call=call)
        await asyncio.to_thread(phone.listen, 0.5)
        await asyncio.to_thread(phone.digits, "7")
        await house.event("menu.answered", call=call, outcome="invalid", digit="7")
        await house.event("menu.answered", call=call, outcome="timeout")
        await house.event("menu.answered", call=call, outcome="gave_up")
        queued = await house.event("call.queued", call=call)
        assert queued["queue"] == "default"
        await asyncio.to_thread(phone.listen, 4.0)
        await board.hang_up(phone, call)
        view = await house.call_when(call, state="ended")
    assert melody(phone, *EVERYTHING) == [GREETING, WRONG, GREETING, RINGBACK]
    assert [(step["outcome"], step["tries"]) for step in view["menu_path"]] == [("gave_up", 3)]
    assert (view["outcome"], view["hung_up_by"], view["recording"]) == ("abandoned", "caller", None)


async def test_who_gives_up_in_a_menu_is_among_the_missed_at_once(house: Any, switchboard: Any) -> None:
    async with switchboard() as board:
        await with_menus(board)
        phone = await board.phone()
        call = await board.call("7001", phone)
        await house.event("menu.entered", call=call)
        counted = max([0, *(one.get("given_up", 0) for one in house.frames)])
        await board.hang_up(phone, call)
        async with asyncio.timeout(2.0), house.news:
            await house.news.wait_for(lambda: any(one.get("given_up", 0) > counted for one in house.frames))
        # a console asks half a second after it is told
        await asyncio.sleep(0.5)
        missed = (await house.api.get("/api/calls/missed")).json()["missed"]
    assert call in [one["call"] for one in missed]


async def test_the_emergency_key_goes_ahead_of_whoever_waits_longer_even_over_the_notice(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board, house.agent(ready=False) as agent:
        await with_menus(board)
        patient, urgent = await board.phones(2)
        first = await board.call("7001", patient)
        await house.event("menu.entered", call=first)
        await asyncio.to_thread(patient.digits, "1")
        await house.event("call.queued", call=first)
        second = await board.call("7002", urgent)
        await house.event("call.announcement", call=second, why="recording")
        await asyncio.to_thread(urgent.digits, "0")
        raised = await house.event("call.priority", call=second)
        assert (raised["priority"], raised["reason"]) == (100, "emergency")
        await house.event("call.queued", call=second, queue="enquiries")
        floor = (await house.api.get("/api/floor")).json()["calls"]
        assert {one["call"]: one["position"] for one in floor} == {second: 1, first: 2}
        await agent.be_ready()
        assert (await agent.wait_for("ringing"))["call"] == second
        await agent.answer(second)
        await house.event("call.answered", call=second)
        for phone, call in ((urgent, second), (patient, first)):
            await board.hang_up(phone, call)
        left = await house.event("call.dequeued", call=first)
        view = await house.call_when(second, state="ended")
    assert left["why"] == "abandoned"
    assert (view["priority"], view["priority_reason"], view["branches"]) == (100, "emergency", ["emergency"])


async def test_the_notice_that_the_call_is_recorded_is_heard_before_the_menu(house: Any, switchboard: Any) -> None:
    async with switchboard() as board:
        await board.prompt("recording-notice", NOTICE, 1.0)
        await with_menus(board)
        phone = await board.phone()
        call = await board.call("7002", phone)
        announced = await house.event("call.announcement", call=call)
        assert (announced["prompt"], announced["why"]) == ("recording-notice", "recording")
        await house.event("menu.entered", call=call)
        await asyncio.to_thread(phone.listen, 2.5)
        await board.hang_up(phone, call)
        assert (await house.api.delete("/api/routing/prompts/recording-notice")).status_code in (200, 204)
    assert melody(phone, *EVERYTHING) == [NOTICE, GREETING]
