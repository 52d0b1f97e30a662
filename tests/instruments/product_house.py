"""The running product as a test meets it: its own processes, sockets and folder, its events, its API, agents for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sipp_runs import SCENARIOS, Sipp
from tones import write_tone
from websockets.asyncio.client import connect

from console.bench.product import PASSWORD, Product
from console.config_file import load_config
from console.headless_agent import HeadlessAgent
from storage.database import open_engine, transaction
from storage.migrate import upgrade
from storage.patients import PhoneEntry, create_patient
from storage.users import create_user

USERS = {"agent1": "agent", "agent2": "agent", "supervisor1": "supervisor", "admin": "admin", "admin2": "admin"}
#: the caller of the scenarios, a patient
PATIENT = "13812340001"
OWN_SCENARIOS = Path(__file__).parents[1] / "calls" / "scenarios"
#: seconds that something may take on a busy machine
PATIENCE = 40.0


class House:
    """One running product as a test meets it. Use the ``house`` fixture; ``watching`` opens it for the test's loop."""

    def __init__(self, product: Product, folder: Path, patient: str) -> None:
        self.product = product
        self.folder = folder
        #: id of the patient whose number is ``PATIENT``
        self.patient = patient
        self.tones: dict[float, Path] = {}
        self.sipp = Sipp(product.sip, product.peer)
        self.events: list[dict[str, Any]] = []
        #: what the web process said of its own, outside the event stream
        self.frames: list[dict[str, Any]] = []
        self.news = asyncio.Condition()
        self._glance: dict[str, str] = {}
        self.api: httpx.AsyncClient

    def tone(self, hertz: float, dbfs: float = -15.0) -> Path:
        if hertz not in self.tones:
            self.tones[hertz] = self.folder / f"{hertz:g}.wav"
            write_tone(self.tones[hertz], hertz, dbfs, 10)
        return self.tones[hertz]

    def scenario(self, name: str, changes: dict[str, str] | None = None) -> Path:
        """A SIPp scenario whose caller is the patient, with some of its text replaced."""
        source = OWN_SCENARIOS / f"{name}.xml"
        text = (source if source.exists() else SCENARIOS / f"{name}.xml").read_text()
        for old, new in {"13800[call_number]": PATIENT, **(changes or {})}.items():
            assert old in text or old.startswith("13800"), f"{name}: no {old}"
            text = text.replace(old, new)
        path = self.folder / f"{name}-{time.monotonic_ns()}.xml"
        path.write_text(text)
        return path

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[House]:
        """Signed in as admin, hearing every event from now on."""
        self.events.clear()
        self.frames.clear()
        self.news = asyncio.Condition()
        async with httpx.AsyncClient(base_url=self.product.url, timeout=PATIENCE) as self.api:
            answer = await self.api.post("/api/session", json={"username": "admin", "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            listening = asyncio.Event()
            listener = asyncio.create_task(self._listen(listening))
            try:
                await asyncio.wait_for(listening.wait(), PATIENCE)
                yield self
            finally:
                listener.cancel()
                await asyncio.gather(listener, return_exceptions=True)

    async def _listen(self, listening: asyncio.Event) -> None:
        """As a console does: comes back with its cursor when the web process was away."""
        cursor: dict[str, int] = {}
        headers = _cookies(self.api)
        while True:
            with contextlib.suppress(OSError, TimeoutError, Exception):
                url = f"{self.product.url.replace('http', 'ws')}/ws/events"
                async with connect(url, additional_headers=headers, max_size=None, proxy=None) as opened:
                    await opened.send(json.dumps({"type": "hello", "console": "watcher", "after": cursor}))
                    async for text in opened:
                        event = json.loads(text)
                        if event["type"] == "snapshot":
                            cursor = cursor or dict(event["cursor"])
                            listening.set()
                        elif "sequence" in event:
                            cursor[event["node"]] = event["sequence"]
                            async with self.news:
                                self.events.append(event)
                                self.news.notify_all()
                        else:
                            async with self.news:
                                self.frames.append(event)
                                self.news.notify_all()
            await asyncio.sleep(0.2)

    async def snapshot(self) -> dict[str, Any]:
        """What a console that opens now is told first: an administrator's, who is not on the floor."""
        if not self._glance:
            async with httpx.AsyncClient(base_url=self.product.url, timeout=PATIENCE) as api:
                answer = await api.post("/api/session", json={"username": "admin2", "password": PASSWORD})
                assert answer.status_code == 200, answer.text
                self._glance = _cookies(api)
        url = f"{self.product.url.replace('http', 'ws')}/ws/events"
        async with connect(url, additional_headers=self._glance, max_size=None, proxy=None) as opened:
            await opened.send(json.dumps({"type": "hello", "console": "glance", "after": {}}))
            told: dict[str, Any] = json.loads(await opened.recv())
        return told

    async def event(self, kind: str, within: float = PATIENCE, **fields: Any) -> dict[str, Any]:
        """The first event of this kind with these fields, among those that came and those to come."""

        def found() -> dict[str, Any] | None:
            return next(
                (e for e in self.events if e["type"] == kind and all(e.get(k) == v for k, v in fields.items())), None
            )

        try:
            async with asyncio.timeout(within), self.news:
                await self.news.wait_for(lambda: found() is not None)
        except TimeoutError:
            came = [event["type"] for event in self.events]
            raise AssertionError(f"no {kind} {fields} within {within} s; there were {came}") from None
        event = found()
        assert event is not None
        return event

    def of_call(self, call: str) -> list[str]:
        """The kinds of a call's events so far, in order."""
        return [event["type"] for event in self.events if event.get("call") == call]

    @contextlib.asynccontextmanager
    async def agent(self, user: str = "agent1", ready: bool = True, **options: Any) -> AsyncIterator[HeadlessAgent]:
        async with HeadlessAgent(self.product.url, user, PASSWORD, **options) as agent:
            if ready:
                await agent.be_ready()
            yield agent

    async def call(self, id_: str) -> dict[str, Any]:
        answer = await self.api.get(f"/api/calls/{id_}")
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def call_when(self, id_: str, within: float = PATIENCE, **fields: Any) -> dict[str, Any]:
        """The call once it shows these fields: the log follows the events by some milliseconds."""
        view: dict[str, Any] = {}

        async def fits() -> bool:
            nonlocal view
            answer = await self.api.get(f"/api/calls/{id_}")
            view = answer.json()
            return answer.status_code == 200 and all(view.get(k) == v for k, v in fields.items())

        try:
            await self.until(fits, within)
        except TimeoutError:
            raise AssertionError(f"{fields} not within {within} s; the call is {view}") from None
        return view

    async def recorded(self, id_: str, within: float = 90.0) -> dict[str, Any]:
        """The call once it is in the log and its recording is finished."""
        view: dict[str, Any] = {}

        async def ready() -> bool:
            nonlocal view
            answer = await self.api.get(f"/api/calls/{id_}")
            view = answer.json()
            return (
                answer.status_code == 200
                and bool(view["recording"])
                and view["recording"]["state"] in ("ready", "failed")
            )

        try:
            await self.until(ready, within)
        except TimeoutError:
            raise AssertionError(f"no finished recording within {within} s; the call is {view}") from None
        assert view["recording"]["state"] == "ready", view["recording"]
        return view

    async def download(self, view: dict[str, Any]) -> Path:
        answer = await self.api.get(view["recording"]["url"])
        assert answer.status_code == 200, answer.text
        path = self.folder / f"{view['id']}.webm"
        path.write_bytes(answer.content)
        return path

    @staticmethod
    def wall() -> float:
        """Now, as events tell it (Unix seconds)."""
        return time.time()

    async def health(self) -> dict[str, Any]:
        answer = await self.api.get("/healthz")
        told: dict[str, Any] = answer.json()
        return told

    async def until(self, condition: Callable[[], Awaitable[bool]], within: float = PATIENCE) -> None:
        """Wait for what nothing announces. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                with contextlib.suppress(httpx.HTTPError, OSError, ValueError):
                    if await condition():
                        return
                await asyncio.sleep(0.1)

    async def set_rule(self, name: str, value: float) -> None:
        answer = await self.api.put(f"/api/rules/{name}", json={"value": value})
        assert answer.status_code == 200, answer.text


def _cookies(api: httpx.AsyncClient) -> dict[str, str]:
    """The session's, as a header."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in api.cookies.items())}


def prepare(url: str) -> str:
    """Users and a patient in a new database; gives the patient's id."""
    engine = open_engine(url)
    upgrade(engine)
    with transaction(engine) as conn:
        for username, role in USERS.items():
            create_user(conn, username, PASSWORD, role, username)
        patient = create_patient(conn, "王小明", [PhoneEntry(PATIENT, "手机")])
    engine.dispose()
    return patient.id


@pytest.fixture(scope="session")
def start_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., House]]:
    """``start_house(name, extra_config)``: a product of the test's own; all are stopped at the end."""
    assert shutil.which("sipp"), "the peer tests need SIPp: apt install sip-tester"
    started: list[Product] = []

    def start(
        name: str, rtp_ports: tuple[int, int], extra_config: str = "", top: str = "", sip_t1: float = 0.5
    ) -> House:
        folder = tmp_path_factory.mktemp(name)
        product = Product(folder / "data", rtp_ports=rtp_ports, extra_config=extra_config, sip_t1=sip_t1)
        product.write_config()
        product.config.write_text(top + product.config.read_text())
        patient = prepare(load_config(product.config, {}).database)
        started.append(product)
        product.start()
        return House(product, folder, patient)

    yield start
    for product in started:
        product.stop()
