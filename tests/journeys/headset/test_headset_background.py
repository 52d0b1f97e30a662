"""A call in a tab that is in the background.

Driven over the DevTools protocol by hand: Playwright keeps every page of its own visible and its timers unthrottled.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]


class DevTools:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    def command(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=30))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def open_tab(self, address: str) -> Tab:
        target = self.command("Target.createTarget", url=address)["targetId"]
        self.command("Target.activateTarget", targetId=target)
        return Tab(self, self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])


class Tab:
    def __init__(self, tools: DevTools, session: str) -> None:
        self._tools, self._session = tools, session

    def evaluate(self, expression: str) -> Any:
        answer = self._tools.command(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        end = time.monotonic() + 20
        while not self.evaluate(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.05)


@pytest.fixture
def tools(chromium_flags: list[str], tmp_path: Path) -> Iterator[DevTools]:
    flags = ["--headless=new", "--remote-debugging-port=0", "--use-fake-ui-for-media-stream"]
    with (tmp_path / "chromium.log").open("wb") as log:
        browser = subprocess.Popen(
            ["/usr/bin/chromium", *chromium_flags, *flags, f"--user-data-dir={tmp_path / 'profile'}", "about:blank"],
            stdout=log,
            stderr=log,
        )
        try:
            where = tmp_path / "profile" / "DevToolsActivePort"
            end = time.monotonic() + 30
            while not where.exists() or len(where.read_text().split()) < 2:
                assert time.monotonic() < end, "Chromium did not start"
                time.sleep(0.05)
            port, path = where.read_text().split()
            with connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as socket:
                yield DevTools(socket)
        finally:
            browser.terminate()
            browser.wait(20)


def test_a_call_goes_on_and_a_broken_socket_comes_back_in_a_hidden_tab(
    tools: DevTools, bench_address: str, phone: Any, strongest: Any, frame_rate: Any, even_window: Any
) -> None:
    tab = tools.open_tab(bench_address)
    tab.until("window.bench !== undefined")
    tab.evaluate(
        f"""bench.connect({phone.url!r}, 'first', {{
            processing: {{ echoCancellation: false, noiseSuppression: false, autoGainControl: false }}
        }})"""
    )
    tab.until("bench.headset.state.name === 'connected'")
    phone.start_call()
    tools.open_tab("about:blank")
    tab.until("document.visibilityState === 'hidden'")
    phone.pause(1)
    console = phone.console

    def window() -> list[Any]:
        before = len(console.frames)
        phone.pause(4)
        return list(console.frames[before:])

    frames = even_window(window)
    assert frame_rate(frames) == pytest.approx(50, abs=1)
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(frames)} == {1}
    assert strongest(frames[-1].samples) == pytest.approx(1000, abs=50)
    phone.send({"type": "probe", "n": 1})
    phone.pause(0.5)
    assert console.messages[-1]["page_age_ms"] < 1000
    phone.cut()
    tab.until("bench.log.filter(({ event }) => event.name === 'connected').length === 2")
    assert tab.evaluate("document.visibilityState") == "hidden"
    phone.start_call()
    phone.pause(1)
    assert len(phone.console.frames) > 25
    assert phone.console.token == "renewed-1"
