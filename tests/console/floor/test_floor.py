"""The floor as a supervisor sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Run = Callable[..., None]


def test_the_floor_shows_agents_waiting_calls_and_lines_with_numbers_masked(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("supervisor1") as supervisor:
            await desk.console(agent)
            call = desk.source.invite("13812340001")
            await desk.until(lambda: len(desk.phone.calls) == 1)
            floor = (await supervisor.get("/api/floor")).json()
            assert [(one["agent"], one["status"]) for one in floor["agents"]] == [("agent1", "not_ready")]
            assert [one["number"] for one in floor["calls"]] == ["138****0001"]
            assert floor["lines"][0]["line"] == "trunk"
            queue = floor["queues"][0]
            assert (queue["queue"], queue["waiting"], queue["agents_ready"]) == ("default", 1, 0)
            assert queue["longest_wait"] >= 0
            desk.source.cancel(call)
            await desk.over(call)

    house(body)


def test_agents_and_reviewers_do_not_see_the_floor(house: Run) -> None:
    async def body(desk: Any) -> None:
        for username in ("agent1", "reviewer1"):
            async with desk.signed_in(username) as client:
                assert (await client.get("/api/floor")).status_code == 403

    house(body, phone=False)
