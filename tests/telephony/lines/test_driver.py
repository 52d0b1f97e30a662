"""The driver's life: start, stop, start again, and settings that cannot work."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from telephony.lines.line import Capabilities, EndedBy
from telephony.lines.peers import AddressError
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import LineSettings, PhoneSettings


def settings(port: int = 0, **line: Any) -> PhoneSettings:
    options = {"peers": ("127.0.0.1",), **line}
    return PhoneSettings(sip_host="127.0.0.1", sip_port=port, lines=(LineSettings("trunk", **options),))


async def test_a_stopped_driver_frees_its_port_and_starts_again(desk_class: Any) -> None:
    calls = desk_class().calls
    driver = SippyDriver(settings())
    await driver.start(calls)
    port = driver.port
    threads = threading.active_count()
    await driver.stop()
    for _ in range(3):
        again = SippyDriver(settings(port))
        lines = await again.start(calls)
        assert again.port == port
        assert lines[0].status == "up"
        assert lines[0].capabilities == Capabilities()
        await again.stop()
        await again.start(calls)
        await again.stop()
    assert threading.active_count() <= threads
    assert len(asyncio.all_tasks()) <= 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", port))


async def test_a_taken_port_is_told(desk_class: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            await SippyDriver(settings(other.getsockname()[1])).start(desk_class().calls)


@pytest.mark.parametrize("line", [{"peers": ("nonsense",)}, {"proxy": "host:x"}, {"peers": ("192.0.2.0/99",)}])
async def test_settings_that_cannot_work_are_told_and_leave_nothing_open(desk_class: Any, line: Any) -> None:
    driver = SippyDriver(settings(**line))
    with pytest.raises(AddressError):
        await driver.start(desk_class().calls)
    assert driver.port == 0
    await driver.stop()


async def test_lines_of_other_drivers_are_left_alone(desk_class: Any) -> None:
    driver = SippyDriver(settings(driver="pyvoip"))
    assert await driver.start(desk_class().calls) == []
    await driver.stop()


async def test_stopping_ends_calls_in_every_state(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        _, standing = await desk.answered_call(peer)
        ringing = peer.call("4002")
        (await desk.calls.next("incoming"))[0].ring()
        desk.dial("13900005678")
        invite = await peer.request("INVITE")
        peer.respond(invite, 180, "Ringing")
        await desk.calls.next("progress")
        peer.polite = True
        await desk.driver.stop()
        sent = {(message.method, message.status) for message in peer.seen}
        assert {("BYE", 0), ("CANCEL", 0), ("INVITE", 603)} <= sent
        assert [end.by for end in desk.calls.ends] == [EndedBy.US] * 3
        assert ringing.call_id != standing.sip_call_id
        standing.hang_up()
        standing.reinvite("v=0\r\n")


async def test_a_call_while_stopping_is_refused_and_one_after_is_not_heard(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, _ = await desk.answered_call(peer)
        stopping = asyncio.create_task(desk.driver.stop())
        await peer.request("BYE")
        peer.call("4002")
        await peer.status(503)
        peer.polite = True
        leg.send("BYE")
        await stopping
        assert len(desk.calls.incoming) == 1


async def test_a_listener_that_fails_loses_only_its_own_call(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):

        def fail(*_: object) -> None:
            raise RuntimeError("a bug of the core")

        desk.calls.on_incoming = fail
        leg = peer.call()
        await leg.final(500)
        leg.ack(refused=True)
        await desk.calls.end()
        desk.calls.on_incoming = None
        leg, _ = await desk.answered_call(peer)
        leg.send("BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER


async def test_the_public_host_is_what_peers_are_told(open_desk: Any) -> None:
    async with open_desk(public_host="203.0.113.5") as (desk, peer):
        assert desk.line.local_host() == "203.0.113.5"
        desk.dial()
        invite = await peer.request("INVITE")
        assert f"desk@203.0.113.5:{desk.driver.port}" in invite["contact"]
        peer.respond(invite, 486, "Busy Here")
        await desk.calls.end()


async def test_a_line_speaks_ipv6(desk_class: Any) -> None:
    desk = desk_class()
    loop = asyncio.get_running_loop()
    inbox: asyncio.Queue[bytes] = asyncio.Queue()

    class Ear(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            inbox.put_nowait(data)

    transport, _ = await loop.create_datagram_endpoint(Ear, local_addr=("::1", 0))
    port = transport.get_extra_info("sockname")[1]
    line = LineSettings("six", peers=("::1",), proxy=f"[::1]:{port}")
    driver = SippyDriver(PhoneSettings(sip_host="::1", sip_port=0, lines=(line,)), t1=0.05)
    lines = await driver.start(desk.calls)
    try:
        dialog = lines[0].dial("13900005678", "v=0\r\n", desk.calls)
        invite = (await asyncio.wait_for(inbox.get(), 10)).decode()
        assert invite.startswith(
            f"INVITE sip:13900005678@[::1]:{port} SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:{driver.port};"
        )
        assert lines[0].local_host() == "::1"
        echoed = [line for line in invite.split("\r\n") if line.startswith(("Via", "From", "Call-ID", "CSeq"))]
        to = next(line for line in invite.split("\r\n") if line.startswith("To"))
        answer = "\r\n".join(["SIP/2.0 486 Busy Here", *echoed, f"{to};tag=six", "Content-Length: 0", "", ""])
        transport.sendto(answer.encode(), ("::1", driver.port))
        assert (await desk.calls.end()).status == 486
        transport.sendto(
            f"OPTIONS sip:[::1]:{driver.port} SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:{port};branch=z9hG4bK6\r\n"
            f"From: <sip:[::1]>;tag=1\r\nTo: <sip:[::1]>\r\nCall-ID: six\r\nCSeq: 1 OPTIONS\r\n\r\n".encode(),
            ("::1", driver.port),
        )
        while not (answer := (await asyncio.wait_for(inbox.get(), 10)).decode()).startswith("SIP/2.0 200"):
            assert answer.startswith(("ACK", "INVITE")), answer
        dialog.hang_up()
    finally:
        await driver.stop()
        transport.close()


async def test_nothing_of_a_finished_call_stays_behind(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        for _ in range(20):
            leg, _ = await desk.answered_call(peer)
            leg.send("BYE")
            await desk.calls.end()
        stack = desk.driver._stack
        async with asyncio.timeout(10):  # the stack tells nobody when it forgets
            while stack.dialogs or stack.transactions.tserver or stack.transactions.finished:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert not stack.transactions.tclient
