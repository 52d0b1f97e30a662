"""Who called today and reached nobody: listed for calling back, until somebody does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from console.calls.missed_routes import midnight

LI = "13812340002"


async def missed(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/api/calls/missed")
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()["missed"]
    return told


def test_callers_nobody_answered_are_listed_once_a_number_until_somebody_calls_them(
    house: Any, log_of: Callable[..., Any]
) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        start = max(midnight(time.time(), "Asia/Shanghai"), time.time() - 3600)
        log.abandoned("yesterday", start - 86400)
        log.abandoned("first", start + 1)
        log.abandoned("second", start + 2)
        log.abandoned("other", start + 3, number=LI)
        log.abandoned("withheld", start + 4, number="anonymous")
        async with house.signed_in("agent1") as agent, house.signed_in("reviewer1") as reviewer:
            told = await missed(agent)
            assert [(one["call"], one["number"], one["tries"]) for one in told] == [
                ("other", "138****0002", 1),
                ("second", "138****0001", 2),
            ]
            assert (told[1]["outcome"], told[1]["waited_seconds"], told[1]["queue"]) == ("abandoned", 7.0, "default")
            assert told[1]["first_at"] < told[1]["last_at"]
            assert "13812340001" not in str(told)
            assert (await reviewer.get("/api/calls/missed")).status_code == 403
            log.answered("spoken", start + 5, number=LI)
            assert [one["call"] for one in await missed(agent)] == ["second"]
            back = {"direction": "outbound", "line": "trunk", "number": "013812340001", "agent": "agent2"}
            log.event("call.started", "back", start + 6, **back)
            assert await missed(agent) == []
            log.abandoned("again", start + 7)
            assert [(one["call"], one["tries"]) for one in await missed(agent)] == [("again", 1)]
        async with httpx.AsyncClient(base_url=house.url) as stranger:
            assert (await stranger.get("/api/calls/missed")).status_code == 401

    house(body, phone=False)


def test_an_agent_sees_the_missed_calls_of_their_queues(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log_of(house).abandoned("first", max(midnight(time.time(), "Asia/Shanghai"), time.time() - 60))
        async with house.signed_in("admin") as admin, house.signed_in("agent1") as agent:
            assert len(await missed(agent)) == 1
            changed = await admin.patch("/api/users/agent1", json={"queues": ["complaints"]})
            assert changed.status_code == 200
            assert await missed(agent) == []
            assert len(await missed(admin)) == 1

    house(body, phone=False)
