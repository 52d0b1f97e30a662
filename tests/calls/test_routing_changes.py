"""Routing is edited while people call: nobody is cut off, the next caller goes the new way."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from switchboard import CLOSED, GREETING, MUSIC, melody, to_queue

pytestmark = pytest.mark.peer

AGENT = 1400.0
MENU = {
    "name": "main",
    "greeting": "tone-greeting",
    "choices": [{"digit": "1", "label": {"zh": "业务咨询"}, "to": to_queue("old")}],
    "gave_up": to_queue("default"),
}
BEFORE = [{"name": "default"}, {"name": "old", "waiting": "music", "music": "tone-music"}]
AFTER = [{"name": "default"}, {"name": "new"}]


async def test_a_change_drops_no_call_and_counts_from_the_next_step_and_caller_on(house: Any, switchboard: Any) -> None:
    async with switchboard() as board, house.agent(ready=False, play=house.tone(AGENT)) as agent:
        first = await board.route(
            {"7400": {"kind": "menu", "menu": "main"}, "7401": to_queue("old")}, BEFORE, menus=[MENU]
        )
        talks, waits, chooses, later = await board.phones(4)
        talking = await board.call("7401", talks)
        await agent.be_ready()
        await agent.wait_for("ringing", call=talking)
        await agent.answer(talking)
        await house.event("call.answered", call=talking)
        waiting = await board.call("7401", waits)
        await house.event("call.queued", call=waiting, queue="old")
        choosing = await board.call("7400", chooses)
        await house.event("menu.entered", call=choosing)
        await asyncio.to_thread(waits.listen, 1.0)

        changed = {**MENU, "choices": [{"digit": "1", "to": to_queue("new")}]}
        second = await board.route({"7400": {"kind": "message", "prompt": "tone-closed"}}, AFTER, menus=[changed])
        assert second == first + 1
        # whose queue is gone waits in the first one; who was in the menu goes where its key leads now
        await house.event("call.queued", call=waiting, queue="default")
        await asyncio.to_thread(chooses.digits, "1")
        await house.event("call.queued", call=choosing)
        newcomer = await board.call("7400", later)
        await board.over(later, newcomer)
        assert melody(later, CLOSED, GREETING, MUSIC) == [CLOSED]
        await asyncio.to_thread(talks.listen, 3.0)
        ended = [event["call"] for event in house.events if event["type"] == "call.ended"]
        assert ended == [newcomer]
        for phone, call in ((talks, talking), (waits, waiting), (chooses, choosing)):
            await board.hang_up(phone, call)
        views = [await house.call_when(call, state="ended") for call in (talking, waiting, choosing)]
        listed = (await house.api.get("/api/routing/versions")).json()
    assert talks.heard().tone(AGENT) == pytest.approx(-15.0, abs=1.5)
    assert [view["hung_up_by"] for view in views] == ["caller"] * 3
    assert [one["queue"] for one in views[1]["queue_path"]] == ["old", "default"]
    assert [one["queue"] for one in views[2]["queue_path"]] == ["default"]
    assert [one["version"] for one in listed["versions"][:2]] == [second, first]
    assert {one["saved_by"] for one in listed["versions"][:2]} == {"admin"}


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ({"queues": [{"name": "default", "overflow": [{"after": 1, "to": to_queue("vpi")}]}]},
         "queues[0].overflow[0].to.queue"),
        ({"queues": [{"name": "default"}], "entries": [{"to": {"kind": "menu", "menu": "x"}}]}, "entries[0].to.menu"),
        ({"queues": [{"name": "default", "strategy": "loudest"}]}, "queues[0].strategy"),
        ({"queues": []}, "queues"),
        ({"queues": [{"name": "default"}], "prompts": [{"name": {"a": 1}, "file": "x"}]}, "prompts[0].name"),
    ],
)  # fmt: skip
async def test_a_bad_document_is_refused_with_its_place_and_changes_nothing(
    house: Any, switchboard: Any, broken: dict[str, Any], place: str
) -> None:
    async with switchboard() as board:
        version = await board.route({}, BEFORE)
        answer = await board.put(broken)
        assert answer.status_code == 422, answer.text
        told = answer.json()["error"]
        assert (told["code"], told["field"]) == ("bad_routing", place), told
        now = (await house.api.get("/api/routing")).json()
    assert (now["version"], now["in_force"]) == (version, version)


async def test_a_phone_process_that_starts_anew_goes_by_the_newest_version(house: Any, switchboard: Any) -> None:
    async with switchboard() as board:
        version = await board.route({"7400": {"kind": "message", "prompt": "tone-closed"}}, AFTER)
        house.events.clear()
        os.kill(house.product.processes()["phone"], 9)
        await house.event("node.started")
        await house.event("routing.changed", version=version)
        assert (await house.api.get("/api/routing")).json()["in_force"] == version
        phone = await board.phone()
        call = await board.call("7400", phone)
        await board.over(phone, call)
    assert melody(phone, CLOSED, GREETING, MUSIC) == [CLOSED]
