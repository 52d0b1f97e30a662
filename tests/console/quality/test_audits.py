"""Random audits over HTTP: drawn once, recomputable, heard and scored by their reviewer."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from sqlalchemy import update

from storage import access_trail
from storage.audits import audit_draws, listenings_of
from storage.database import reading, transaction
from storage.users import create_user

AT = 1_772_352_000.0


def test_a_draw_can_be_repeated_by_hand_from_what_is_told(house: Any, recorded_calls: Callable[..., list[str]]) -> None:
    async def body(house: Any) -> None:
        ids = recorded_calls(house, 30)
        async with house.signed_in("reviewer1") as client:
            answer = await client.post("/api/audits/draws", json={"n": 5})
            assert answer.status_code == 201, answer.text
            draw = answer.json()
            assert draw["candidates"] == 30
            assert draw["candidate_sha256"] == hashlib.sha256("".join(f"{one}\n" for one in ids).encode()).hexdigest()
            key = draw["seed"].encode()
            by_hand = sorted(ids, key=lambda one: hmac.new(key, one.encode(), hashlib.sha256).digest())[:5]
            assert draw["drawn"] == by_hand
            assert [item["call_id"] for item in draw["items"]] == by_hand
            assert {item["reviewer"] for item in draw["items"]} == {"reviewer1"}
            assert (await client.get(f"/api/audits/draws/{draw['id']}")).json() == draw
            told = (await client.get(f"/api/audits/draws/{draw['id']}/verification")).json()
            assert (told["verified"], told["problems"]) == (True, [])
            assert told["candidates"] == ids
            assert told["recomputed"] == told["drawn"] == by_hand
            listed = (await client.get("/api/audits/draws")).json()
            assert [one["id"] for one in listed] == [draw["id"]]
        with reading(house.desk.engine) as conn:
            (row,) = access_trail.list_accesses(conn, subject_type="draw")
            assert (row.user, row.action, row.subject_id) == ("reviewer1", "draw", draw["id"])

    house(body, phone=False)


def test_a_draw_that_was_changed_afterwards_does_not_verify(
    house: Any, recorded_calls: Callable[..., list[str]]
) -> None:
    async def body(house: Any) -> None:
        ids = recorded_calls(house, 10)
        async with house.signed_in("supervisor1") as client:
            draw = (await client.post("/api/audits/draws", json={"n": 3})).json()
            other = [one for one in ids if one not in draw["drawn"]][:3]
            with transaction(house.desk.engine) as conn:
                conn.execute(update(audit_draws).values(drawn=other))
            told = (await client.get(f"/api/audits/draws/{draw['id']}/verification")).json()
            assert (told["verified"], told["problems"]) == (False, ["drawn_differs"])
            assert told["recomputed"] == draw["drawn"]
            with transaction(house.desk.engine) as conn:
                conn.execute(update(audit_draws).values(drawn=draw["drawn"], candidates=ids[1:], seed=""))
            told = (await client.get(f"/api/audits/draws/{draw['id']}/verification")).json()
            assert told["problems"] == ["candidates_changed", "drawn_differs"]

    house(body, phone=False)


def test_only_finished_recorded_calls_that_fit_are_drawn_and_each_once(
    house: Any, recorded_calls: Callable[..., list[str]]
) -> None:
    async def body(house: Any) -> None:
        first = recorded_calls(house, 4)
        second = recorded_calls(house, 4, agent="agent2", first=10)
        recorded_calls(house, 2, first=20, ready=False)
        async with house.signed_in("supervisor1") as client:

            async def drawn(**wish: Any) -> set[str]:
                answer = await client.post("/api/audits/draws", json={"n": 50} | wish)
                assert answer.status_code == 201, answer.text
                return set(answer.json()["drawn"])

            assert await drawn(agent="agent2", since=AT + 11 * 60) == set(second[1:])
            assert await drawn(until="2026-03-01T08:02:00Z") == set(first[:2])
            assert await drawn(direction="inbound") == {*first[2:], second[0]}
            for wish in ({}, {"direction": "outbound"}, {"agent": "nobody"}):
                answer = await client.post("/api/audits/draws", json={"n": 1} | wish)
                assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_candidates")

    house(body, phone=False)


def test_a_supervisors_draw_is_shared_among_the_reviewers(house: Any, recorded_calls: Callable[..., list[str]]) -> None:
    async def body(house: Any) -> None:
        recorded_calls(house, 10)
        with transaction(house.desk.engine) as conn:
            create_user(conn, "reviewer2", "another password", "reviewer")
        async with house.signed_in("supervisor1") as client:
            draw = (await client.post("/api/audits/draws", json={"n": 4})).json()
            whose = [item["reviewer"] for item in draw["items"]]
            assert sorted(whose) == ["reviewer1", "reviewer1", "reviewer2", "reviewer2"]
            one = (await client.post("/api/audits/draws", json={"n": 2, "reviewer": "reviewer2"})).json()
            assert {item["reviewer"] for item in one["items"]} == {"reviewer2"}
            answer = await client.post("/api/audits/draws", json={"n": 1, "reviewer": "agent1"})
            assert (answer.status_code, answer.json()["error"]["field"]) == (422, "reviewer")
            assert len((await client.get("/api/audits")).json()) == 6
            assert len((await client.get("/api/audits?reviewer=reviewer2")).json()) == 4
        async with house.signed_in("reviewer1") as client:
            own = (await client.get("/api/audits")).json()
            assert len(own) == 2
            assert {item["reviewer"] for item in own} == {"reviewer1"}
            others = one["items"][0]["id"]
            assert (await client.get(f"/api/audits/{others}")).status_code == 403
            answer = await client.put(f"/api/audits/{others}/score", json={"score": 1})
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_yours")

    house(body, phone=False)


def test_a_reviewer_hears_and_scores_and_what_waits_comes_first(
    house: Any, recorded_calls: Callable[..., list[str]]
) -> None:
    async def body(house: Any) -> None:
        recorded_calls(house, 5)
        async with house.signed_in("reviewer1") as client:
            await client.post("/api/audits/draws", json={"n": 3})
            items = (await client.get("/api/audits")).json()
            assert [item["state"] for item in items] == ["waiting"] * 3
            assert items[0]["call"]["number"] == "138****0001"
            assert items[0]["call"]["recording"]["url"].endswith("/audio")
            assert items[0]["drawn_at"].endswith("Z")
            path = f"/api/audits/{items[0]['id']}"
            for start, stop in ((0, 10), (5, 12.5), (20, 30.5)):
                answer = await client.post(f"{path}/listening", json={"from_second": start, "to_second": stop})
                assert answer.status_code == 200, answer.text
            assert (answer.json()["state"], answer.json()["heard_seconds"]) == ("heard", 23.0)
            answer = await client.put(f"{path}/score", json={"score": 92.5, "comment": "语速稍快"})
            assert (answer.json()["state"], answer.json()["score"], answer.json()["comment"]) == (
                "scored",
                92.5,
                "语速稍快",
            )
            answer = await client.put(f"{path}/score", json={"score": 90})
            assert (answer.json()["score"], answer.json()["comment"]) == (90.0, None)
            states = [item["state"] for item in (await client.get("/api/audits")).json()]
            assert states == ["waiting", "waiting", "scored"]
            assert [item["id"] for item in (await client.get("/api/audits?state=scored")).json()] == [items[0]["id"]]
            with reading(house.desk.engine) as conn:
                heard = listenings_of(conn, items[0]["call_id"])
                assert [(one.user, one.from_seconds, one.to_seconds) for one in heard] == [
                    ("reviewer1", 0.0, 10.0),
                    ("reviewer1", 5.0, 12.5),
                    ("reviewer1", 20.0, 30.5),
                ]

    house(body, phone=False)


def test_wrong_input_is_refused_with_its_name_and_changes_nothing(
    house: Any, recorded_calls: Callable[..., list[str]]
) -> None:
    async def body(house: Any) -> None:
        recorded_calls(house, 2)
        async with house.signed_in("reviewer1") as client:
            for wish, field in (
                ({}, "n"),
                ({"n": 0}, "n"),
                ({"n": 201}, "n"),
                ({"n": "3"}, "n"),
                ({"n": 1, "since": "soon"}, "since"),
                ({"n": 1, "direction": "up"}, "direction"),
                ({"n": 1, "seed": "mine"}, "seed"),
            ):
                answer = await client.post("/api/audits/draws", json=wish)
                assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), wish
            assert (await client.get("/api/audits")).json() == []
            item = (await client.post("/api/audits/draws", json={"n": 1})).json()["items"][0]
            path = f"/api/audits/{item['id']}"
            for score in ({"score": -1}, {"score": 100.1}, {"score": "90"}, {}, {"score": None}):
                assert (await client.put(f"{path}/score", json=score)).status_code == 422
            assert (await client.put(f"{path}/score", json={"score": 1, "comment": "x" * 4001})).status_code == 422
            for start, stop in ((5, 1), (0, 31.5), (-1, 2), (0, 1e9)):
                answer = await client.post(f"{path}/listening", json={"from_second": start, "to_second": stop})
                assert answer.status_code == 422
            assert (await client.get(path)).json() == item
            for missing in ("/api/audits/none", "/api/audits/draws/none", "/api/audits/draws/none/verification"):
                assert (await client.get(missing)).status_code == 404
            assert (await client.put("/api/audits/none/score", json={"score": 1})).status_code == 404

    house(body, phone=False)


def test_agents_have_no_part_in_audits(house: Any, recorded_calls: Callable[..., list[str]]) -> None:
    async def body(house: Any) -> None:
        recorded_calls(house, 2)
        async with house.signed_in("agent1") as client:
            assert (await client.get("/api/audits")).status_code == 403
            assert (await client.post("/api/audits/draws", json={"n": 1})).status_code == 403
            assert (await client.get("/api/audits/draws")).status_code == 403

    house(body, phone=False)
