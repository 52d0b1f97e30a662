"""The directory over HTTP: search, favourites, presence, editing, and what a target leads to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from console.directory.service import resolve
from console.http import ApiError
from storage.database import reading
from telephony.events import Target, TargetKind

Run = Callable[..., None]

CARDIOLOGY = {"name_zh": "心血管内科", "name_en": "Cardiology", "number": "8301", "position": 10}
EMERGENCY = {
    "kind": "emergency",
    "name_zh": "急诊科",
    "name_en": "Emergency",
    "number": "0571-88001120",
    "position": 90,
}
COLLEAGUE = {"kind": "person", "name_zh": "周宁", "agent": "agent2"}
ENQUIRIES = {"name_zh": "业务咨询", "queue": "enquiries"}


async def add(admin: httpx.AsyncClient, entry: dict[str, Any]) -> dict[str, Any]:
    answer = await admin.post("/api/directory", json=entry)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def names(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"/api/directory?{query}")
    assert answer.status_code == 200, answer.text
    return [one["name_zh"] for one in answer.json()["entries"]]


def test_entries_are_found_by_name_pinyin_initials_and_number_with_favourites_in_front(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("agent1") as agent:
            for entry in (CARDIOLOGY, COLLEAGUE, ENQUIRIES, EMERGENCY):
                await add(admin, entry)
            assert (await names(agent))[0] == "急诊科"
            for query, found in (
                ("q=血管", ["心血管内科"]),
                ("q=xinxue", ["心血管内科"]),
                ("q=xxg", ["心血管内科"]),
                ("q=CARDIO", ["心血管内科"]),
                ("q=8301", ["心血管内科"]),
                ("q=ywzx", ["业务咨询"]),
                ("q=agent2", ["周宁"]),
                ("q=%00", []),
                ("q=nobody", []),
                ("kind=person", ["周宁"]),
                ("favourites=true", []),
            ):
                assert await names(agent, query) == found, query
            entries = {one["name_zh"]: one["id"] for one in (await agent.get("/api/directory")).json()["entries"]}
            mine = f"/api/directory/{entries['心血管内科']}/favourite"
            for _ in range(2):
                assert (await agent.put(mine)).json()["favourite"] is True
            assert (await names(agent))[:2] == ["急诊科", "心血管内科"]
            assert await names(agent, "favourites=true") == ["心血管内科"]
            assert await names(admin, "favourites=true") == []
            assert (await agent.delete(mine)).json()["favourite"] is False
            assert await names(agent, "favourites=true") == []
            assert (await agent.put("/api/directory/none/favourite")).status_code == 404

    house(body, phone=False)


def test_presence_follows_the_floor(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("agent2") as colleague:
            for entry in (CARDIOLOGY, COLLEAGUE, ENQUIRIES):
                await add(admin, entry)

            async def told() -> dict[str, Any]:
                entries = (await admin.get("/api/directory")).json()["entries"]
                return {one["name_zh"]: one["presence"] for one in entries}

            away = {"state": "away", "reason": "", "waiting": 0}
            assert await told() == {"心血管内科": None, "周宁": away, "业务咨询": away}
            await desk.ready(colleague)
            free = {"state": "free", "reason": "", "waiting": 0}
            assert await told() == {"心血管内科": None, "周宁": free, "业务咨询": free}

    house(body)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({**CARDIOLOGY, "name_zh": "", "name_en": " "}, "name_zh"),
    ({**CARDIOLOGY, "name_zh": "字" * 101}, "name_zh"),
    ({**CARDIOLOGY, "number": ""}, "number"),
    ({**CARDIOLOGY, "number": "急诊"}, "number"),
    ({**CARDIOLOGY, "number": "1; DROP"}, "number"),
    ({**CARDIOLOGY, "number": "sip:1900@premium.example"}, "number"),
    ({**CARDIOLOGY, "agent": "agent1"}, "number"),
    ({**COLLEAGUE, "agent": "nobody"}, "agent"),
    ({**COLLEAGUE, "agent": "supervisor1"}, "agent"),
    ({**ENQUIRIES, "queue": "nowhere"}, "queue"),
    ({**CARDIOLOGY, "kind": "ghost"}, "kind"),
    ({**CARDIOLOGY, "position": -1}, "position"),
    ({**CARDIOLOGY, "note": "x" * 501}, "note"),
    ({**CARDIOLOGY, "emergency": "yes"}, "emergency"),
]


def test_an_entry_that_leads_nowhere_is_refused_with_the_field(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            known = await add(admin, CARDIOLOGY)
            for entry, field in WRONG:
                for answer in (
                    await admin.post("/api/directory", json=entry),
                    await admin.put(f"/api/directory/{known['id']}", json={**entry, "version": 1}),
                ):
                    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), (entry, answer.text)
            assert await names(admin) == ["心血管内科"]

    house(body, phone=False)


def test_two_who_edit_one_entry_do_not_lose_each_others_words(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("supervisor1") as supervisor:
            known = await add(admin, CARDIOLOGY)
            path = f"/api/directory/{known['id']}"
            changed = await admin.put(path, json={**CARDIOLOGY, "number": "8399", "version": 1})
            assert (changed.status_code, changed.json()["number"], changed.json()["version"]) == (200, "8399", 2)
            late = await admin.put(path, json={**CARDIOLOGY, "note": "夜间", "version": 1})
            assert (late.status_code, late.json()["error"]["code"]) == (409, "conflict")
            for method in ("PUT", "DELETE"):
                answer = await supervisor.request(method, path, json={**CARDIOLOGY, "version": 2})
                assert answer.status_code == 403
            missing = await admin.put("/api/directory/none", json={**CARDIOLOGY, "version": 1})
            assert missing.status_code == 404
            assert (await admin.delete(path)).status_code == 204
            assert (await admin.delete(path)).status_code == 404
            trail = (await admin.get("/api/access-trail?subject_type=directory")).json()["entries"]
            assert [one["action"] for one in trail] == ["directory.remove", "directory.change", "directory.add"]

    house(body, phone=False)


def test_a_target_that_names_an_entry_leads_where_the_entry_does(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            made = {
                one["name_zh"]: one["id"] for one in [await add(admin, e) for e in (CARDIOLOGY, COLLEAGUE, ENQUIRIES)]
            }
        with reading(desk.desk.engine) as conn:

            def to(entry: str) -> Target:
                return resolve(conn, Target(kind=TargetKind.NUMBER, entry=made[entry]))

            assert to("心血管内科") == Target(
                kind=TargetKind.NUMBER, number="8301", name="心血管内科", entry=made["心血管内科"]
            )
            assert (to("周宁").kind, to("周宁").agent) == (TargetKind.AGENT, "agent2")
            assert (to("业务咨询").kind, to("业务咨询").queue) == (TargetKind.QUEUE, "enquiries")
            plain = Target(kind=TargetKind.NUMBER, number="110")
            assert resolve(conn, plain) is plain
            with pytest.raises(ApiError) as caught:
                resolve(conn, Target(kind=TargetKind.NUMBER, number="110", entry="none"))
            assert caught.value.status == 404

    house(body, phone=False)
