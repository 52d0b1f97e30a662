"""VIP, elderly and disabled callers go first, and meet whom they know, as the phone is told (D24, D25)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from storage.database import transaction
from storage.event_log import append_events
from storage.patients import PhoneEntry, create_patient
from storage.phone_numbers import NumberingPlan

Run = Callable[..., None]
PLAN = NumberingPlan(area_code="0571")

YOUNG, OLD, ASSISTED, VIP = "13812340001", "13812340071", "13812340072", "13812340073"


def live(desk: Any, number: str) -> Any:
    return next((one.call for one in desk.phone.calls.values() if one.call.number == number), None)


def test_elderly_disabled_and_sponsored_callers_are_moved_forward_and_others_are_not(house: Run) -> None:
    async def body(desk: Any) -> None:
        with transaction(desk.desk.engine) as conn:
            create_patient(conn, "赵老", [PhoneEntry(OLD)], birth_date="1940-05-01", plan=PLAN)
            create_patient(conn, "钱某", [PhoneEntry(ASSISTED)], birth_date="1999-05-01", assisted=True, plan=PLAN)
        async with desk.signed_in("supervisor1") as supervisor:
            sponsored = {"number": VIP, "name": "孙某", "sponsor": "护士长 李"}
            added = await supervisor.post("/api/sponsored-callers", json=sponsored)
            assert added.status_code == 201, added.text
            assert added.json()["number"] == "138****0073"
            calls = [desk.source.invite(number) for number in (YOUNG, OLD, ASSISTED, VIP)]
            wanted = {OLD: 20, ASSISTED: 20, VIP: 50}
            await desk.until(lambda: all(getattr(live(desk, n), "priority", None) == p for n, p in wanted.items()))
            assert live(desk, YOUNG).priority == 0
            floor = (await supervisor.get("/api/floor")).json()
            assert len(floor["calls"]) == 4
            for call in calls:
                desk.source.cancel(call)
                await desk.over(call)

    house(body)


def test_a_queue_that_wants_it_gets_whoever_spoke_with_the_caller_last(house: Run) -> None:
    async def body(desk: Any) -> None:
        at = time.time() - 3600
        story = [
            {"type": "call.started", "direction": "inbound", "line": "trunk", "number": YOUNG, "at": at},
            {"type": "call.answered", "agent": "agent2", "wait_seconds": 2.0, "at": at + 2},
            {"type": "call.ended", "by": "caller", "sip_status": 200, "at": at + 60},
        ]
        with transaction(desk.desk.engine) as conn:
            events = [
                {**one, "call": "old", "node": "p9", "sequence": n, "monotonic": 0} for n, one in enumerate(story)
            ]
            append_events(conn, events, PLAN)
        async with desk.signed_in("admin") as admin:
            routing = (await admin.get("/api/routing")).json()["routing"]
            routing["queues"][0]["last_agent_first"] = True
            saved = await admin.put("/api/routing", json={"routing": routing, "base_version": 0})
            assert saved.json()["in_force"] is True, saved.text
            known, stranger = desk.source.invite(YOUNG), desk.source.invite(VIP)
            await desk.until(lambda: getattr(live(desk, YOUNG), "preferred_agent", "") == "agent2")
            assert live(desk, YOUNG).priority == 0
            assert live(desk, VIP).preferred_agent == ""
            for call in (known, stranger):
                desk.source.cancel(call)
                await desk.over(call)

    house(body)
