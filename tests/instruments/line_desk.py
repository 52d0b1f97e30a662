"""One registered line of either driver on loopback, a scripted PBX, and a core that keeps what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from scripted_peer import OFFER, Calls, Leg, Message, Peer, digest_is_right

from telephony.lines.line import Capabilities, Dialog, Line
from telephony.lines.pyvoip_driver import PyVoipDriver
from telephony.lines.pyvoip_line import CAPABILITIES
from telephony.lines.sdp import make_answer
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import LineSettings, PhoneSettings

DRIVERS: dict[str, Any] = {"sippy": SippyDriver, "pyvoip": PyVoipDriver}
DECLARED = {"sippy": Capabilities(), "pyvoip": CAPABILITIES}
#: the desk's T1 in these tests: 64*T1 is 3.2 s
T1 = 0.05
#: first and longest wait, in seconds, after a failed registration
RETRY = (0.1, 0.4)
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
        #: seconds last asked for, by user
        self.bindings: dict[str, int] = {}
        self.registers: list[Message] = []
        self.changed = asyncio.Event()

    @property
    def bound(self) -> int:
        return self.bindings.get(USER, 0)

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
        user = request["to"].partition("sip:")[2].partition("@")[0]
        if self.told:
            status, headers = self.told.pop(0)
            if status:
                self.respond(request, status, "As Told", headers=headers)
        elif self.challenge and not request["authorization"]:
            self.respond(request, 401, "Unauthorized", headers=(f"WWW-Authenticate: {self.challenge}",))
        elif self.challenge and not digest_is_right(request, "authorization", user, self.password):
            self.respond(request, 403, "Forbidden")
        else:
            self.bindings[user] = int(request["expires"])
            contact = f"Contact: {request['contact']};expires={min(self.bindings[user], self.granted)}"
            self.respond(request, 200, "OK", headers=(contact,) if self.bindings[user] else ())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def registered(self, number: int) -> None:
        """Until so many REGISTERs came."""
        await self.until(lambda: len(self.registers) >= number)

    async def came(self) -> None:
        """Until anything came that is no REGISTER, readable or not."""
        await self.until(lambda: bool(self.seen or self.failures))


class Desk:
    """A running driver with its calls and the peers made for it."""

    def __init__(self, driver: str, t1: float = T1) -> None:
        self.calls = Calls()
        self.driver_name, self.t1 = driver, t1
        self.peers: list[Peer] = []
        self.lines: dict[str, Line] = {}
        self.dialled = 0
        self.driver: Any = None

    @property
    def line(self) -> Line:
        return next(iter(self.lines.values()))

    async def peer(self, host: str = "127.0.0.1", port: int = 0, kind: type[Peer] = Peer) -> Any:
        desk = ("127.0.0.1", self.driver.port if self.driver is not None else 0)
        _, peer = await asyncio.get_running_loop().create_datagram_endpoint(lambda: kind(desk), local_addr=(host, port))
        self.peers.append(peer)
        return peer

    async def start(self, *lines: LineSettings, **settings: Any) -> None:
        given = PhoneSettings(sip_host="127.0.0.1", sip_port=0, lines=lines, **settings)
        self.driver = DRIVERS[self.driver_name](given, t1=self.t1, retry=RETRY)
        for line in await self.driver.start(self.calls):
            self.lines[line.name] = line
        for peer in self.peers:
            peer.desk = ("127.0.0.1", self.driver.port)

    async def answered_call(self, peer: Peer, number: str = USER, **options: Any) -> tuple[Leg, Dialog]:
        """An inbound call that stands."""
        leg = peer.call(number, **options)
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

    async def alive(self, peer: Peer) -> None:
        """The line still takes a call from end to end."""
        leg, _ = await self.answered_call(peer)
        leg.send("BYE")
        await peer.status(200, method="BYE")
        assert (await self.calls.end()).by == "peer"

    async def abort(self) -> None:
        """Stop after a failure; what is wrong with the rest is no news then."""
        for each in self.peers:
            each.polite = True
        if self.driver is not None:
            await self.driver.stop()
        for each in self.peers:
            each.transport.close()

    async def close(self) -> None:
        """Stop; the peers' judgement of all that the desk sent counts."""
        await self.abort()
        for each in self.peers:
            assert not each.failures, f"the desk sent bad SIP: {each.failures}"
        assert len(self.calls.ends) == len(self.calls.incoming) + self.dialled, "each dialog ends exactly once"


def line_at(pbx: Peer, driver: str, user: str = USER, name: str = "pbx", **options: Any) -> LineSettings:
    given: dict[str, Any] = {"username": user, "password": PASSWORD, "domain": "pbx.test", **options}
    return LineSettings(name, mode="register", driver=driver, proxy=pbx.here, **given)


@asynccontextmanager
async def open_line(
    driver: str,
    *,
    up: bool = True,
    prepare: Callable[[Pbx], None] | None = None,
    public_host: str = "",
    t1: float = T1,
    **line: Any,
) -> AsyncIterator[tuple[Desk, Pbx]]:
    """One line of ``driver``, registered unless ``up=False``; ``prepare(pbx)`` before its first REGISTER."""
    desk = Desk(driver, t1)
    pbx: Pbx = await desk.peer(kind=Pbx)
    if prepare is not None:
        prepare(pbx)
    await desk.start(line_at(pbx, driver, **line), public_host=public_host)
    try:
        if up:
            while (await desk.calls.next("state"))[1] != "up":
                pass
        yield desk, pbx
    except BaseException:
        await desk.abort()
        raise
    await desk.close()
