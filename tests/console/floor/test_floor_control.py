"""What a supervisor does with calls and agents: who may, what the phone is told, and what is written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from seam_phone import seam_phone

from storage import access_trail

Run = Callable[..., None]


async def written(desk: Any) -> list[tuple[str, str, dict[str, Any]]]:
    rows = await desk.desk.read(lambda conn: access_trail.list_accesses(conn, subject_type="call"))
    return [(row.user, row.action, json.loads(row.detail)) for row in reversed(rows)]


def test_whoever_listens_whispers_barges_or_takes_over_is_written_down_first(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("supervisor1") as supervisor:
            for mode in ("listen", "whisper", "barge"):
                answer = await supervisor.post("/api/calls/c1/monitor", json={"mode": mode})
                assert answer.status_code == 204, answer.text
                assert phone.told.pop() == ("call.monitor", {"agent": "supervisor1", "call": "c1", "mode": mode})
            assert (await supervisor.post("/api/calls/c1/take-over")).status_code == 204
            assert phone.told.pop() == ("call.take_over", {"agent": "supervisor1", "call": "c1"})
            phone.refuses["call.monitor"] = "no_such_call"
            refused = await supervisor.post("/api/calls/c2/monitor", json={"mode": "listen"})
            assert refused.status_code == 404
            assert await written(desk) == [
                ("supervisor1", "monitor", {"agents": [], "mode": "listen"}),
                ("supervisor1", "monitor", {"agents": [], "mode": "whisper"}),
                ("supervisor1", "monitor", {"agents": [], "mode": "barge"}),
                ("supervisor1", "take_over", {"agents": []}),
                ("supervisor1", "monitor", {"agents": [], "mode": "listen"}),
                ("supervisor1", "monitor", {"agents": [], "mode": "listen", "refused": "no_such_call"}),
            ]

    house(body, phone=False)


def test_waiting_calls_are_moved_forward_and_agents_put_in_another_state_by_name(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("supervisor1") as supervisor:
            assert (await supervisor.post("/api/calls/c1/prioritise", json={})).status_code == 204
            moved = {"call": "c1", "priority": 90, "reason": "supervisor", "by": "supervisor1"}
            assert phone.told.pop() == ("call.prioritise", moved)
            forced = await supervisor.post(
                "/api/floor/agents/agent2/state", json={"status": "not_ready", "reason": "meeting"}
            )
            assert (forced.status_code, forced.json()["agent"]) == (200, "agent2")
            told = {"agent": "agent2", "by": "supervisor1", "status": "not_ready", "reason": "meeting"}
            assert phone.told.pop() == ("agent.force", told)

    house(body, phone=False)


def test_nobody_but_supervisors_comes_into_calls_or_moves_agents_and_bad_wishes_are_refused(house: Run) -> None:
    wishes = [
        ("/api/calls/c1/monitor", {"mode": "listen"}),
        ("/api/calls/c1/take-over", {}),
        ("/api/calls/c1/prioritise", {}),
        ("/api/floor/agents/agent2/state", {"status": "offline"}),
    ]

    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone:
            for username in ("agent1", "reviewer1", "admin"):
                async with desk.signed_in(username) as client:
                    for path, payload in wishes:
                        assert (await client.post(path, json=payload)).status_code == 403, (username, path)
            async with desk.signed_in("supervisor1") as supervisor:
                for path, payload in (
                    ("/api/calls/c1/monitor", {"mode": "shout"}),
                    ("/api/calls/c1/monitor", {}),
                    ("/api/calls/c1/prioritise", {"priority": 101}),
                    ("/api/calls/c1/prioritise", {"reason": ""}),
                    ("/api/floor/agents/agent2/state", {"status": "talking"}),
                ):
                    assert (await supervisor.post(path, json=payload)).status_code == 422, (path, payload)
            assert phone.told == []
            assert await written(desk) == []

    house(body, phone=False)


def test_a_supervisor_gets_a_headset_pass_and_is_on_the_floor_without_a_queue(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor, desk.signed_in("admin") as admin:
            await desk.console(supervisor)
            await desk.headset(supervisor)
            floor = (await supervisor.get("/api/floor")).json()
            assert [(one["agent"], one["queues"]) for one in floor["agents"]] == [("supervisor1", [])]
            assert floor["queues"][0]["agents_ready"] == 0
            assert (await admin.post("/api/headset", json={})).status_code == 403

    house(body)
