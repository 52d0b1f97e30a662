"""Pages that belong to no desk: health, metrics, OpenAPI, the user interface."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette
from starlette.routing import Mount

from console import health
from console.app import DESKS, build_app
from console.config import ConsoleConfig
from console.static_files import UserInterface

Run = Callable[..., None]


def test_health_names_every_part_and_is_503_without_a_phone(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with httpx.AsyncClient(base_url=desk.url) as client:
            away = await client.get("/healthz")
            assert away.status_code == 503
            assert away.json()["checks"]["phone"]["status"] == "fail"
            await desk.start_phone()
            await desk.phone_there()
            await desk.until(lambda: all(line.status == "up" for line in desk.phone.lines.values()))
            alive = desk.config.data / "run" / "worker.alive"
            missing = (await client.get("/healthz")).json()
            assert missing["checks"]["worker"]["status"] == "warn"
            alive.touch()
            there = await client.get("/healthz")
            assert there.status_code == 200, there.text
            checks = there.json()["checks"]
            assert set(checks) == {*("phone", "lines", "database", "disk", "worker", "events", "recordings", "routing")}
            assert {checks[name]["status"] for name in set(checks) - {"disk"}} == {"ok"}
            assert there.json()["lines"] == [{"line": "trunk", "status": "up"}]
            os.utime(alive, (1, 1))
            assert "last seen" in (await client.get("/healthz")).json()["checks"]["worker"]["detail"]

    house(body, phone=False)


def test_a_disk_that_runs_full_is_told(house: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(desk: Any) -> None:
        async with httpx.AsyncClient(base_url=desk.url) as client:
            monkeypatch.setattr(health, "disk_free", lambda _: health.FULL - 1)
            answer = await client.get("/healthz")
            assert answer.status_code == 503
            assert answer.json()["checks"]["disk"]["status"] == "fail"

    house(body)


def test_metrics_count_calls_requests_and_pops(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.ready(agent)
            call = desk.source.invite("13812340001")
            await events.frame("call.offered")
            during = (await agent.get("/metrics")).text
            assert 'sansheng_live_calls{direction="inbound"} 1.0' in during
            assert 'sansheng_agents{status="ringing"} 1.0' in during
            desk.source.cancel(call)
            await events.frame("call.ended")
            text = (await agent.get("/metrics")).text
            for line in (
                'sansheng_calls_total{direction="inbound",outcome="abandoned"} 1.0',
                'sansheng_live_calls{direction="inbound"} 0.0',
                "sansheng_phone_up 1.0",
                "sansheng_consoles 1.0",
                'sansheng_line_up{line="trunk"} 1.0',
                "sansheng_pop_seconds_count 1.0",
                'sansheng_http_requests_total{method="POST",route="/api/session",status="200"} 1.0',
                "sansheng_disk_free_bytes",
                "sansheng_event_lag_seconds",
            ):
                assert line in text
            await agent.get("/api/calls/0192-not-a-series-of-its-own")
            assert "0192-not-a-series" not in (await agent.get("/metrics")).text

    house(body)


def test_the_openapi_page_is_valid_and_complete(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with httpx.AsyncClient(base_url=desk.url) as client:
            page = (await client.get("/openapi.json")).json()
        OpenAPIV31SpecValidator(page).validate()
        declared = {(one.method.lower(), one.path) for endpoints in DESKS for one in endpoints.endpoints}
        assert {(method, path) for path, item in page["paths"].items() for method in item} == declared
        assert ("post", "/api/session") in declared

    house(body, phone=False)


def test_unknown_addresses_and_methods_of_the_api_are_json_errors(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with httpx.AsyncClient(base_url=desk.url) as client:
            missing = await client.get("/api/nothing/here")
            assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
            wrong = await client.delete("/api/rules")
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
            large = await client.post(
                "/api/session", content=b"x" * (1024 * 1024 + 1), headers={"content-type": "application/json"}
            )
            assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")

    house(body, phone=False)


def ask(folder: Path, *paths: str) -> list[httpx.Response]:
    app = Starlette(routes=[Mount("/", UserInterface(folder))])
    app.state = SimpleNamespace()  # type: ignore[assignment]

    async def go() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://console") as client:
            return [await client.get(path) for path in paths]

    return asyncio.run(go())


def test_the_user_interface_is_served_for_every_page_address(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>三声</title>")
    (tmp_path / "assets" / "index-abc123.js").write_text("1")
    root, page, asset, gone = ask(tmp_path, "/", "/calls/0192", "/assets/index-abc123.js", "/assets/gone.js")
    assert root.status_code == page.status_code == 200
    assert root.text == page.text
    assert root.headers["cache-control"] == "no-cache"
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in asset.headers["content-type"]
    assert gone.status_code == 404


def test_a_user_interface_that_was_not_built_says_so(tmp_path: Path) -> None:
    (answer,) = ask(tmp_path / "static", "/")
    assert answer.status_code == 503
    assert "make ui" in answer.text


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret", "/%00"])
def test_nothing_outside_the_folder_is_served(tmp_path: Path, path: str) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("page")
    (tmp_path / "secret").write_text("keep this")
    (answer,) = ask(static, path)
    assert "keep this" not in answer.text
    assert answer.status_code < 500


def test_an_application_can_be_built_twice_in_one_process(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build_app(ConsoleConfig(data=tmp_path / name, secret="0123456789abcdef")).state.desk.engine.dispose()
