"""Patients over real HTTP: found, opened, written and revealed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from storage.access_trail import list_accesses, verify
from storage.database import reading

Run = Callable[..., None]
Body = Callable[[Any, httpx.AsyncClient], Awaitable[None]]


@pytest.fixture
def as_user(house: Run) -> Callable[..., None]:
    """``as_user(body)``: run an async body with a running house and the client of a signed-in agent."""

    def run(body: Body, username: str = "agent1") -> None:
        async def inner(running: Any) -> None:
            async with running.signed_in(username) as client:
                await body(running, client)

        house(inner, phone=False)

    return run


AsUser = Callable[..., None]


async def found(client: httpx.AsyncClient, q: str, **more: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/patients", params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    patients: list[dict[str, Any]] = answer.json()
    return patients


def error(answer: httpx.Response) -> tuple[int, str, str]:
    told = answer.json()["error"]
    assert told["message"]
    return answer.status_code, told["code"], told.get("field", "")


def trail(house: Any, action: str) -> list[Any]:
    with reading(house.desk.engine) as conn:
        assert verify(conn) is None
        return [one for one in list_accesses(conn) if one.action == action]


def test_a_patient_is_found_by_number_name_pinyin_initials_and_record_number(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        for q in ("13812340001", "+86 138 1234 0001", "0001", "王小明", "小明", "wangxiaoming", "wxm", "P00000001"):
            assert [one["name"] for one in await found(client, q)] == ["王小明"], q
        assert sorted(one["name"] for one in await found(client, "13812340002")) == ["李二", "李大"]
        assert len(await found(client, "13812340002", limit=1)) == 1
        for q in ("", "nobody", "%", "\x00", "💥" * 60):
            assert await found(client, q) == []

    as_user(body)


def test_answers_show_no_whole_number_anywhere(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/patients", params={"q": "王小明"})
        (patient,) = answer.json()
        opened = await client.get(f"/api/patients/{patient['id']}")
        assert opened.json() == patient
        assert patient["phones"][0] | {"id": ""} == {
            **{"id": "", "label": "手机", "masked": "138****0001", "kind": "mobile", "extension": ""},
            **{"region": patient["phones"][0]["region"], "region_en": patient["phones"][0]["region_en"]},
        }
        assert (patient["sex"], patient["birth_date"], patient["version"]) == ("male", "1980-01-02", 1)
        assert patient["created_at"].endswith("Z")
        for text in (answer.text, opened.text):
            assert "13812340001" not in text
            assert "12340001" not in text

    as_user(body)


def test_a_revealed_number_is_written_down_with_its_reason(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        (patient,) = await found(client, "王小明")
        url, phone = f"/api/patients/{patient['id']}/reveal", patient["phones"][0]["id"]
        answer = await client.post(url, json={"phone_id": phone, "reason": "核对号码"})
        assert (answer.status_code, answer.json()) == (200, {"number": "138 1234 0001"})
        (row,) = trail(house, "reveal")
        assert (row.user, row.subject_type, row.subject_id, row.reason) == (
            "agent1",
            "patient",
            patient["id"],
            "核对号码",
        )
        assert json.loads(row.detail) == {"address": "127.0.0.1", "number": "138****0001", "phone_id": phone}
        assert error(await client.post(url, json={"phone_id": phone, "reason": ""})) == (422, "invalid_input", "reason")
        assert error(await client.post(url, json={"phone_id": phone})) == (422, "invalid_input", "reason")
        assert error(await client.post(url, json={"phone_id": "x", "reason": "r"})) == (
            404,
            "no_such_phone",
            "phone_id",
        )
        nobody = await client.post("/api/patients/nobody/reveal", json={"phone_id": phone, "reason": "r"})
        assert error(nobody) == (404, "no_such_patient", "")
        assert len(trail(house, "reveal")) == 1

    as_user(body)


def test_a_new_record_is_made_and_found_by_its_number(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        draft = {
            **{"name": "曾静", "sex": "female", "birth_date": "1988-12-05", "note": "孕 28 周"},
            "phones": [{"number": "88001234", "label": "家庭"}, {"number": "13900000002"}],
        }
        answer = await client.post("/api/patients", json=draft)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made["record_number"] == "P00000004"
        assert [phone["masked"] for phone in made["phones"]] == ["0571-****1234", "139****0002"]
        assert await found(client, "0571-88001234") == [made]
        assert await found(client, "zengjing") == await found(client, "cj") == [made]
        assert [row.subject_id for row in trail(house, "create")] == [made["id"]]

    as_user(body)


def test_the_same_name_and_number_asks_first_and_is_made_only_when_confirmed(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        draft = {"name": "王小明", "phones": [{"number": "138-1234-0001"}]}
        answer = await client.post("/api/patients", json=draft)
        assert error(answer) == (409, "duplicate", "")
        (candidate,) = answer.json()["candidates"]
        assert (candidate["name"], candidate["phones"][0]["masked"]) == ("王小明", "138****0001")
        assert len(await found(client, "王小明")) == 1
        confirmed = await client.post("/api/patients", json={**draft, "confirmed": True})
        assert confirmed.status_code == 201
        assert len(await found(client, "王小明")) == 2
        other = {"name": "王大明", "phones": [{"number": "13812340001"}]}
        assert (await client.post("/api/patients", json=other)).status_code == 201

    as_user(body)


def test_a_change_keeps_numbers_by_id_and_needs_the_version_that_was_read(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        (patient,) = await found(client, "王小明")
        url, phone = f"/api/patients/{patient['id']}", patient["phones"][0]
        change = {"note": "对青霉素过敏", "phones": [{"id": phone["id"], "label": "本人"}, {"number": "0571 88005555"}]}
        answer = await client.patch(url, json={**change, "version": 1})
        assert answer.status_code == 200, answer.text
        changed = answer.json()
        assert (changed["version"], changed["note"], changed["name"]) == (2, "对青霉素过敏", "王小明")
        assert changed["phones"][0] == {**phone, "label": "本人"}
        assert await found(client, "88005555") == [changed]
        assert await found(client, "13812340001") == [changed]
        assert error(await client.patch(url, json={"version": 1, "note": "x"})) == (409, "changed_meanwhile", "")
        assert (await client.get(url)).json() == changed
        (row,) = trail(house, "change")
        assert json.loads(row.detail) == {"fields": ["note", "phones"], "version": 2}

    as_user(body)


def test_two_changes_at_once_let_only_one_through(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        (patient,) = await found(client, "王小明")
        url = f"/api/patients/{patient['id']}"
        answers = await asyncio.gather(*(client.patch(url, json={"version": 1, "note": f"{n}"}) for n in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
        assert (await client.get(url)).json()["version"] == 2

    as_user(body)


def test_wrong_input_names_its_field_and_writes_nothing(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": "123"}, "name"),
            ({"name": 5}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"name": "赵六", "sex": "robot"}, "sex"),
            ({"name": "赵六", "birth_date": "1990-02-30"}, "birth_date"),
            ({"name": "赵六", "birth_date": "2999-01-01"}, "birth_date"),
            ({"name": "赵六", "phones": [{"number": "hello"}]}, "phones"),
            ({"name": "赵六", "phones": [{}]}, "phones"),
            ({"name": "赵六", "phones": [{"number": "13900000000"}] * 11}, "phones"),
            ({"name": "赵六", "phones": [{"id": "nothing"}]}, "phones[0].id"),
            ({"name": "赵六", "phones": "13900000000"}, "phones"),
            ({"name": "赵六", "note": "x" * 4001}, "note"),
            ({"name": "赵六", "record_number": "号"}, "record_number"),
        ]
        for draft, field in wrong:
            status, _, named = error(await client.post("/api/patients", json=draft))
            assert (status, named) == (422, field), draft
        taken = await client.post("/api/patients", json={"name": "赵六", "record_number": "P00000001"})
        assert error(taken) == (409, "record_taken", "record_number")
        assert await found(client, "赵六") == []
        (patient,) = await found(client, "王小明")
        url = f"/api/patients/{patient['id']}"
        for change, field in (({}, "version"), ({"version": 0}, "version"), ({"version": 2**70}, "version")):
            assert error(await client.patch(url, json=change))[::2] == (422, field)
        assert error(await client.patch(url, json={"version": 1, "name": " "})) == (422, "bad_name", "name")
        assert error(await client.patch("/api/patients/nobody", json={"version": 1})) == (404, "no_such_patient", "")
        assert error(await client.get("/api/patients/%00")) == (404, "no_such_patient", "")
        assert error(await client.get("/api/patients", params={"q": "x", "limit": 0}))[::2] == (422, "limit")
        assert error(await client.get("/api/patients", params={"q": "x" * 201}))[::2] == (422, "q")
        assert (await client.get(url)).json() == patient

    as_user(body)


def test_a_reviewer_reads_but_does_not_write(as_user: AsUser) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        (patient,) = await found(client, "王小明")
        url = f"/api/patients/{patient['id']}"
        assert error(await client.post("/api/patients", json={"name": "赵六"}))[:2] == (403, "not_allowed")
        assert error(await client.patch(url, json={"version": 1, "note": "x"}))[:2] == (403, "not_allowed")

    as_user(body, "reviewer1")


def test_nobody_sees_patients_without_signing_in(house: Run) -> None:
    async def body(running: Any) -> None:
        async with httpx.AsyncClient(base_url=running.url) as client:
            for method, path in (
                ("GET", "/api/patients?q=13812340001"),
                ("GET", "/api/patients/x"),
                ("POST", "/api/patients"),
                ("PATCH", "/api/patients/x"),
                ("POST", "/api/patients/x/reveal"),
            ):
                assert (await client.request(method, path)).status_code == 401

    house(body, phone=False)
