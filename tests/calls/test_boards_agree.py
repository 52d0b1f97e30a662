"""A mixed minute: what the log, the metrics, the floor and a console that opens say of forty calls is the same."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from typing import Any

import pytest
from switchboard import to_queue

pytestmark = pytest.mark.peer

COUNTED = re.compile(r'^sansheng_calls_total\{direction="(\w+)",outcome="(\w+)"\} ([\d.]+)', re.MULTILINE)
GAUGES = re.compile(r'^sansheng_(live_calls|agents)\{\w+="(\w+)"\} ([\d.]+)', re.MULTILINE)


async def metrics(house: Any) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], float]]:
    """Calls that ended, by direction and outcome; and what there is now."""
    text = (await house.api.get("/metrics")).text
    ended = Counter({(direction, outcome): int(float(n)) for direction, outcome, n in COUNTED.findall(text)})
    return ended, {(what, which): float(n) for what, which, n in GAUGES.findall(text)}


async def boards(house: Any) -> tuple[dict[str, Any], dict[str, Any], dict[tuple[str, str], float]] | None:
    """The floor, a snapshot and the metrics of one moment; None where something moved meanwhile."""
    floor = (await house.api.get("/api/floor")).json()
    snapshot = await house.snapshot()
    _, gauges = await metrics(house)
    again = (await house.api.get("/api/floor")).json()
    return (floor, snapshot, gauges) if still(floor) == still(again) else None


def still(floor: dict[str, Any]) -> tuple[Any, ...]:
    """What a board shows but for the seconds that run."""
    return (
        {(one["call"], one["phase"], one["agent"], one["queue"]) for one in floor["calls"]},
        {(one["agent"], one["status"], one["call"]) for one in floor["agents"]},
    )


def same(floor: dict[str, Any], snapshot: dict[str, Any], gauges: dict[tuple[str, str], float]) -> None:
    assert {(one["call"], one["phase"], one["agent"]) for one in floor["calls"]} == {
        (one["call"], one["phase"], one["agent"]) for one in snapshot["calls"]
    }
    assert {(one["agent"], one["status"], one["call"]) for one in floor["agents"]} == {
        (one["agent"], one["status"], one["call"]) for one in snapshot["agents"]
    }
    statuses = Counter(one["status"] for one in floor["agents"])
    assert {which: n for (what, which), n in gauges.items() if what == "agents" and n} == dict(statuses)
    live = Counter(one["direction"] for one in floor["calls"])
    assert {which: n for (what, which), n in gauges.items() if what == "live_calls" and n} == dict(live)
    counted = {one["queue"]: (one["waiting"], one["callbacks"]) for one in snapshot["queues"]}
    waiting = {one["queue"]: (one["waiting"], one["callbacks"]) for one in floor["queues"]}
    assert {name: n for name, n in waiting.items() if any(n)} == counted


async def test_after_forty_mixed_calls_every_board_and_the_log_say_the_same(house: Any, switchboard: Any) -> None:
    menu = {"name": "main", "greeting": "tone-greeting", "choices": [], "gave_up": to_queue("default"), "retries": 0}
    queues = [
        {"name": "default"},
        {"name": "lonely"},
        {"name": "tested", "overflow": [{"after": 1.0, "to": to_queue("default")}]},
    ]
    async with switchboard() as board, board.rules(wrap_up_limit=0), contextlib.AsyncExitStack() as stack:
        for name in ("agent1", "agent2"):
            await board.profile(name, queues=["default", "tested"])
            stack.push_async_callback(board.profile, name, queues=[])
            await stack.enter_async_context(house.agent(name, auto_answer=True))
        entries = {
            "7600": to_queue("default"),
            "7601": to_queue("tested"),
            "7602": {"kind": "message", "prompt": "tone-brief"},
            "7603": {"kind": "menu", "menu": "main"},
            "7604": to_queue("lonely"),
        }
        await board.route(entries, queues, menus=[{**menu, "choices": [{"digit": "1", "to": to_queue("tested")}]}])
        before, _ = await metrics(house)
        house.events.clear()
        talked = house.scenario("caller_hangs_up", {'milliseconds="100"': 'milliseconds="400"'})
        given_up = house.scenario("caller_cancels")
        told = house.scenario("desk_hangs_up", {'<recv response="180"/>': '<recv response="180" optional="true"/>'})
        runs = [
            await house.sipp.start(talked, "-r", "3", "-s", "7600", calls=12),
            await house.sipp.start(talked, "-r", "2", "-s", "7601", calls=10),
            await house.sipp.start(given_up, "-r", "2", "-s", "7604", calls=11),
            await house.sipp.start(told, "-r", "2", "-s", "7602", calls=7),
        ]
        looked = 0
        finished = asyncio.gather(*(house.sipp.finished(run) for run in runs))
        async with asyncio.timeout(60):
            while not finished.done():
                if (seen := await boards(house)) is not None:
                    looked += 1
                    same(*seen)
                await asyncio.sleep(0.2)
        await finished
        in_menu = await board.phone()
        call = await board.call("7603", in_menu)
        await house.event("menu.entered", call=call)

        async def quiet() -> bool:
            if (seen := await boards(house)) is None:
                return False
            same(*seen)
            return True

        await house.until(quiet)
        await board.hang_up(in_menu, call)
        started = [event["call"] for event in house.events if event["type"] == "call.started"]
        assert len(started) == 41

        views = [await house.call_when(one, state="ended") for one in started]
        after, gauges = await metrics(house)
        floor = (await house.api.get("/api/floor")).json()
    logged = Counter((view["direction"], view["outcome"]) for view in views)
    assert after - before == logged
    assert floor["calls"] == []
    assert not [n for (what, _), n in gauges.items() if what == "live_calls" and n]
    assert logged["inbound", "answered"] >= 20
    assert looked >= 1
