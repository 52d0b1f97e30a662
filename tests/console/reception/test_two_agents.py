"""A caller, an agent and the one the agent asks, over the API with a real telephone behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Run = Callable[..., None]
WANG = "13812340001"


def test_an_agent_asks_another_changes_over_and_completes_the_transfer(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as one, desk.signed_in("agent2") as two:
            first, second = await desk.ready(one), await desk.console(two)
            await desk.headset(two)
            phone_call = desk.source.invite(WANG)
            call = (await first.frame("call.offered"))["call"]
            assert (await one.post(f"/api/calls/{call}/answer")).status_code == 204
            assert await desk.over(phone_call) == 200
            found = (await one.get("/api/colleagues", params={"q": "agent2"})).json()
            assert [(row["agent"], row["status"]) for row in found["agents"]] == [("agent2", "not_ready")]
            nobody = (await one.get("/api/colleagues", params={"q": "agent3"})).json()
            assert nobody["agents"] == [], "another agent than the one typed would be rung at"
            asked = await one.post(f"/api/calls/{call}/consult", json={"target": {"agent": "agent2"}})
            assert (asked.status_code, asked.json()) == (201, {"party": 2}), asked.text
            assert (await second.frame("party.invited"))["pop"]["match"] == "one"
            early = await one.post(f"/api/calls/{call}/complete")
            assert (early.status_code, early.json()["error"]["code"]) == (409, "wrong_state")
            assert (await two.post(f"/api/calls/{call}/answer")).status_code == 204
            await first.frame("party.joined", agent="agent2")
            assert (await one.post(f"/api/calls/{call}/swap")).status_code == 204
            await first.frame("call.resumed")
            assert (await one.post(f"/api/calls/{call}/complete")).status_code == 204
            await second.frame("party.role", party=2, role="agent")
            await first.frame("agent.state", status="wrap_up")
            assert (await two.post(f"/api/calls/{call}/mark", json={"mark": "wrong_transfer"})).status_code == 204
            assert (await second.frame("call.marked"))["by"] == "agent2"
            assert (await one.post(f"/api/calls/{call}/hold")).status_code == 409
            assert (await two.post(f"/api/calls/{call}/hangup")).status_code == 204
            assert (await second.frame("call.ended"))["by"] == "agent"

    house(body)
