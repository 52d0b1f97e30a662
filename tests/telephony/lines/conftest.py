"""The sippy driver under test on loopback, between a strict scripted peer and a core that keeps what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from coroutine_tests import pytest_pyfunc_call
from scripted_peer import OFFER, Calls, Leg, Peer, digest_is_right

from telephony.lines.line import Dialog, Line
from telephony.lines.sdp import make_answer
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import LineSettings, PhoneSettings

__all__ = ["pytest_pyfunc_call"]

#: the desk's T1 in these tests: 64*T1 is 3.2 s
T1 = 0.05


class Desk:
    """A running driver with its calls and the peers made for it."""

    def __init__(self, t1: float = T1) -> None:
        self.calls = Calls()
        self.t1 = t1
        self.peers: list[Peer] = []
        self.lines: dict[str, Line] = {}
        self.dialled = 0
        self.driver: SippyDriver

    @property
    def line(self) -> Line:
        return next(iter(self.lines.values()))

    async def peer(self, host: str = "127.0.0.1", port: int = 0) -> Peer:
        desk = ("127.0.0.1", self.driver.port if hasattr(self, "driver") else 0)
        _, peer = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Peer(desk), local_addr=(host, port))
        self.peers.append(peer)
        return peer

    async def start(self, *lines: LineSettings, **settings: Any) -> None:
        self.driver = SippyDriver(
            PhoneSettings(sip_host="127.0.0.1", sip_port=0, lines=lines, **settings), t1=self.t1, retry=(0.2, 0.8)
        )
        for line in await self.driver.start(self.calls):
            self.lines[line.name] = line
        for peer in self.peers:
            peer.desk = ("127.0.0.1", self.driver.port)

    async def answered_call(self, peer: Peer, **options: Any) -> tuple[Leg, Dialog]:
        """An inbound call that stands."""
        leg = peer.call(**options)
        dialog, invite, _ = await self.calls.next("incoming")
        dialog.answer(make_answer(invite.sdp, "127.0.0.1", 40000)[0])
        await leg.answered()
        await self.calls.next("confirmed")
        return leg, dialog

    def dial(self, number: str = "13900005678", caller_id: str = "", sdp: str = OFFER) -> Dialog:
        self.dialled += 1
        return self.line.dial(number, sdp, self.calls, caller_id)

    async def dialled_call(self, peer: Peer, number: str = "13900005678") -> tuple[Leg, Dialog]:
        """An outbound call that stands."""
        dialog = self.dial(number)
        invite = await peer.request("INVITE")
        peer.respond(invite, 200, "OK", body=make_answer(invite.body, "127.0.0.1", 41000)[0])
        await peer.request("ACK")
        await self.calls.next("answered")
        return Leg.of(peer, invite), dialog


@asynccontextmanager
async def _desk(
    line: LineSettings | None = None, *more: LineSettings, t1: float = T1, **settings: Any
) -> AsyncIterator[tuple[Desk, Peer]]:
    desk = Desk(t1)
    peer = await desk.peer()
    first = line or LineSettings("trunk", peers=("127.0.0.1",), proxy=peer.here)
    await desk.start(first, *more, **settings)
    try:
        yield desk, peer
    finally:
        for each in desk.peers:
            each.polite = True
        await desk.driver.stop()
        for each in desk.peers:
            each.transport.close()
    for each in desk.peers:
        assert not each.failures, f"the desk sent bad SIP: {each.failures}"
    assert len(desk.calls.ends) == len(desk.calls.incoming) + desk.dialled, "each dialog ends exactly once"


desk_class = pytest.fixture(lambda: Desk, name="desk_class")
leg_class = pytest.fixture(lambda: Leg, name="leg_class")


@pytest.fixture
def open_desk() -> Any:
    """``async with open_desk() as (desk, peer)``: one trunk whose peer and proxy is ``peer``."""
    return _desk


@pytest.fixture
def digest_of() -> Any:
    """``digest_of(message, header, username, password)``: whether the credentials in that header are right."""
    return digest_is_right
