"""Logging in at the running product: two consoles of one agent, and passwords that are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from console.bench.product import PASSWORD

pytestmark = pytest.mark.peer


async def test_the_older_console_of_an_agent_is_told_and_let_go_and_the_newer_takes_the_calls(house: Any) -> None:
    async with house.watching(), house.agent() as older:
        async with house.agent() as newer:
            await older.wait_for("replaced")
            await older.wait_for("headset_lost", reason="replaced")
            assert older.replaced
            scenario = house.scenario("caller_hangs_up", {'milliseconds="100"': 'milliseconds="300"'})
            caller = await house.sipp.start(scenario)
            id_ = (await newer.wait_for("ringing"))["call"]
            await newer.answer(id_)
            await house.sipp.finished(caller)
            await house.call_when(id_, state="ended", agent="agent1")
        assert not [record for record in older.told if record["event"] == "ringing"]


async def test_the_older_socket_closes_with_4001_after_a_last_word(house: Any) -> None:
    async with house.watching():
        sockets = []
        url = f"{house.product.url.replace('http', 'ws')}/ws/events"
        for number in (1, 2):
            async with httpx.AsyncClient(base_url=house.product.url) as client:
                await client.post("/api/session", json={"username": "agent2", "password": PASSWORD})
                cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            opened = await connect(url, additional_headers={"Cookie": cookie}, proxy=None)
            await opened.send(json.dumps({"type": "hello", "console": f"c{number}", "after": {}}))
            assert json.loads(await opened.recv())["type"] == "snapshot"
            sockets.append(opened)
        frames: list[str] = []
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionClosedError):
                async for text in sockets[0]:
                    frames.append(json.loads(text)["type"])
        assert frames[-1] == "replaced"
        assert sockets[0].close_code == 4001
        await sockets[1].close()


async def test_wrong_passwords_are_slowed_then_locked_for_a_while_and_then_the_right_one_works(house: Any) -> None:
    async with house.watching():
        await house.set_rule("login_failures", 3)
        await house.set_rule("login_lock", 2)
        try:
            async with httpx.AsyncClient(base_url=house.product.url, timeout=15) as client:

                async def attempt(password: str) -> tuple[httpx.Response, float]:
                    begun = time.monotonic()
                    answer = await client.post("/api/session", json={"username": "agent2", "password": password})
                    return answer, time.monotonic() - begun

                for number in range(3):
                    answer, seconds = await attempt("wrong")
                    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "wrong_password")
                    assert seconds >= 0.25 * 2**number
                locked, seconds = await attempt(PASSWORD)
                assert (locked.status_code, locked.json()["error"]["code"]) == (423, "locked")
                assert 1 <= int(locked.headers["retry-after"]) <= 2
                # somebody else is not locked out with them
                other = await client.post("/api/session", json={"username": "supervisor1", "password": PASSWORD})
                assert other.status_code == 200
                await asyncio.sleep(int(locked.headers["retry-after"]) + 0.2)
                again, _ = await attempt(PASSWORD)
                assert again.status_code == 200
        finally:
            await house.set_rule("login_failures", 5)
            await house.set_rule("login_lock", 300)
