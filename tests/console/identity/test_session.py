"""Signing in and out over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from console.identity import login_gate, session_cache
from storage import login

Run = Callable[..., None]
PASSWORD = "correct horse"


@pytest.fixture
def client_of(house: Run) -> Callable[[Callable[[Any, httpx.AsyncClient], Any]], None]:
    def run(body: Callable[[Any, httpx.AsyncClient], Any]) -> None:
        async def inner(running: Any) -> None:
            async with httpx.AsyncClient(base_url=running.url, headers={"accept-language": "en"}) as client:
                await body(running, client)

        house(inner, phone=False)

    return run


Client = Callable[[Callable[[Any, httpx.AsyncClient], Any]], None]


def test_the_right_password_opens_a_session_with_a_guarded_cookie(client_of: Client) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/session")).json() == {"user": None}
        answer = await client.post("/api/session", json={"username": "agent1", "password": PASSWORD})
        assert answer.status_code == 200
        assert answer.json() == {
            "user": {"username": "agent1", "display_name": "agent1 姓名", "role": "agent", "locale": "zh-CN"}
        }
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "secure" not in cookie
        assert (await client.get("/api/session")).json()["user"]["username"] == "agent1"
        assert (await client.delete("/api/session")).status_code == 204
        assert (await client.get("/api/session")).json() == {"user": None}
        assert (await client.get("/api/me")).status_code == 401

    client_of(body)


def test_a_session_that_ended_cannot_be_used_again_with_the_old_cookie(client_of: Client) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        await client.post("/api/session", json={"username": "agent1", "password": PASSWORD})
        stolen = dict(client.cookies)
        await client.delete("/api/session")
        async with httpx.AsyncClient(base_url=house.url, cookies=stolen) as thief:
            assert (await thief.get("/api/session")).json() == {"user": None}
            assert (await thief.get("/api/me")).status_code == 401

    client_of(body)


def test_a_wrong_password_is_slowed_and_tells_nothing_about_the_name(client_of: Client) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        told = set()
        took = []
        for name in ("agent1", "agent1", "nobody"):
            begun = time.monotonic()
            answer = await client.post("/api/session", json={"username": name, "password": "wrong"})
            took.append(time.monotonic() - begun)
            told.add((answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["message"]))
        assert told == {(401, "wrong_password", "The user name or the password is wrong")}
        assert took[0] >= 0.25
        assert took[1] >= 0.5
        assert took[2] >= 0.25

    client_of(body)


def test_five_wrong_passwords_lock_the_name_and_say_for_how_long(
    client_of: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "SLOWEST_SECONDS", 0.0)

    async def body(house: Any, client: httpx.AsyncClient) -> None:
        for _ in range(5):
            answer = await client.post("/api/session", json={"username": "agent2", "password": "wrong"})
            assert answer.status_code == 401
        answer = await client.post("/api/session", json={"username": "agent2", "password": PASSWORD})
        assert answer.status_code == 423
        assert answer.json()["error"]["code"] == "locked"
        assert 290 <= int(answer.headers["retry-after"]) <= 300
        other = await client.post("/api/session", json={"username": "agent1", "password": PASSWORD})
        assert other.status_code == 200

    client_of(body)


def test_too_many_logins_at_once_are_told_to_wait(client_of: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_gate, "WAITING", 0)

    async def body(house: Any, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/session", json={"username": "agent1", "password": PASSWORD})
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "too_many_logins"
        assert answer.headers["retry-after"]

    client_of(body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "", "password": "x"}, "username"),
        ({"username": "a" * 65, "password": "x"}, "username"),
        ({"username": "agent1"}, "password"),
        ({"username": "agent1", "password": "x" * 2000}, "password"),
        ({"username": ["agent1"], "password": "x"}, "username"),
    ],
)
def test_malformed_credentials_are_refused_with_the_field(client_of: Client, body: dict[str, Any], field: str) -> None:
    async def ask(house: Any, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/session", json=body)
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == field

    client_of(ask)


def test_strange_characters_in_credentials_are_only_wrong(client_of: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "SLOWEST_SECONDS", 0.0)

    async def body(house: Any, client: httpx.AsyncClient) -> None:
        for raw in (rb'{"username":"a\u0000b","password":"\u0000"}', rb'{"username":"\ud800","password":"x"}'):
            answer = await client.post("/api/session", content=raw, headers={"content-type": "application/json"})
            assert answer.status_code in (400, 401, 422)

    client_of(body)


def test_a_page_of_another_site_can_change_nothing(client_of: Client) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        wrong = {"origin": "https://evil.example"}
        credentials = {"username": "agent1", "password": PASSWORD}
        refused = await client.post("/api/session", json=credentials, headers=wrong)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "wrong_origin"
        for headers in (
            {"origin": "null"},
            {"origin": f"http://127.0.0.1:{house.config.http.port + 1}"},
            {"origin": "http://127.0.0.1:notaport"},
            {"origin": "http://[::1"},
            {"sec-fetch-site": "cross-site"},
        ):
            assert (await client.post("/api/session", json=credentials, headers=headers)).status_code == 403
        assert (await client.post("/api/session", json=credentials, headers={"origin": house.url})).status_code == 200
        assert (await client.get("/api/session", headers=wrong)).status_code == 200

    client_of(body)


def test_while_the_database_is_away_nobody_is_told_that_they_are_signed_out(
    client_of: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        async def away(_: Any) -> None:
            raise OperationalError("select", {}, Exception("no route to it"))

        await client.post("/api/session", json={"username": "agent1", "password": PASSWORD})
        monkeypatch.setattr(session_cache, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(house.desk.sessions, "_read", away)
        answer = await client.get("/api/session")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")

    client_of(body)


def test_every_answer_carries_the_security_headers(client_of: Client) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        for path in ("/", "/api/session", "/healthz", "/api/nothing"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert f"ws://127.0.0.1:{house.config.headset_port}" in policy
            assert "script-src 'self';" in policy
            assert "worker-src 'self' blob:" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"

    client_of(body)


def test_the_language_is_kept_and_checked(client_of: Client) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        await client.post("/api/session", json={"username": "agent1", "password": PASSWORD})
        changed = await client.patch("/api/me", json={"locale": "en"})
        assert changed.json()["user"]["locale"] == "en"
        assert (await client.get("/api/session")).json()["user"]["locale"] == "en"
        assert (await client.patch("/api/me", json={"locale": "tlh"})).status_code == 422

    client_of(body)


def test_logins_stand_in_the_access_trail(client_of: Client) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        await client.post("/api/session", json={"username": "admin", "password": PASSWORD})
        entries = (await client.get("/api/access-trail?user=admin")).json()["entries"]
        assert entries[0]["action"] == "login"
        assert entries[0]["detail"] == {"address": "127.0.0.1"}

    client_of(body)


def test_behind_a_trusted_proxy_that_speaks_https_the_cookie_is_secure(client_of: Client) -> None:
    async def body(house: Any, client: httpx.AsyncClient) -> None:
        headers = {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.7", "origin": "https://desk.example.cn"}
        answer = await client.post(
            "/api/session",
            json={"username": "admin", "password": PASSWORD},
            headers=headers | {"host": "desk.example.cn"},
        )
        assert answer.status_code == 200
        assert "secure" in answer.headers["set-cookie"].lower()
        token = answer.headers["set-cookie"].split(";")[0]
        trail = (await client.get("/api/access-trail", headers={"cookie": token})).json()["entries"]
        assert trail[0]["detail"] == {"address": "192.0.2.7"}

    client_of(body)
