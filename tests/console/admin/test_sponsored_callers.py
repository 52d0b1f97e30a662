"""The list of callers whom somebody of the house vouches for (D25); what agents work with: skills, queues, mobile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

Run = Callable[..., None]

CALLER = {"number": "13812340073", "name": "孙某", "sponsor": "护士长 李"}


def test_a_number_is_put_on_the_list_once_and_taken_off_and_both_are_written_down(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor, desk.signed_in("admin") as admin:
            added = await supervisor.post("/api/sponsored-callers", json={**CALLER, "until": str(time.time() + 86400)})
            assert added.status_code == 201, added.text
            told = added.json()
            assert (told["number"], told["sponsor"], told["added_by"]) == ("138****0073", "护士长 李", "supervisor1")
            again = await supervisor.post("/api/sponsored-callers", json={**CALLER, "number": "+86 138 1234 0073"})
            assert (again.status_code, again.json()["error"]["code"]) == (409, "exists")
            listed = (await admin.get("/api/sponsored-callers")).json()["callers"]
            assert [one["id"] for one in listed] == [told["id"]]
            assert (await supervisor.delete(f"/api/sponsored-callers/{told['id']}")).status_code == 204
            assert (await supervisor.delete(f"/api/sponsored-callers/{told['id']}")).status_code == 404
            trail = (await admin.get("/api/access-trail?subject_type=sponsored_caller")).json()["entries"]
            assert [one["action"] for one in trail] == ["sponsored.remove", "sponsored.add"]
            assert "13812340073" not in str(trail)

    house(body, phone=False)


def test_what_cannot_be_on_the_list_is_refused_with_the_field(house: Run) -> None:
    wrong = [
        ({"number": "nobody"}, "number"),
        ({"number": ""}, "number"),
        ({"name": " "}, "name"),
        ({"sponsor": ""}, "sponsor"),
        ({"note": "x" * 501}, "note"),
        ({"until": "yesterday"}, "until"),
        ({"until": "2001-01-01"}, "until"),
        ({"number": 5}, "number"),
    ]

    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor, desk.signed_in("agent1") as agent:
            for change, field in wrong:
                answer = await supervisor.post("/api/sponsored-callers", json={**CALLER, **change})
                assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), change
            assert (await agent.get("/api/sponsored-callers")).status_code == 403
            assert (await agent.post("/api/sponsored-callers", json=CALLER)).status_code == 403
            assert (await supervisor.get("/api/sponsored-callers")).json() == {"callers": []}

    house(body, phone=False)


def test_skills_and_queues_of_an_agent_reach_the_floor_at_once_and_the_mobile_is_masked(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("agent1") as agent:
            await desk.ready(agent)
            change = {"skills": {"cardiology": 3}, "queues": ["complaints"], "mobile": "138 0571 1001"}
            answer = await admin.patch("/api/users/agent1", json=change)
            assert answer.status_code == 200, answer.text
            told = answer.json()
            assert (told["skills"], told["queues"], told["mobile"]) == (
                {"cardiology": 3},
                ["complaints"],
                "138****1001",
            )
            on_floor = next(one for one in desk.phone.floor if one.user == "agent1")
            assert (list(on_floor.queues), dict(on_floor.skills)) == (["complaints"], {"cardiology": 3})
            assert (await admin.get("/api/floor")).json()["agents"][0]["status"] == "ready"
            trail = (await admin.get("/api/access-trail?subject_type=user&subject_id=agent1")).json()
            assert "05711001" not in str(trail)
            for wrong, field in (
                ({"skills": {"x": 0}}, "skills"),
                ({"skills": {"x": 10}}, "skills"),
                ({"skills": {" ": 1}}, "skills"),
                ({"skills": {"x": "high"}}, "skills"),
                ({"queues": [" "]}, "queues"),
                ({"queues": "all"}, "queues"),
                ({"mobile": "at home"}, "mobile"),
                ({"mobile": "1" * 41}, "mobile"),
            ):
                refused = await admin.patch("/api/users/agent1", json=wrong)
                assert refused.status_code == 422, wrong
                assert refused.json()["error"]["field"].startswith(field), wrong
            none = await admin.patch("/api/users/agent1", json={"mobile": "", "skills": {}, "queues": []})
            assert (none.json()["mobile"], none.json()["skills"], none.json()["queues"]) == ("", {}, [])
            assert dict(on_floor.skills) == {}
            assert "default" in on_floor.queues

    house(body)


def test_a_user_sets_the_mobile_of_their_home_shift_and_calls_reach_it(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            await desk.ready(agent)
            none = await agent.post("/api/agent/device", json={"device": "phone"})
            assert (none.status_code, none.json()["error"]["code"]) == (400, "bad_number")
            assert (await agent.patch("/api/me", json={"mobile": "138 0571 1001"})).status_code == 200
            mine = (await agent.get("/api/me")).json()
            assert mine == {"locale": "zh-CN", "mobile": "138****1001", "queues": [], "skills": {}}
            reached = await agent.post("/api/agent/device", json={"device": "phone"})
            assert (reached.status_code, reached.json()["device"]) == (200, "phone"), reached.text
            on_floor = next(one for one in desk.phone.floor if one.user == "agent1")
            assert "13805711001" in str(desk.phone.floor.phone_of(on_floor.user))
            for wrong in ({"mobile": "home"}, {"mobile": 5}, {"locale": "tlh"}):
                refused = await agent.patch("/api/me", json=wrong)
                assert (refused.status_code, refused.json()["error"]["field"]) == (422, next(iter(wrong)))

    house(body)
