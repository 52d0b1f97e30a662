"""The endpoint layer over a real Starlette application: validation, roles, errors, limits."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response

from console.http import ApiCall, ApiError, Endpoints, Message
from console.http.decode import BODY_LIMIT
from console.http.openapi import openapi
from console.identity.user import User


class Search(msgspec.Struct):
    q: str = ""
    limit: int = 20
    ids: list[int] = []
    exact: bool = False


class Mark(msgspec.Struct):
    item: str
    points: int


class Score(msgspec.Struct, forbid_unknown_fields=True):
    call: str
    marks: list[Mark]
    note: str | None = None


class Found(msgspec.Struct):
    q: str
    limit: int
    ids: list[int]
    exact: bool
    asked_by: str


routes = Endpoints("trial")


@routes.get("/api/things", query=Search, returns=Found)
async def search(call: ApiCall) -> Found:
    """Search things."""
    query = call.query
    return Found(q=query.q, limit=query.limit, ids=query.ids, exact=query.exact, asked_by=call.user.username)


@routes.post("/api/things/{id}/score", body=Score, returns=Score, roles=("reviewer",), status=201)
async def score(call: ApiCall) -> Score:
    if call.path["id"] == "gone":
        raise ApiError(404, "no_such_thing", Message("没有此项", "No such thing"))
    return call.body  # type: ignore[no-any-return]


@routes.delete("/api/things/{id}")
async def remove(call: ApiCall) -> None:
    raise RuntimeError("secret detail")


@routes.get("/api/plain", public=True, returns=Response, produces="text/plain")
async def plain(call: ApiCall) -> Response:
    return PlainTextResponse(call.locale)


class Desk:
    def __init__(self, user: User | None) -> None:
        self.user = user

    async def user_of(self, request: Any) -> User | None:
        return self.user


def ask(method: str, path: str, role: str | None = "agent", locale: str = "en", **options: Any) -> httpx.Response:
    user = User(username="agent1", display_name="A", role=role, locale=locale) if role else None
    app = Starlette(routes=list(routes.routes()))
    app.state = SimpleNamespace(desk=Desk(user))  # type: ignore[assignment]

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
            return await client.request(method, path, **options)

    return asyncio.run(go())


def test_query_values_arrive_typed_and_empty_ones_count_as_not_given() -> None:
    answer = ask("GET", "/api/things?q=%E5%BC%A0&limit=&ids=3&ids=4&exact=true&unknown=1")
    assert answer.status_code == 200
    assert answer.json() == {"q": "张", "limit": 20, "ids": [3, 4], "exact": True, "asked_by": "agent1"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"marks": []}, "call"),
        ({"call": 5, "marks": []}, "call"),
        ({"call": "c", "marks": [{"item": "x"}]}, "marks[0].points"),
        ({"call": "c", "marks": [{"item": "x", "points": "2"}]}, "marks[0].points"),
        ({"call": "c", "marks": [], "extra": 1}, "extra"),
    ],
)
def test_a_wrong_body_is_refused_with_the_field_named(body: dict[str, Any], field: str) -> None:
    answer = ask("POST", "/api/things/1/score", "reviewer", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_input"
    assert answer.json()["error"]["field"] == field


def test_a_wrong_query_value_is_refused_with_the_field_named() -> None:
    answer = ask("GET", "/api/things?limit=many")
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "limit"


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b'{"marks":[{"y":' + b"[" * 100_000, b"nul"])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    answer = ask("POST", "/api/things/1/score", "reviewer", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "malformed_json"


def test_a_body_of_another_type_is_refused() -> None:
    answer = ask("POST", "/api/things/1/score", "reviewer", data={"call": "c"})
    assert answer.status_code == 415


def test_a_body_over_the_limit_is_refused_announced_or_not() -> None:
    large = b" " * (BODY_LIMIT + 1)
    headers = {"content-type": "application/json"}
    assert ask("POST", "/api/things/1/score", "reviewer", content=large, headers=headers).status_code == 413

    async def chunks() -> Any:
        for _ in range(BODY_LIMIT // 65536 + 2):
            yield b" " * 65536

    assert ask("POST", "/api/things/1/score", "reviewer", content=chunks(), headers=headers).status_code == 413


def test_nobody_gets_401_and_the_wrong_role_gets_403() -> None:
    assert ask("GET", "/api/things", None).status_code == 401
    answer = ask("POST", "/api/things/1/score", "agent", json={"call": "c", "marks": []})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not_allowed"


def test_success_carries_the_declared_status_and_the_body() -> None:
    answer = ask("POST", "/api/things/1/score", "reviewer", json={"call": "c", "marks": [{"item": "x", "points": 2}]})
    assert answer.status_code == 201
    assert answer.json() == {"call": "c", "marks": [{"item": "x", "points": 2}], "note": None}


def test_errors_speak_the_users_language() -> None:
    body = {"call": "c", "marks": []}
    in_english = ask("POST", "/api/things/gone/score", "reviewer", "en", json=body)
    in_chinese = ask("POST", "/api/things/gone/score", "reviewer", "zh-CN", json=body)
    assert in_english.status_code == in_chinese.status_code == 404
    assert in_english.json()["error"] == {"code": "no_such_thing", "message": "No such thing"}
    assert in_chinese.json()["error"]["message"] == "没有此项"


def test_an_unexpected_exception_is_told_by_an_id_only() -> None:
    answer = ask("DELETE", "/api/things/1")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.json()["error"]["code"] == "internal_error"
    assert "incident" in answer.json()["error"]["message"]


def test_a_route_may_answer_by_itself_and_be_public() -> None:
    answer = ask("GET", "/api/plain", None, headers={"accept-language": "en-GB,zh;q=0.5"})
    assert answer.text == "en"


def test_declaring_a_role_that_does_not_exist_fails_at_once() -> None:
    with pytest.raises(ValueError, match="no such role: janitor"):
        routes.get("/api/x", roles=("janitor",))


def test_the_openapi_page_is_valid_and_holds_every_route() -> None:
    page = json.loads(json.dumps(openapi(routes.endpoints, "Trial", "1")))
    OpenAPIV31SpecValidator(page).validate()
    assert set(page["paths"]) == {"/api/things", "/api/things/{id}/score", "/api/things/{id}", "/api/plain"}
    search_parameters = page["paths"]["/api/things"]["get"]["parameters"]
    assert [parameter["name"] for parameter in search_parameters] == ["q", "limit", "ids", "exact"]
    scored = page["paths"]["/api/things/{id}/score"]["post"]
    assert scored["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Score"}
    assert "201" in scored["responses"]
    assert "Search" not in page["components"]["schemas"]
    assert page["paths"]["/api/plain"]["get"]["security"] == []
