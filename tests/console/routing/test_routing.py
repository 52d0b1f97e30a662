"""Routing documents over HTTP: versions, conflicts, what changed, checks, restoring, the phone's part."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from storage.database import open_engine, transaction
from storage.routing import save as store_routing
from telephony.routing.settings import RoutingError

Run = Callable[..., None]


async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/api/routing")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def save(client: httpx.AsyncClient, routing: dict[str, Any], base: int, note: str = "") -> httpx.Response:
    return await client.put("/api/routing", json={"routing": routing, "base_version": base, "note": note})


def with_strategy(routing: dict[str, Any], strategy: str) -> dict[str, Any]:
    changed = copy.deepcopy(routing)
    changed["queues"][0]["strategy"] = strategy
    return changed


def test_a_save_is_a_new_version_with_who_when_and_why_and_says_what_changed(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("supervisor1") as supervisor:
            first = await document(supervisor)
            assert (first["version"], first["saved_by"], first["in_force"]) == (0, "system", None)
            saved = await save(admin, with_strategy(first["routing"], "round_robin"), 0, "轮流接听")
            assert saved.status_code == 200, saved.text
            told = saved.json()
            assert told["version"] == told["routing"]["version"] == 1
            assert told["changes"] == ["队列“综合” 分配方式：longest_idle → round_robin"]
            # nobody to bring it to: it is kept, and not claimed to be in force
            assert told["in_force"] is False
            assert told["problem"]
            newest = await document(supervisor)
            assert (newest["version"], newest["saved_by"], newest["note"]) == (1, "admin", "轮流接听")
            assert newest["routing"]["queues"][0]["strategy"] == "round_robin"
            listed = (await supervisor.get("/api/routing/versions")).json()["versions"]
            assert [(one["version"], one["saved_by"]) for one in listed] == [(1, "admin"), (0, "system")]
            detail = (await supervisor.get("/api/routing/versions/1")).json()
            assert (detail["against"], detail["changes"]) == (0, told["changes"])
            assert (await supervisor.get("/api/routing/versions/0")).json()["changes"] == []
            trail = (await admin.get("/api/access-trail?subject_type=routing")).json()["entries"]
            assert (trail[0]["action"], trail[0]["subject_id"], trail[0]["reason"]) == ("routing.save", "1", "轮流接听")

    house(body, phone=False)


def test_who_edited_an_older_version_is_told_and_loses_nothing_of_the_others(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            first = (await document(admin))["routing"]
            assert (await save(admin, with_strategy(first, "round_robin"), 0)).status_code == 200
            late = await save(admin, with_strategy(first, "ring_all"), 0)
            assert (late.status_code, late.json()["error"]["code"]) == (409, "conflict")
            assert late.json()["error"]["field"] == "base_version"
            ahead = await save(admin, first, 7)
            assert ahead.status_code == 409
            assert (await document(admin))["routing"]["queues"][0]["strategy"] == "round_robin"

    house(body, phone=False)


def test_an_old_version_is_restored_as_a_new_one(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            first = (await document(admin))["routing"]
            await save(admin, with_strategy(first, "round_robin"), 0)
            await save(admin, with_strategy(first, "ring_all"), 1)
            back = await admin.post("/api/routing/versions/1/restore", json={"base_version": 2, "note": "退回"})
            assert back.status_code == 200, back.text
            assert back.json()["version"] == 3
            assert back.json()["changes"] == ["队列“综合” 分配方式：ring_all → round_robin"]
            newest = await document(admin)
            assert (newest["restored_from"], newest["routing"]["queues"][0]["strategy"]) == (1, "round_robin")
            shipped = await admin.post("/api/routing/versions/0/restore", json={"base_version": 3})
            assert shipped.json()["routing"]["queues"] == first["queues"]
            stale = await admin.post("/api/routing/versions/1/restore", json={"base_version": 1})
            assert stale.status_code == 409

    house(body, phone=False)


def test_a_version_that_is_not_there_is_404(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            for number in ("9", "-1", "1.5", "x", "99999999999", "%00", "²"):
                assert (await admin.get(f"/api/routing/versions/{number}")).status_code == 404
                answer = await admin.post(f"/api/routing/versions/{number}/restore", json={"base_version": 0})
                assert answer.status_code == 404
            assert (await admin.get("/api/routing/versions/0?against=8")).status_code == 404

    house(body, phone=False)


def broken(routing: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    changed = copy.deepcopy(routing)
    change(changed)
    return changed


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "unknown queue": (lambda r: r["entries"][0]["to"].update(queue="nowhere"), "entries[0].to.queue"),
    "unknown field": (lambda r: r.update(wheels=4), "routing"),
    "no queues": (lambda r: r.update(queues=[]), "queues"),
    "bad strategy": (lambda r: r["queues"][0].update(strategy="guess"), "queues[0].strategy"),
    "bad timezone": (lambda r: r.update(timezone="Moon/Tycho"), "timezone"),
    "unknown line": (lambda r: r["entries"][0].update(line="cellar"), "entries[0].line"),
    "unknown prompt": (lambda r: r["menus"][0].update(greeting="poem"), "menus[0].greeting"),
    "a file outside": (lambda r: r.update(prompts=[{"name": "x", "file": "../secret"}]), "prompts[0].file"),
    "a file that is no prompt": (lambda r: r.update(prompts=[{"name": "x", "file": "secret"}]), "prompts[0].file"),
    "a file that is gone": (lambda r: r.update(prompts=[{"name": "x", "file": "prompts/x.wav"}]), "prompts[0].file"),
    "prompts that are none": (lambda r: r.update(prompts="many"), "prompts"),
}


def test_what_cannot_be_carried_out_is_refused_with_its_place_and_nothing_is_saved(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            first = (await document(admin))["routing"]
            for name, (change, place) in WRONG.items():
                wrong = broken(first, change)
                for answer in (
                    await save(admin, wrong, 0),
                    await admin.post("/api/routing/check", json={"routing": wrong}),
                ):
                    assert answer.status_code == 422, (name, answer.text)
                    assert answer.json()["error"]["code"] == "bad_routing", name
                    assert answer.json()["error"]["field"].startswith(place), (name, answer.text)
            for payload in ({}, {"routing": 3}, {"routing": []}, {"routing": {}, "base_version": "x"}):
                assert (await admin.put("/api/routing", json=payload)).status_code == 422
            assert (await admin.put("/api/routing", content=b"{")).status_code in (400, 415)

    house(body, phone=False)


def test_a_check_tells_what_would_change_and_saves_nothing(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor:
            first = (await document(supervisor))["routing"]
            first["queues"].append({"name": "vip", "label": {"zh": "贵宾", "en": "VIP"}})
            first["menus"][0]["timeout"] = 8
            answer = await supervisor.post("/api/routing/check", json={"routing": first})
            assert answer.status_code == 200, answer.text
            assert answer.json()["changes"] == ["语音菜单“总机” 等待按键秒数：5 → 8", "新增队列“贵宾”"]
            assert answer.json()["routing"]["queues"][-1]["strategy"] == "longest_idle"
            assert (await document(supervisor))["version"] == 0

    house(body, phone=False)


def test_only_administrators_change_routing_and_agents_do_not_see_it(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor, desk.signed_in("agent1") as agent:
            first = (await document(supervisor))["routing"]
            assert (await save(supervisor, first, 0)).status_code == 403
            refused = await supervisor.post("/api/routing/versions/0/restore", json={"base_version": 0})
            assert refused.status_code == 403
            for path in ("/api/routing", "/api/routing/versions", "/api/routing/versions/0", "/api/routing/status"):
                assert (await agent.get(path)).status_code == 403

    house(body, phone=False)


def test_the_status_tells_what_is_open_and_when_that_changes_without_a_phone_too(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            first = (await document(admin))["routing"]
            always = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
            first["hours"] += [{"name": "always", "weekly": always}, {"name": "never", "weekly": {}}]
            hang_up = {"kind": "hang_up"}
            first["queues"][0].update(hours="never", closed=hang_up)
            first["queues"][1].update(hours="always", closed=hang_up)
            assert (await save(admin, first, 0)).status_code == 200
            told = (await admin.get("/api/routing/status")).json()
            assert {one["name"]: one["open"] for one in told["hours"]} | {"day": None} == {
                "day": None,
                "always": True,
                "never": False,
            }
            assert [one["open"] for one in told["queues"]] == [False, True, True]
            assert [one["changes_at"] for one in told["queues"]] == [None, None, None]
            day = next(one for one in told["hours"] if one["name"] == "day")
            assert day["changes_at"] > told["at"]
            assert (told["version"], told["in_force"], told["queues"][0]["agents"]) == (1, None, [])

    house(body, phone=False)


def test_a_save_is_in_force_at_once_and_agents_are_in_its_queues(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("agent1") as agent:
            await desk.ready(agent)
            first = await document(admin)
            assert first["in_force"] == desk.phone.routing.version == 0
            first["routing"]["queues"].append({"name": "vip", "label": {"zh": "贵宾", "en": "VIP"}})
            saved = (await save(admin, first["routing"], 0)).json()
            assert (saved["in_force"], saved["problem"]) == (True, None)
            assert desk.phone.routing.version == 1
            status = (await admin.get("/api/routing/status")).json()
            assert (status["version"], status["in_force"], status["problem"]) == (1, 1, None)
            vip = status["queues"][-1]
            assert (vip["queue"], vip["open"], vip["agents"], vip["ready"]) == ("vip", True, ["agent1"], 1)

    house(body)


def test_a_phone_that_comes_back_gets_the_newest_version(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            first = await document(admin)
            saved = (await save(admin, with_strategy(first["routing"], "ring_all"), 0)).json()
            assert saved["in_force"] is False
            await desk.start_phone()
            await desk.phone_there()
            await desk.until(lambda: desk.phone.routing.version == 1)
            assert desk.phone.routing.queues[0].strategy == "ring_all"
            assert (await document(admin))["in_force"] == 1

    house(body, phone=False)


def test_whom_a_supervisor_signed_off_stays_it_through_saves_of_routing_and_profile_and_a_new_link(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with (
            desk.signed_in("admin") as admin,
            desk.signed_in("supervisor1") as supervisor,
            desk.signed_in("agent1") as agent,
        ):
            await desk.ready(agent)
            forced = await supervisor.post("/api/floor/agents/agent1/state", json={"status": "offline"})
            assert (forced.status_code, forced.json()["status"]) == (200, "offline")
            first = await document(admin)
            first["routing"]["queues"].append({"name": "vip", "label": {"zh": "贵宾", "en": "VIP"}})
            assert (await save(admin, first["routing"], 0)).json()["in_force"] is True
            found = desk.phone.floor.agents["agent1"]
            assert (found.status, "vip" in found.queues) == ("offline", True)
            changed = await admin.patch("/api/users/agent1", json={"queues": ["vip"]})
            assert changed.status_code == 200, changed.text
            assert (found.status, found.queues) == ("offline", ("vip",))
            await desk.desk.presence.phone_connected(desk.phone.snapshot())
            assert (found.status, found.by) == ("offline", "supervisor1")
            # by a console of their own they are back
            await desk.console(agent, "c2")
            await desk.until(lambda: found.status == "not_ready")

    house(body)


def test_a_phone_that_refuses_is_told_of_and_the_version_is_kept(house: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            first = await document(admin)

            def refuse(document: dict[str, Any]) -> None:
                raise RoutingError("queues[0].strategy: this phone is older and does not know it")

            monkeypatch.setattr(desk.phone, "set_routing", refuse)
            saved = (await save(admin, with_strategy(first["routing"], "ring_all"), 0)).json()
            assert (saved["version"], saved["in_force"]) == (1, False)
            assert "queues[0].strategy" in saved["problem"]
            newest = await document(admin)
            assert (newest["version"], newest["in_force"]) == (1, 0)
            assert "queues[0].strategy" in newest["problem"]
            check = (await admin.get("/healthz")).json()["checks"]["routing"]
            assert check["status"] == "warn"
            assert "version 1" in check["detail"]
            monkeypatch.undo()
            assert (await save(admin, first["routing"], 1)).json()["in_force"] is True
            assert (await admin.get("/healthz")).json()["checks"]["routing"] == {"status": "ok"}

    house(body)


def test_holidays_and_make_up_workdays_of_a_year_are_listed_and_an_unpublished_year_is_said_to_be_one(
    house: Run,
) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor:
            told = (await supervisor.get("/api/routing/chinese-days?year=2026")).json()
            assert told["known"] is True
            dates = [one["date"] for one in told["days"]]
            assert dates == sorted(dates)
            days = {one["date"]: (one["name"], one["workday"]) for one in told["days"]}
            assert days["2026-01-01"] == ("元旦", False)
            assert days["2026-02-14"] == ("春节", True)
            assert "2026-03-03" not in days
            assert (await supervisor.get("/api/routing/chinese-days?year=2099")).json() == {
                "year": 2099,
                "known": False,
                "days": [],
            }
            for query in ("", "?year=", "?year=x", "?year=1", "?year=99999"):
                assert (await supervisor.get(f"/api/routing/chinese-days{query}")).status_code == 422
        async with desk.signed_in("agent1") as agent:
            assert (await agent.get("/api/routing/chinese-days?year=2026")).status_code == 403

    house(body, phone=False)


def test_a_version_that_leaves_fields_out_is_shown_with_all_of_them_and_without_changes_of_its_own(
    house: Run,
) -> None:
    async def body(desk: Any) -> None:
        sparse = {"queues": [{"name": "only"}], "entries": [{"to": {"kind": "queue", "queue": "only"}}]}
        engine = open_engine(f"sqlite:///{desk.config.data}/sansheng.db")
        with transaction(engine) as conn:
            store_routing(conn, sparse, 0, "somebody", "by hand")
        engine.dispose()
        async with desk.signed_in("admin") as admin:
            told = await document(admin)
            assert told["routing"]["queues"][0]["strategy"] == "longest_idle"
            checked = await admin.post("/api/routing/check", json={"routing": told["routing"]})
            assert checked.json()["changes"] == []

    house(body, phone=False)
