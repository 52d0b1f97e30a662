"""The pyVoIP driver under test on loopback: a registered line, a scripted PBX, a core that keeps what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from coroutine_tests import pytest_pyfunc_call
from scripted_peer import OFFER, Calls, Leg, Message, Peer, digest_is_right

from telephony.lines.line import Dialog, Line
from telephony.lines.pyvoip_driver import PyVoipDriver
from telephony.lines.sdp import make_answer
from telephony.settings import LineSettings, PhoneSettings

__all__ = ["pytest_pyfunc_call"]

#: the desk's T1 in these tests: 64*T1 is 3.2 s
T1 = 0.05
USER, PASSWORD = "1001", "geheim"


class Pbx(Peer):
    """The scripted peer, which answers each REGISTER by itself, as it is told; other messages go to the test."""

    def __init__(self, desk: tuple[str, int]) -> None:
        super().__init__(desk)
        self.challenge = 'Digest realm="pbx", nonce="abc"'
        #: status and headers of the next answers; status 0: none
        self.told: list[tuple[int, tuple[str, ...]]] = []
        self.granted = 300
        self.password = PASSWORD
        self.bound = 0
        self.registers: list[Message] = []
        self.changed = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not data.startswith(b"REGISTER "):
            super().datagram_received(data, addr)
            self.changed.set()
            return
        try:
            request = Message.parse(data, addr)
        except AssertionError as error:
            self.failures.append(error)
            return
        self.registers.append(request)
        self._register(request)
        self.changed.set()

    def _register(self, request: Message) -> None:
        if self.told:
            status, headers = self.told.pop(0)
            if status:
                self.respond(request, status, "As Told", headers=headers)
        elif self.challenge and not request["authorization"]:
            self.respond(request, 401, "Unauthorized", headers=(f"WWW-Authenticate: {self.challenge}",))
        elif self.challenge and not digest_is_right(request, "authorization", USER, self.password):
            self.respond(request, 403, "Forbidden")
        else:
            self.bound = int(request["expires"])
            contact = f"Contact: {request['contact']};expires={min(self.bound, self.granted)}"
            self.respond(request, 200, "OK", headers=(contact,) if self.bound else ())

    async def registered(self, number: int) -> None:
        """Until so many REGISTERs came."""
        async with asyncio.timeout(10):
            while len(self.registers) < number:
                self.changed.clear()
                await self.changed.wait()

    async def came(self) -> None:
        """Until anything came that is no REGISTER, readable or not."""
        async with asyncio.timeout(10):
            while not (self.seen or self.failures):
                self.changed.clear()
                await self.changed.wait()


class Desk:
    """A running driver with its calls and the peers made for it."""

    def __init__(self, t1: float) -> None:
        self.calls = Calls()
        self.t1 = t1
        self.peers: list[Peer] = []
        self.dialled = 0
        self.driver: PyVoipDriver
        self.line: Line

    async def peer(self, host: str = "127.0.0.1", kind: type[Peer] = Peer) -> Any:
        desk = ("127.0.0.1", self.driver.port if hasattr(self, "driver") else 0)
        _, peer = await asyncio.get_running_loop().create_datagram_endpoint(lambda: kind(desk), local_addr=(host, 0))
        self.peers.append(peer)
        return peer

    async def start(self, line: LineSettings, **settings: Any) -> None:
        self.driver = PyVoipDriver(
            PhoneSettings(sip_host="127.0.0.1", sip_port=0, lines=(line,), **settings), t1=self.t1, retry=(0.2, 0.8)
        )
        (self.line,) = await self.driver.start(self.calls)
        for peer in self.peers:
            peer.desk = ("127.0.0.1", self.driver.port)

    async def answered_call(self, peer: Peer, **options: Any) -> tuple[Leg, Dialog]:
        """An inbound call that stands."""
        leg = peer.call(USER, **options)
        dialog, invite, _ = await self.calls.next("incoming")
        dialog.answer(make_answer(invite.sdp, "127.0.0.1", 40000)[0])
        await leg.answered()
        await self.calls.next("confirmed")
        return leg, dialog

    def dial(self, number: str = "13900005678", caller_id: str = "", sdp: str = OFFER) -> Dialog:
        self.dialled += 1
        return self.line.dial(number, sdp, self.calls, caller_id)

    async def dialled_call(self, peer: Peer) -> tuple[Leg, Dialog]:
        """An outbound call that stands."""
        dialog = self.dial()
        invite = await peer.request("INVITE")
        peer.respond(invite, 200, "OK", body=make_answer(invite.body, "127.0.0.1", 41000)[0])
        await peer.request("ACK")
        await self.calls.next("answered")
        return Leg.of(peer, invite), dialog


def line_at(pbx: Peer, **options: Any) -> LineSettings:
    given: dict[str, Any] = {"username": USER, "password": PASSWORD, "domain": "pbx.test", **options}
    return LineSettings("pbx", mode="register", driver="pyvoip", proxy=pbx.here, **given)


@asynccontextmanager
async def _desk(
    up: bool = True, prepare: Any = None, public_host: str = "", t1: float = T1, **line: Any
) -> AsyncIterator[Any]:
    desk = Desk(t1)
    pbx: Pbx = await desk.peer(kind=Pbx)
    if prepare is not None:
        prepare(pbx)
    await desk.start(line_at(pbx, **line), public_host=public_host)
    try:
        if up:
            async with asyncio.timeout(10):
                while (await desk.calls.next("state"))[1] != "up":
                    pass
        yield desk, pbx
    finally:
        for each in desk.peers:
            each.polite = True
        await desk.driver.stop()
        for each in desk.peers:
            each.transport.close()
    for each in desk.peers:
        assert not each.failures, f"the desk sent bad SIP: {each.failures}"
    assert len(desk.calls.ends) == len(desk.calls.incoming) + desk.dialled, "each dialog ends exactly once"


@pytest.fixture
def open_desk() -> Any:
    """``async with open_desk() as (desk, pbx)``: one line, registered unless ``up=False``; ``prepare(pbx)`` before."""
    return _desk


leg_class = pytest.fixture(lambda: Leg, name="leg_class")


@pytest.fixture
def digest_of() -> Any:
    """``digest_of(message, header, username, password)``: whether the credentials in that header are right."""
    return digest_is_right
