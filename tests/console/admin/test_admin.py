"""Rules, users and the access trail over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from storage.database import transaction

Run = Callable[..., None]


def test_a_rule_is_changed_as_a_new_version_and_the_running_phone_takes_it(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("supervisor1") as supervisor:
            rules = {one["name"]: one for one in (await supervisor.get("/api/rules")).json()["rules"]}
            assert rules["three_rings"]["value"] == 3
            version = rules["three_rings"]["version"]
            changed = await admin.put("/api/rules/three_rings", json={"value": 4, "version": version, "note": "试行"})
            assert changed.status_code == 200, changed.text
            assert (changed.json()["value"], changed.json()["version"]) == (4, version + 1)
            assert changed.json()["changed_by"] == "admin"
            assert (desk.phone.rules.three_rings, desk.phone.rules.three_rings_version) == (4, version + 1)
            stale = await admin.put("/api/rules/three_rings", json={"value": 5, "version": version})
            assert (stale.status_code, stale.json()["error"]["code"]) == (409, "conflict")
            trail = (await admin.get("/api/access-trail?subject_type=rule")).json()["entries"]
            assert trail[0]["detail"] == {"from": 3.0, "to": 4.0, "version": version + 1}
            assert trail[0]["reason"] == "试行"

    house(body)


@pytest.mark.parametrize(
    ("name", "payload", "status", "field"),
    [
        ("three_rings", {"value": 0}, 422, "value"),
        ("three_rings", {"value": 1e12}, 422, "value"),
        ("three_rings", {"value": "three"}, 422, "value"),
        ("three_rings", {}, 422, "value"),
        ("no_such_rule", {"value": 1}, 404, None),
    ],
)
def test_a_value_that_cannot_be_is_refused(
    house: Run, name: str, payload: dict[str, Any], status: int, field: str | None
) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            answer = await admin.put(f"/api/rules/{name}", json=payload)
            assert answer.status_code == status
            assert answer.json()["error"].get("field") == field

    house(body, phone=False)


def test_users_are_added_changed_and_locked_out(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("agent2") as agent:
            events = await desk.console(agent)
            added = await admin.post(
                "/api/users", json={"username": "agent9", "password": "long enough", "role": "agent"}
            )
            assert added.status_code == 201, added.text
            assert added.json()["active"] is True
            again = await admin.post(
                "/api/users", json={"username": "agent9", "password": "long enough", "role": "agent"}
            )
            assert (again.status_code, again.json()["error"]["code"]) == (409, "exists")
            assert "agent9" in [one["username"] for one in (await admin.get("/api/users")).json()["users"]]
            off = await admin.patch("/api/users/agent2", json={"active": False})
            assert off.json()["active"] is False
            assert await events.close_code() == 4003
            assert (await agent.get("/api/session")).json() == {"user": None}
            assert (await agent.get("/api/me")).status_code == 401
            reset = await admin.post("/api/users/agent9/password", json={"password": "another one"})
            assert reset.status_code == 204
            async with httpx.AsyncClient(base_url=desk.url) as client:
                opened = await client.post("/api/session", json={"username": "agent9", "password": "another one"})
                assert opened.status_code == 200
            trail = (await admin.get("/api/access-trail?subject_type=user")).json()["entries"]
            assert {"user.add", "user.change", "user.password", "login"} <= {one["action"] for one in trail}
            assert "another one" not in str(trail)

    house(body, phone=False)


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"username": "Agent 9", "password": "long enough", "role": "agent"}, "username"),
        ({"username": "agent9", "password": "short", "role": "agent"}, "password"),
        ({"username": "agent9", "password": "long enough", "role": "janitor"}, "role"),
        ({"password": "long enough", "role": "agent"}, "username"),
    ],
)
def test_a_user_that_cannot_be_is_refused_with_the_field(house: Run, payload: dict[str, Any], field: str) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            answer = await admin.post("/api/users", json=payload)
            assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)

    house(body, phone=False)


def test_an_administrator_cannot_lock_themselves_out_and_others_cannot_administer(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("supervisor1") as supervisor:
            for change in ({"active": False}, {"role": "agent"}):
                assert (await admin.patch("/api/users/admin", json=change)).status_code == 409
            assert (await admin.patch("/api/users/nobody", json={"active": False})).status_code == 404
            assert (await admin.post("/api/users/nobody/password", json={"password": "long enough"})).status_code == 404
            for method, path in (
                ("GET", "/api/users"),
                ("GET", "/api/access-trail"),
                ("PUT", "/api/rules/three_rings"),
                ("POST", "/api/users"),
            ):
                assert (await supervisor.request(method, path, json={"value": 1})).status_code == 403

    house(body, phone=False)


def test_the_access_trail_pages_and_shows_where_it_was_tampered_with(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            for _ in range(3):
                await admin.put("/api/rules/three_rings", json={"value": 4})
            first = (await admin.get("/api/access-trail?limit=2")).json()["entries"]
            second = (await admin.get(f"/api/access-trail?limit=2&before={first[-1]['id']}")).json()["entries"]
            assert [one["id"] for one in first + second] == [4, 3, 2, 1]
            assert (await admin.get("/api/access-trail/check")).json()["broken_at"] is None
            with transaction(desk.desk.engine) as conn:
                triggers = conn.execute(
                    text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'access_trail'")
                ).scalars()
                for trigger in list(triggers):
                    conn.execute(text(f"DROP TRIGGER {trigger}"))
                conn.execute(text("UPDATE access_trail SET reason = 'changed' WHERE id = 2"))
            assert (await admin.get("/api/access-trail/check")).json()["broken_at"] == 2
            assert (await admin.get("/api/access-trail?limit=0")).status_code == 422
            assert (await admin.get("/api/access-trail?before=x")).json()["error"]["field"] == "before"

    house(body, phone=False)
