"""``sansheng demo`` as a newcomer starts it: processes, logins, first calls, and what stops it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "a-password-of-the-test"


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    def __init__(
        self, folder: Path, *words: str, password: str = PASSWORD, http_port: int = 0, log: str = "demo.log"
    ) -> None:
        self.port = http_port or free_port(socket.SOCK_STREAM)
        self.log_path = folder / log
        ports = [
            *("--http-port", str(self.port), "--headset-port", str(free_port(socket.SOCK_STREAM))),
            *("--sip-port", str(free_port(socket.SOCK_DGRAM)), "--data", str(folder / "data")),
        ]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("SANSHENG_")}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "console.cli", "demo", *ports, "--patients", "20", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**clean, "SANSHENG_DEMO_PASSWORD": password},
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_until(self, happened: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert self.process.poll() is None, f"it ended:\n{self.log[-4000:]}"
            assert time.monotonic() < deadline, f"not within {seconds} s:\n{self.log[-4000:]}"
            time.sleep(0.2)

    def ask(self, method: str, path: str, body: Any = None, cookie: str = "") -> tuple[int, Any, str]:
        """Status, JSON and the session's cookie."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text or b"null"), (answer.headers["Set-Cookie"] or "").partition(";")[0]

    def log_in(self, username: str) -> str:
        status, _, cookie = self.ask("POST", "/api/session", {"username": username, "password": PASSWORD})
        assert status == 200, username
        return cookie

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts demos in a folder of the test's own; all are stopped at the end."""
    started: list[Demo] = []

    def start(*words: str, **options: Any) -> Demo:
        started.append(Demo(tmp_path, *words, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_every_login_that_is_printed_opens_the_console_and_an_interrupt_ends_all(demo: Callable[..., Demo]) -> None:
    house = demo("--callers", "0")
    house.wait_until(lambda: "Sansheng is ready" in house.log, 150)

    for user in ("agent1", "agent2", "agent3", "reviewer1", "supervisor1", "admin"):
        assert user in house.log
        house.log_in(user)
    assert "stay silent" in house.log
    # a second start on the same folder goes away without a trace
    kept = (house.log_path.parent / "data" / "demo.toml").read_text()
    second = demo("--callers", "0", password="another-password", log="second.log")
    assert second.process.wait(60) == 1
    assert "is in use by another sansheng" in second.log
    assert (house.log_path.parent / "data" / "demo.toml").read_text() == kept
    house.log_in("agent1")
    assert house.stop() == 0
    assert " calls (" not in house.log
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", house.port))


def test_an_empty_demo_fills_its_log_and_draws_calls_for_the_reviewer(demo: Callable[..., Demo]) -> None:
    house = demo("--callers", "3")
    house.wait_until(lambda: "wait for reviewer1" in house.log or "no first calls" in house.log, 400)

    assert "4 first calls are in the log; 3 drawn at random wait for reviewer1" in house.log
    cookie = house.log_in("reviewer1")
    _, items, _ = house.ask("GET", "/api/audits", cookie=cookie)
    assert [item["state"] for item in items] == ["waiting"] * 3
    _, page, _ = house.ask("GET", "/api/calls?limit=50", cookie=cookie)
    calls = page if isinstance(page, list) else page["calls"]
    recorded = [call for call in calls if (call["recording"] or {}).get("state") == "ready"]
    assert len(recorded) >= 4
    assert {call["agent"] for call in recorded} <= {"autoagent1", "autoagent2"}
    assert {call["hung_up_by"] for call in recorded} == {"caller"}
    assert all(call["disposition"] for call in recorded)
    # the automatic agents' logins are locked again
    status, _, _ = house.ask("POST", "/api/session", {"username": "autoagent1", "password": PASSWORD})
    assert status == 401
    assert house.stop() == 0


def test_a_taken_port_ends_the_start_with_the_way_out(demo: Callable[..., Demo]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        house = demo(http_port=other.getsockname()[1])

        assert house.process.wait(60) == 1
        assert "make run HTTP_PORT=PORT" in house.log
        assert "Traceback" not in house.log


def test_a_password_that_is_too_short_ends_the_start_with_a_sentence(demo: Callable[..., Demo]) -> None:
    house = demo(password="short")

    assert house.process.wait(60) == 1
    assert "a password has 8" in house.log
    assert "Traceback" not in house.log
