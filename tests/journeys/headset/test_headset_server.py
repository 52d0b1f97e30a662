"""The headset in Chromium on the phone process's own headset server, without a stand-in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from telephony.media.headset import Headset
from telephony.media.headset_server import HeadsetServer
from telephony.media.token import sign
from telephony.settings import PhoneSettings

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]

SECRET = "a secret of this test that is long enough"


class ServerThread:
    """A headset server on a loop of its own; keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server = HeadsetServer(PhoneSettings(headset_port=0, secret=SECRET), self)
        self.wait(self.server.start())

    def headset_connected(self, agent: str, console: str) -> None:
        self.told.append(("connected", console))

    def headset_lost(self, agent: str, reason: str) -> None:
        self.told.append(("lost", reason))

    def begin(self, coroutine: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def wait(self, coroutine: Any) -> Any:
        return self.begin(coroutine).result(20)

    def now(self) -> float:
        return self._loop.time()

    def on_loop(self, function: Any, *arguments: Any) -> Any:
        done: Future[Any] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(function(*arguments)))
        return done.result(20)

    def headset(self) -> Headset | None:
        return self.on_loop(self.server.headset, "agent1")

    def stop(self) -> None:
        self.wait(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def phone() -> Iterator[ServerThread]:
    phone = ServerThread()
    yield phone
    phone.stop()


def connect(bench: Any, phone: ServerThread, console: str = "console-1", secret: str = SECRET) -> None:
    plain = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
    url = f"ws://127.0.0.1:{phone.server.port}/headset"
    token = sign(secret, "agent1", console)
    bench.do("await bench.connect(argument[0], argument[1], {processing: argument[2]})", [url, token, plain])


def test_the_headset_is_taken_probed_and_heard_by_the_phone(bench: Any, phone: ServerThread, strongest: Any) -> None:
    connect(bench, phone)
    bench.await_state("connected")
    assert bench.events("state")[-1]["agent"] == "agent1"
    assert phone.told == [("connected", "console-1")]
    headset = bench.until(phone.headset)
    heard: list[bytes] = []
    headset.on_audio = heard.append
    phone.on_loop(headset.start, "c1", 8, "sendrecv")
    bench.until(lambda: len(heard) >= 100)
    assert {len(payload) for payload in heard} == {160}
    assert (headset.lost, headset.ignored) == (0, 0)
    bench.until(lambda: headset.liveness.probes >= 3 and headset.stats.get("sent", 0) > 50)
    phone.on_loop(headset.start, "c1", 0, "sendrecv")
    bench.until(lambda: len(bench.events("callStarted")) == 2)
    assert bench.events("callStopped") == []
    phone.on_loop(headset.set_muted, True)
    bench.until(lambda: set(heard[-1]) == {0xFF})
    phone.on_loop(headset.stop, "c1")
    bench.until(lambda: bench.events("callStopped"))
    assert bench.events("callStopped") == [{"call": "c1", "reason": "stopped"}]
    bench.do("bench.headset.disconnect()")
    bench.until(lambda: phone.told[-1] == ("lost", "closed"))


def test_a_page_that_hangs_leaves_the_rotation_and_comes_back(bench: Any, phone: ServerThread) -> None:
    connect(bench, phone)
    bench.await_state("connected")
    bench.page.evaluate(
        "() => { setTimeout(() => { const end = performance.now() + 7000; while (performance.now() < end); }, 0) }"
    )
    phone.wait(asyncio.sleep(6.5))
    assert ("lost", "frozen") in phone.told
    bench.until(lambda: phone.told[-1] == ("connected", "console-1"))
    assert bench.states().count("connected") == 1


def test_a_newer_console_takes_the_headset_and_a_forged_token_does_not(
    bench: Any, phone: ServerThread, browser: Browser, bench_address: str
) -> None:
    connect(bench, phone)
    bench.await_state("connected")
    context = browser.new_context(permissions=["microphone"])
    page = context.new_page()
    page.goto(bench_address)
    url = f"ws://127.0.0.1:{phone.server.port}/headset"
    forged = sign("another secret, also long enough", "agent1", "console-2")
    page.evaluate("async ([url, token]) => window.bench.connect(url, token)", [url, forged])
    page.wait_for_function("() => window.bench.headset.state.reason === 'token'", timeout=20000)
    assert bench.do("bench.headset.state.name") == "connected"
    good = sign(SECRET, "agent1", "console-2")
    page.evaluate("async ([url, token]) => window.bench.connect(url, token)", [url, good])
    page.wait_for_function("() => window.bench.headset.state.name === 'connected'", timeout=20000)
    bench.await_state("replaced")
    assert phone.told == [("connected", "console-1"), ("connected", "console-2")]
    context.close()


def test_what_the_phone_plays_is_heard(bench: Any, phone: ServerThread) -> None:
    connect(bench, phone)
    bench.await_state("connected")
    bench.do("bench.startListening()")
    headset = bench.until(phone.headset)
    phone.on_loop(headset.start, "c1", 0, "sendrecv")
    bench.until(lambda: bench.events("callStarted"))

    async def play() -> None:
        # 1 kHz in eight samples of the mu-law, as in the digital milliwatt of ITU-T G.711.
        milliwatt = bytes([0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E]) * 20
        start = phone.now()
        for number in range(100):
            await asyncio.sleep(start + number * 0.02 - phone.now())
            headset.send_audio(bytes([0, number == 0, 0, number]) + (number * 160).to_bytes(4, "big") + milliwatt)

    playing = phone.begin(play())
    heard = bench.loudest_heard(lambda: not playing.done())
    playing.result(20)
    assert heard["frequency"] == pytest.approx(1000, abs=4)
    # 0 dBm0 is 3.17 dB below the full scale of the mu-law.
    assert 20 * np.log10(heard["level"] * np.sqrt(2)) == pytest.approx(-3.17, abs=0.3)
