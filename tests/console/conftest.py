"""A whole console in the test's own process: real database, real phone with SIP sockets, real uvicorn, real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cheap_passwords import cheap_passwords
from coroutine_tests import pytest_pyfunc_call
from websockets.asyncio.client import ClientConnection, connect

from console.bench.product import free_port
from console.bench.sip_source import SipSource, SourceCall
from console.config import ConsoleConfig, HeadsetConfig, HttpConfig, SessionConfig, SipConfig
from console.desk import WebDesk
from console.secret import with_secret
from console.serve.web import server_config
from storage.database import open_engine, transaction
from storage.migrate import upgrade
from storage.patients import PhoneEntry, create_patient
from storage.phone_numbers import NumberingPlan
from storage.users import create_user
from telephony.lines.sippy_driver import SippyDriver
from telephony.phone import Phone
from telephony.settings import LineSettings

__all__ = ["cheap_passwords", "pytest_pyfunc_call"]

PASSWORD = "correct horse"
USERS = {
    "agent1": "agent",
    "agent2": "agent",
    "reviewer1": "reviewer",
    "supervisor1": "supervisor",
    "admin": "admin",
}
WANG, LI_A, LI_B = "13812340001", "13812340002", "13812340002"


class ConsoleSocket:
    """The client's end of ``/ws/events``; frames are kept in ``frames``."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []

    async def frame(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first frame of this kind with these fields, among those that came and those to come."""

        def fits(one: dict[str, Any]) -> bool:
            return one["type"] == kind and all(one.get(key) == value for key, value in fields.items())

        for one in self.frames:
            if fits(one):
                return one
        async with asyncio.timeout(10):
            while True:
                one = json.loads(await self.socket.recv())
                self.frames.append(one)
                if fits(one):
                    return one

    async def close_code(self) -> int | None:
        async with asyncio.timeout(10):
            with contextlib.suppress(Exception):
                while True:
                    self.frames.append(json.loads(await self.socket.recv()))
            await self.socket.wait_closed()
        return self.socket.close_code


class House:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.config = with_secret(
            ConsoleConfig(
                data=folder / "data",
                home_area_code="0571",
                http=HttpConfig(port=free_port()),
                headset=HeadsetConfig(port=free_port()),
                sip=SipConfig(
                    host="127.0.0.1",
                    port=free_port(socket.SOCK_DGRAM),
                    rtp_host="127.0.0.1",
                    rtp_ports=(38000, 38199),
                ),
                session=SessionConfig(gone_seconds=settings.pop("gone_seconds", 30.0)),
                lines=(LineSettings(name="trunk", peers=("127.0.0.1",), proxy=f"127.0.0.1:{free_port()}"),),
                **settings,
            )
        )
        self.url = f"http://127.0.0.1:{self.config.http.port}"
        self._sockets: list[ClientConnection] = []
        self._probers: list[asyncio.Future[None]] = []
        self.phone: Phone | None = None
        self.desk: WebDesk

    def prepare(self, users_database: Path) -> None:
        """A database with users (hashed once for all tests) and a few patients."""
        self.config.data.mkdir(parents=True, exist_ok=True)
        (self.config.data / "sansheng.db").write_bytes(users_database.read_bytes())

    @contextlib.asynccontextmanager
    async def web(self) -> AsyncIterator[None]:
        """The web process's server, on its real port."""
        configuration = server_config(self.config)
        server = uvicorn.Server(configuration)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self.desk = configuration.app.state.desk  # type: ignore[union-attr]
        serving = asyncio.create_task(server._serve())
        try:
            async with asyncio.timeout(10):
                while not server.started:
                    if serving.done():
                        await serving
                    await asyncio.sleep(0.01)
            yield
        finally:
            server.should_exit = True
            await serving

    async def start_phone(self) -> Phone:
        self.phone = Phone(self.config.phone(), SippyDriver(self.config.phone()), None, "test")
        await self.phone.start()
        return self.phone

    async def stop_phone(self) -> None:
        if self.phone is not None:
            phone, self.phone = self.phone, None
            await phone.stop()

    @contextlib.asynccontextmanager
    async def running(self, phone: bool = True, web: bool = True) -> AsyncIterator[House]:
        """Phone and web; what is False the test starts itself, if at all."""
        if phone:
            await self.start_phone()
        self.source = await SipSource.open(("127.0.0.1", self.config.sip.port))
        try:
            async with self.web() if web else contextlib.nullcontext():
                if phone and web:
                    await self.phone_there()
                elif web:
                    # no request need wait for a phone that does not come
                    self.desk.phone_for_requests.patience = 0.0
                try:
                    yield self
                finally:
                    for prober in self._probers:
                        prober.cancel()
                    for one in self._sockets:
                        await one.close()
        finally:
            self.source.close()
            await self.stop_phone()

    async def phone_there(self, there: bool = True) -> None:
        """Wait until the web process has (not) got its link to the phone, and has told it all it is set by."""
        await self.until(lambda: self.desk.phone.connected is there)
        if there:
            await self.desk.phone.settled(10.0)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what nothing announces."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def signed_in(self, username: str) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.url, headers={"accept-language": "en"}) as client:
            answer = await client.post("/api/session", json={"username": username, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            yield client

    async def console(
        self, client: httpx.AsyncClient, console: str = "c1", after: dict[str, int] | None = None
    ) -> ConsoleSocket:
        """Open ``/ws/events`` with the client's session and say hello; the snapshot has arrived."""
        opened = await self.socket(client)
        await opened.socket.send(json.dumps({"type": "hello", "console": console, "after": after or {}}))
        await opened.frame("snapshot")
        return opened

    async def socket(self, client: httpx.AsyncClient, **options: Any) -> ConsoleSocket:
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        raw = await connect(
            f"{self.url.replace('http', 'ws')}/ws/events",
            additional_headers={"Cookie": cookie},
            compression=None,
            proxy=None,
            **options,
        )
        self._sockets.append(raw)
        return ConsoleSocket(raw)

    async def headset(self, client: httpx.AsyncClient) -> ClientConnection:
        """A headset that answers its probes, opened as a browser opens it."""
        ticket = (await client.post("/api/headset", json={})).json()
        headset = await connect(f"{ticket['url']}?token={ticket['token']}", proxy=None)
        self._sockets.append(headset)
        await headset.recv()

        async def answer_probes() -> None:
            async for message in headset:
                if isinstance(message, str) and (probe := json.loads(message))["type"] == "probe":
                    await headset.send(json.dumps({"type": "alive", "n": probe["n"], "page_age_ms": 1}))

        self._probers.append(asyncio.ensure_future(answer_probes()))
        return headset

    async def ready(self, client: httpx.AsyncClient) -> ConsoleSocket:
        """Console, headset, ready: as an agent begins the day."""
        console = await self.console(client)
        await self.headset(client)
        answer = await client.post("/api/agent/state", json={"state": "ready"})
        assert answer.status_code == 200, answer.text
        return console

    async def over(self, call: SourceCall) -> int:
        """The final SIP status of a call that was placed with ``source``."""
        await asyncio.wait_for(call.done.wait(), 10)
        return call.status


@pytest.fixture(scope="session")
def users_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("users") / "users.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    plan = NumberingPlan(area_code="0571")
    with transaction(engine) as conn:
        for username, role in USERS.items():
            create_user(conn, username, PASSWORD, role, f"{username} 姓名")
        create_patient(conn, "王小明", [PhoneEntry(WANG, "手机")], sex="male", birth_date="1980-01-02", plan=plan)
        create_patient(conn, "李大", [PhoneEntry(LI_A)], plan=plan)
        create_patient(conn, "李二", [PhoneEntry(LI_B)], plan=plan)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


Body = Callable[[House], Awaitable[None]]


@pytest.fixture
def house(tmp_path: Path, users_database: Path) -> Callable[..., None]:
    """``house(body, phone=True, web=True, **settings)`` runs an async body with a running house, within 40 s."""

    def run(body: Body, phone: bool = True, web: bool = True, **settings: Any) -> None:
        built = House(tmp_path, **settings)
        built.prepare(users_database)

        async def main() -> None:
            async with asyncio.timeout(120), built.running(phone, web) as running:
                await body(running)

        asyncio.run(main())

    return run
