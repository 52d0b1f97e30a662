"""A whole phone with a town around it: agents on headsets, callers and departments on telephones, each with a tone.

Real SIP, RTP and headset sockets on loopback. ``hears`` lets everybody talk at once and measures who heard whom.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from room_guests import LEVEL, PITCHES, Agent, Guest, talk
from scripted_peer import Leg, Message, Peer
from websockets.asyncio.client import connect

from console.bench.product import free_port
from recordings.capture import CaptureRecorder
from telephony.clock import Clock
from telephony.events import CallEvent, Event
from telephony.lines.sdp import make_answer, make_offer
from telephony.lines.sippy_driver import SippyDriver
from telephony.media.token import sign
from telephony.phone import Phone
from telephony.seam.client import SeamClient
from telephony.settings import LineSettings, PhoneSettings

#: a voice is there from this level on (dB against what was said), and is not below it; music has some of every pitch
THERE = -8.0
#: dBFS from which on a prompt, music or a tone is there
PLAYED = -45.0
PATIENCE = 15.0


class Telephone(Guest):
    """An outside number. ``does``: ``answer``, ``ring``, or a status to refuse with."""

    def __init__(self, number: int, hertz: float, name: str, does: str | int = "answer") -> None:
        super().__init__(number, hertz, 8)
        self.name = name
        self.does = does
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setblocking(False)
        self.port: int = self.udp.getsockname()[1]
        self.to: tuple[str, int] | None = None
        self.direction = "sendrecv"
        self.leg: Leg | None = None
        self.invite: Message | None = None
        self.over = asyncio.Event()

    def agree(self, sdp: str) -> None:
        port = re.search(r"m=audio (\d+)", sdp)
        assert port, sdp
        self.to = ("127.0.0.1", int(port.group(1)))
        found = re.search(r"a=(sendrecv|sendonly|recvonly|inactive)", sdp)
        self.direction = found.group(1) if found else "sendrecv"

    def send(self, payload: bytes) -> None:
        if self.to is not None and not self.over.is_set():
            header = struct.pack("!BBHII", 0x80, 8, self.sequence, self.timestamp, 77)
            self.udp.sendto(header + payload, self.to)

    def listen(self) -> None:
        for _ in range(1000):
            try:
                datagram = self.udp.recv(2048)
            except BlockingIOError:
                return
            self.ear.append((datagram[1] & 0x7F, datagram[12:]))

    def hang_up(self) -> None:
        assert self.leg is not None
        self.leg.send("BYE")

    def give_up(self) -> None:
        """CANCEL."""
        assert self.leg is not None
        self.leg.cancel()

    async def close(self) -> None:
        self.udp.close()


class Town(Peer):
    """Everybody outside. What the phone ends is answered; what a dialled number does is up to its telephone."""

    def __init__(self, desk: tuple[str, int]) -> None:
        super().__init__(desk)
        self.telephones: dict[str, Telephone] = {}
        self.by_call_id: dict[str, Telephone] = {}
        #: what a REFER is answered with, and what the NOTIFY after it tells
        self.refer: tuple[int, str] = (603, "")
        self.referred: list[str] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = Message.parse(data, addr)
        again = any(m.start == message.start and m["call-id"] == message["call-id"] for m in self.seen)
        self.seen.append(message)
        if not message.is_request:
            if message.status == 200 and message.method == "INVITE":
                self._answered(message)
            if not again:
                self.inbox.put_nowait(message)
            return
        telephone = self.by_call_id.get(message["call-id"])
        match message.method:
            case "INVITE" if telephone is None:
                self._called(message)
            case "INVITE":
                assert telephone is not None
                self._reinvited(telephone, message)
            case "BYE":
                self.respond(message, 200, "OK")
                if telephone is not None:
                    telephone.over.set()
            case "CANCEL":
                self.respond(message, 200, "OK")
                if telephone is not None and telephone.invite is not None and not telephone.over.is_set():
                    telephone.over.set()
                    self.respond(telephone.invite, 487, "Request Terminated")
            case "REFER":
                self._referred(telephone, message)
            case "ACK":
                pass
            case _:
                self.respond(message, 200, "OK")

    def _answered(self, answer: Message) -> None:
        caller = self.by_call_id[answer["call-id"]]
        assert caller.leg is not None
        caller.leg.learn(answer)
        caller.leg.ack()
        caller.agree(answer.body)

    def _called(self, invite: Message) -> None:
        number = invite.uri.partition("sip:")[2].partition("@")[0]
        telephone = self.telephones.get(number)
        if telephone is None:
            self.respond(invite, 404, "Not Found")
            return
        self.by_call_id[invite["call-id"]] = telephone
        telephone.invite, telephone.leg = invite, Leg.of(self, invite)
        telephone.over.clear()
        if isinstance(telephone.does, int):
            self.respond(invite, telephone.does, "Refused")
            return
        self.respond(invite, 180, "Ringing")
        if telephone.does == "answer":
            self.answer(telephone)

    def answer(self, telephone: Telephone) -> None:
        assert telephone.invite is not None
        telephone.agree(telephone.invite.body)
        body = make_answer(telephone.invite.body, "127.0.0.1", telephone.port)[0]
        self.respond(telephone.invite, 200, "OK", body=body)

    def _reinvited(self, telephone: Telephone, invite: Message) -> None:
        telephone.agree(invite.body)
        self.respond(invite, 200, "OK", body=make_answer(invite.body, "127.0.0.1", telephone.port)[0])

    def _referred(self, telephone: Telephone | None, refer: Message) -> None:
        status, told = self.refer
        self.referred.append(refer["refer-to"])
        self.respond(refer, status, "As told")
        if status < 300 and told and telephone is not None and telephone.leg is not None:
            telephone.leg.send(
                "NOTIFY",
                f"SIP/2.0 {told}\r\n",
                kind="message/sipfrag",
                headers=("Event: refer", "Subscription-State: terminated;reason=noresource"),
            )


class CallFloor:
    """``async with call_floor(folder) as at``."""

    def __init__(self, folder: Path, town: Town, sip_t1: float, **line: Any) -> None:
        self.town = town
        self.settings = PhoneSettings(
            data=folder,
            sip_host="127.0.0.1",
            sip_port=free_port(socket.SOCK_DGRAM),
            sip_t1=sip_t1,
            rtp_host="127.0.0.1",
            rtp_ports=(35000, 35399),
            headset_port=free_port(),
            secret="a secret of the test's own",
            lines=(LineSettings(name="trunk", peers=("127.0.0.1",), proxy=town.here, **line),),
        )
        self.guests: list[Any] = []
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self.phone: Phone
        self.seam: SeamClient

    def _heard(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def event(self, kind: type[Event], **fields: Any) -> Any:
        """The first event of this kind with these fields, waiting for it if need be."""

        def found() -> Event | None:
            return next(
                (e for e in self.events if type(e) is kind and all(getattr(e, k) == v for k, v in fields.items())), None
            )

        await self.until(lambda: found() is not None, f"no {kind.__name__} {fields}")
        return found()

    async def until(self, holds: Callable[[], Any], what: str = "it did not come about") -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), 0.05)
        except TimeoutError:
            came = [type(event).__name__ for event in self.events]
            raise AssertionError(f"{what}; there were {came}") from None

    def of_call(self, call: str) -> list[Any]:
        return [event for event in self.events if isinstance(event, CallEvent) and event.call == call]

    def status(self, agent: str) -> str:
        return str(self.phone.floor.agent(agent).status)

    # ---- people

    def _pitch(self) -> float:
        return PITCHES[len(self.guests)]

    async def agent(self, name: str, ready: bool = True, hertz: float = 0.0) -> Agent:
        await self.seam.command("agent.sign_in", agent=name, name=name, queues=["default"])
        token = sign(self.settings.secret, name, "test", 60)
        url = f"ws://127.0.0.1:{self.settings.headset_port}/headset?token={token}"
        client = await connect(url, compression=None, proxy=None)
        guest = Agent(len(self.guests), hertz or self._pitch(), client, name)
        self.guests.append(guest)
        await self.until(lambda: self.phone.floor.agent(name).headset)
        if ready:
            await self.seam.command("agent.ready", agent=name)
        return guest

    def telephone(self, number: str, does: str | int = "answer", hertz: float = 0.0) -> Telephone:
        """Somebody who can be dialled."""
        telephone = Telephone(len(self.guests), hertz or self._pitch(), number, does)
        self.guests.append(telephone)
        self.town.telephones[number] = telephone
        return telephone

    async def caller(self, number: str = "13800138000", hertz: float = 0.0) -> Telephone:
        """Somebody who calls in; not answered yet."""
        telephone = Telephone(len(self.guests), hertz or self._pitch(), number)
        self.guests.append(telephone)
        telephone.leg = self.town.call("1000", number, make_offer("127.0.0.1", telephone.port))
        self.town.by_call_id[telephone.leg.call_id] = telephone
        return telephone

    async def answered(self, agent: str, caller: Telephone) -> str:
        """The caller's call, answered by this agent."""
        from telephony.events import CallOffered

        offered = await self.event(CallOffered, agent=agent)
        await self.seam.command("call.answer", agent=agent, call=offered.call)
        assert caller.leg is not None
        caller.agree((await caller.leg.answered()).body)
        return str(offered.call)

    async def do(self, command: str, agent: str, call: str, **arguments: Any) -> Any:
        return await self.seam.command(f"call.{command}", agent=agent, call=call, **arguments)

    # ---- sound

    async def hears(self, expected: dict[str, set[str]], *, played_to: str = "") -> None:
        """Those named talk all at once: each hears whom it should and nobody else, and ``played_to`` hears a sound.

        Measured again, a few times, where it is not so: a busy machine leaves packets out.
        """
        everybody = [guest for guest in self.guests if guest.name in expected]
        found: dict[str, set[str]] = {}
        for _ in range(6):
            found = await self._hearing(everybody)
            loud = all(self._loudness(guest) > PLAYED for guest in everybody if guest.name == played_to)
            if found == expected and loud:
                return
        assert found == expected
        raise AssertionError(f"{played_to} hears silence")

    async def _hearing(self, everybody: list[Any]) -> dict[str, set[str]]:
        await talk(everybody, 0.15)  # what was routed before runs out
        for guest in everybody:
            guest.ear.clear()
        await talk(everybody, 0.7)
        found: dict[str, set[str]] = {}
        for guest in everybody:
            heard = guest.heard(0.1) if len(guest.ear) > 15 else None
            found[guest.name] = {
                other.name for other in everybody if heard is not None and heard.tone(other.hertz) - LEVEL > THERE
            }
        return found

    def _loudness(self, guest: Any) -> float:
        """dBFS of what arrived last, whatever it was; silence is far below -60."""
        return float(guest.heard(0.1).level) if len(guest.ear) > 15 else -120.0


@contextlib.asynccontextmanager
async def call_floor(
    folder: Path, clock: Clock | None = None, sip_t1: float = 0.5, **line: Any
) -> AsyncIterator[CallFloor]:
    """``clock``: the phone's, where it is not the system's; ``sip_t1``: RFC 3261's T1 (s). After the body no call, port
    or dialog may be left, and the town has seen only sound SIP."""
    loop = asyncio.get_running_loop()
    _, town = await loop.create_datagram_endpoint(lambda: Town(("127.0.0.1", 0)), local_addr=("127.0.0.1", 0))
    at = CallFloor(folder, town, sip_t1, **line)
    town.desk = ("127.0.0.1", at.settings.sip_port)
    at.phone = Phone(at.settings, SippyDriver(at.settings), CaptureRecorder(folder, loop), "test", clock)
    at.phone.stream.listen(at._heard)
    await at.phone.start()
    at.seam = await SeamClient.connect(at.settings.seam_path)
    try:
        yield at
        await at.until(lambda: not at.phone.calls, "a call is left")
        assert at.phone._ports.in_use == 0
        assert not town.failures
    finally:
        await at.seam.close()
        for guest in at.guests:
            await guest.close()
        await at.phone.stop()
        town.transport.close()
