"""The call log over HTTP, against a running console."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from storage import access_trail
from storage.database import reading, transaction
from storage.patients import find_by_number

AT = 1_772_352_000.0


def trail(house: Any, action: str) -> list[access_trail.Access]:
    with reading(house.desk.engine) as conn:
        assert access_trail.verify(conn) is None
        return [row for row in access_trail.list_accesses(conn) if row.action == action]


async def ids(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"/api/calls?{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


def test_a_call_is_told_with_all_its_facts_and_a_masked_number(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log_of(house).answered("call-1", AT)
        async with house.signed_in("agent1") as client:
            for path in ("/api/calls", "/api/calls/call-1"):
                answer = await client.get(path)
                assert answer.status_code == 200, answer.text
                told = answer.json()
                row = told[0] if isinstance(told, list) else told
                expected = {
                    "id": "call-1",
                    "direction": "inbound",
                    "number": "138****0001",
                    "state": "ended",
                    "outcome": "answered",
                    "started_at": "2026-03-01T08:00:00.000Z",
                    "answered_at": "2026-03-01T08:00:03.000Z",
                    "ended_at": "2026-03-01T08:00:09.000Z",
                    "caller_rings": 1,
                    "agent_rings": 1,
                    "within_three_rings": True,
                    "hung_up_by": "caller",
                    "sip_status": 200,
                    "agent": "agent1",
                    "agent_name": "agent1 姓名",
                    "patient_id": None,
                    "talk_seconds": 6.0,
                    "recording": None,
                }
                assert {name: row[name] for name in expected} == expected
                assert "13812340001" not in answer.text

    house(body, phone=False)


def test_the_log_is_filtered_and_paged(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("call-1", AT)
        log.answered("call-2", AT + 100, agent="agent2", number="02185112233")
        log.abandoned("call-3", AT + 200)
        async with house.signed_in("supervisor1") as client:
            assert await ids(client) == ["call-3", "call-2", "call-1"]
            assert await ids(client, "number=13812340001") == ["call-3", "call-1"]
            assert await ids(client, "number=%2B8613812340001") == ["call-3", "call-1"]
            assert await ids(client, "number=021-85112233") == ["call-2"]
            assert await ids(client, "agent=agent2") == ["call-2"]
            assert await ids(client, "outcome=abandoned") == ["call-3"]
            assert await ids(client, "direction=outbound") == []
            assert await ids(client, f"since={AT + 100}") == ["call-3", "call-2"]
            assert await ids(client, "since=2026-03-01T08:01:40Z&until=2026-03-01T08:03:00Z") == ["call-2"]
            assert await ids(client, "limit=1") == ["call-3"]
            assert await ids(client, "limit=1&before=call-3") == ["call-2"]
            assert await ids(client, "before=call-1") == []
            assert await ids(client, "before=unknown") == []

    house(body, phone=False)


def test_an_agent_lists_own_calls_and_those_of_one_caller(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("mine", AT)
        log.answered("other", AT + 100, agent="agent2")
        async with house.signed_in("agent1") as client:
            assert await ids(client) == ["mine"]
            assert await ids(client, "agent=agent1") == ["mine"]
            assert await ids(client, "number=13812340001") == ["other", "mine"]
            assert (await client.get("/api/calls?agent=agent2")).status_code == 403
            assert (await client.get("/api/calls/other")).status_code == 200
            assert (await client.get("/api/calls/other/events")).json()["error"]["code"] == "not_yours"
            refused = await client.post("/api/calls/other/reveal", json={"reason": "curious"})
            assert refused.status_code == 403
            refused = await client.put("/api/calls/other/disposition", json={"code": "consultation"})
            assert refused.status_code == 403
        assert trail(house, "reveal") == []

    house(body, phone=False)


def test_a_wrong_filter_is_refused_with_its_name(house: Any) -> None:
    wrong = {
        "limit=0": "limit",
        "limit=501": "limit",
        "limit=many": "limit",
        "since=yesterday": "since",
        "until=-5": "until",
        "direction=sideways": "direction",
        "outcome=unknown": "outcome",
        "number=" + "1" * 100: "number",
    }

    async def body(house: Any) -> None:
        async with house.signed_in("supervisor1") as client:
            for query, field in wrong.items():
                answer = await client.get(f"/api/calls?{query}")
                assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)

    house(body, phone=False)


def test_strange_filters_find_nothing_and_break_nothing(house: Any) -> None:
    async def body(house: Any) -> None:
        async with house.signed_in("supervisor1") as client:
            for query in ("number=%00", "number=%27%20OR%201%3D1", "before=%00%ff", "agent=%F0%9F%93%9E", "patient=-1"):
                assert (await client.get(f"/api/calls?{query}")).status_code == 200
            for path in ("/api/calls/none", "/api/calls/none/events", "/api/calls/%00", "/api/recordings/none/audio"):
                assert (await client.get(path)).status_code == 404
        async with httpx.AsyncClient(base_url=house.url) as stranger:
            for path in ("/api/calls", "/api/calls/call-1", "/api/recordings/x/audio", "/api/recordings/x/peaks"):
                assert (await stranger.get(path)).status_code == 401

    house(body, phone=False)


def test_the_whole_number_is_told_for_a_reason_that_is_kept(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log_of(house).answered("call-1", AT)
        async with house.signed_in("agent1") as client:
            for bad in ({}, {"reason": ""}, {"reason": "  "}, {"reason": 5}, {"reason": "x" * 501}):
                assert (await client.post("/api/calls/call-1/reveal", json=bad)).status_code == 422
            assert trail(house, "reveal") == []
            answer = await client.post("/api/calls/call-1/reveal", json={"reason": "回访"})
            assert answer.json() == {"number": "13812340001"}
        (row,) = trail(house, "reveal")
        assert (row.user, row.subject_type, row.subject_id, row.reason) == ("agent1", "call", "call-1", "回访")
        assert "13812340001" not in row.detail

    house(body, phone=False)


def test_a_missed_call_may_be_opened_by_whoever_calls_back(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log_of(house).abandoned("call-1", AT)
        async with house.signed_in("agent2") as client:
            row = (await client.get("/api/calls/call-1")).json()
            assert (row["outcome"], row["hung_up_by"], row["sip_status"]) == ("abandoned", "caller", 487)
            answer = await client.post("/api/calls/call-1/reveal", json={"reason": "回拨"})
            assert answer.json() == {"number": "13812340001"}

    house(body, phone=False)


def test_the_events_of_a_call_come_in_order_and_masked(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log_of(house).answered("call-1", AT)
        async with house.signed_in("agent1") as client:
            code = (await client.get("/api/dispositions")).json()[0]["code"]
            await client.put("/api/calls/call-1/disposition", json={"code": code, "note": "问号源"})
            answer = await client.get("/api/calls/call-1/events")
            kinds = [event["type"] for event in answer.json()]
            assert kinds == [
                "call.started",
                "call.caller_ring",
                "call.offered",
                "call.agent_ring",
                "call.answered",
                "call.ended",
                "call.disposed",
            ]
            assert answer.json()[0]["at"] == AT
            assert answer.json()[0]["number"] == "138****0001"
            assert "13812340001" not in answer.text

    house(body, phone=False)


def test_a_disposition_is_kept_corrected_and_told_to_the_consoles(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log_of(house).answered("call-1", AT)
        async with house.signed_in("supervisor1") as client:
            console = await house.console(client)
            codes = [one["code"] for one in (await client.get("/api/dispositions")).json()]
            first, second = codes[:2]
            answer = await client.put("/api/calls/call-1/disposition", json={"code": first, "note": "备注"})
            assert (answer.status_code, answer.json()["disposition"], answer.json()["note"]) == (200, first, "备注")
            told = await console.frame("call.disposed")
            assert (told["call"], told["code"], told["by"]) == ("call-1", first, "supervisor1")
            answer = await client.put("/api/calls/call-1/disposition", json={"code": second})
            assert (answer.json()["disposition"], answer.json()["note"]) == (second, None)
            for bad, field in (
                ({"code": "nonsense"}, "code"),
                ({}, "code"),
                ({"code": first, "note": "x" * 4001}, "note"),
            ):
                answer = await client.put("/api/calls/call-1/disposition", json=bad)
                assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
            answer = await client.put("/api/calls/none/disposition", json={"code": first})
            assert answer.status_code == 404
            assert (await client.get("/api/calls/call-1")).json()["disposition"] == second

    house(body, phone=False)


def test_a_reviewer_hears_calls_but_does_not_write_in_the_log(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log_of(house).answered("call-1", AT)
        async with house.signed_in("reviewer1") as client:
            assert (await client.get("/api/calls/call-1")).status_code == 200
            for method, path, wish in (
                ("PUT", "/api/calls/call-1/disposition", {"code": "answered"}),
                ("POST", "/api/calls/call-1/patient", {"patient_id": ""}),
            ):
                answer = await client.request(method, path, json=wish)
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")

    house(body)


def test_a_call_is_linked_to_a_patient_and_found_by_it(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log_of(house).answered("call-1", AT)
        with reading(house.desk.engine) as conn:
            (patient,) = find_by_number(conn, "+8613812340001")
        async with house.signed_in("agent1") as client:
            answer = await client.post("/api/calls/call-1/patient", json={"patient_id": patient.id})
            assert (answer.json()["patient_id"], answer.json()["patient_name"]) == (patient.id, "王小明")
            assert await ids(client, f"patient={patient.id}") == ["call-1"]
            answer = await client.post("/api/calls/call-1/patient", json={"patient_id": "nobody"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_such_patient")
            answer = await client.post("/api/calls/call-1/patient", json={"patient_id": ""})
            assert answer.json()["patient_id"] is None

    house(body, phone=False)


def test_the_disposition_of_a_call_ends_its_agents_wrap_up(house: Any) -> None:
    """With the real phone process: a SIP call, answered, hung up by the caller, disposed."""

    async def body(house: Any) -> None:
        async with house.signed_in("agent1") as client:
            console = await house.ready(client)
            call = house.source.invite("13812340001")
            offered = await console.frame("call.offered")
            assert (await client.post(f"/api/calls/{offered['call']}/answer")).status_code == 204
            await console.frame("call.answered")
            await house.over(call)
            house.source.bye(call)
            await console.frame("agent.state", status="wrap_up")
            code = (await client.get("/api/dispositions")).json()[0]["code"]

            def stored() -> bool:
                return house.desk.store.waiting == 0

            await house.until(stored)
            console.frames.clear()
            answer = await client.put(f"/api/calls/{offered['call']}/disposition", json={"code": code})
            assert answer.status_code == 200, answer.text
            assert answer.json()["disposition"] == code
            await console.frame("agent.state", status="ready")
            row = (await client.get(f"/api/calls/{offered['call']}")).json()
            assert (row["agent"], row["hung_up_by"], row["state"]) == ("agent1", "caller", "ended")

    house(body)


def test_what_is_said_of_a_call_the_moment_it_ends_finds_it_although_the_store_is_behind(house: Any) -> None:
    async def body(house: Any) -> None:
        async with house.signed_in("supervisor1") as supervisor:
            events = await house.console(supervisor)
            await house.until(lambda: house.desk.store.waiting == 0)
            with transaction(house.desk.engine):
                source = house.source.invite("13812340001")
                await house.until(lambda: source.ringing)
                house.source.cancel(source)
                await house.over(source)
                call = (await events.frame("call.ended"))["call"]
                said = asyncio.create_task(
                    supervisor.put(f"/api/calls/{call}/disposition", json={"code": "other", "note": "x"})
                )
                shown = asyncio.create_task(supervisor.post(f"/api/calls/{call}/reveal", json={"reason": "回拨"}))
                await house.until(lambda: len(house.desk.store._readers) == 2)
            answer = await said
            assert (answer.status_code, answer.json()["disposition"]) == (200, "other"), answer.text
            assert (await shown).json() == {"number": "13812340001"}

    house(body)
