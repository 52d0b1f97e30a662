"""The driver's life: start, stop, start again, settings that cannot work, and drivers side by side."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from telephony.lines.drivers import SeveralDrivers, line_driver
from telephony.lines.line import EndedBy
from telephony.lines.pyvoip_driver import PyVoipDriver
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import LineSettings, PhoneSettings


class Deaf:
    """A core that hears nothing of interest."""

    def line_incoming(self, *_: Any) -> None: ...

    def line_state(self, *_: Any) -> None: ...

    def line_refused(self, *_: Any) -> None: ...


def settings(*lines: LineSettings, port: int = 0) -> PhoneSettings:
    return PhoneSettings(sip_host="127.0.0.1", sip_port=port, lines=lines)


def pyvoip(name: str = "pbx", **options: Any) -> LineSettings:
    given = {"mode": "register", "proxy": "127.0.0.1:9", "username": "1001", "password": "x", **options}
    return LineSettings(name, driver="pyvoip", **given)


TRUNK = LineSettings("trunk", peers=("127.0.0.1",))


async def test_stopping_ends_calls_in_every_state_and_releases_threads_and_sockets(open_desk: Any) -> None:
    threads = threading.active_count()
    async with open_desk() as (desk, pbx):
        _, standing = await desk.answered_call(pbx)
        waiting = pbx.call("1001")
        (await desk.calls.next("incoming"))[0].ring()
        desk.dial("13900005678")
        invite = await pbx.request("INVITE")
        pbx.respond(invite, 180, "Ringing")
        await desk.calls.next("progress")
        port = desk.driver.port
        pbx.polite = True
        stopping = asyncio.create_task(desk.driver.stop())
        await waiting.final(603)
        waiting.ack(refused=True)
        await stopping
        sent = {(message.method, message.status) for message in pbx.seen}
        assert {("BYE", 0), ("CANCEL", 0), ("INVITE", 603)} <= sent
        assert pbx.bound == 0
        assert [end.by for end in desk.calls.ends] == [EndedBy.US] * 3
        standing.hang_up()
        standing.reinvite("v=0\r\n")
        assert threading.active_count() <= threads + 1  # one may be asyncio's own, which looks names up
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", port))
    assert len(asyncio.all_tasks()) <= 2


async def test_a_stopped_driver_starts_again_on_its_port() -> None:
    driver = PyVoipDriver(settings(pyvoip()), t1=0.01)
    await driver.start(Deaf())
    port = driver.port
    with pytest.raises(RuntimeError):
        await driver.start(Deaf())
    await driver.stop()
    await driver.stop()
    for _ in range(3):
        again = PyVoipDriver(settings(pyvoip(), port=port), t1=0.01)
        (line,) = await again.start(Deaf())
        assert (again.port, line.name) == (port, "pbx")
        await again.stop()


async def test_a_listener_that_fails_loses_only_its_own_call(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):

        def fail(*_: object) -> None:
            raise RuntimeError("a bug of the core")

        desk.calls.on_incoming = fail
        leg = pbx.call("1001")
        await leg.final(500)
        leg.ack(refused=True)
        await desk.calls.end()
        desk.calls.on_incoming = None
        leg, _ = await desk.answered_call(pbx)
        leg.send("BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER


async def test_dialling_after_the_stop_fails_the_call_alone(open_desk: Any) -> None:
    async with open_desk() as (desk, _pbx):
        await desk.driver.stop()
        desk.dial()
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 503)


@pytest.mark.parametrize(
    "lines", [(pyvoip("a"), pyvoip("b")), (pyvoip(mode="trunk"),), (pyvoip(proxy="host:x"),), (pyvoip(proxy=""),)]
)
async def test_settings_that_cannot_work_are_told_and_leave_nothing_open(lines: Any) -> None:
    driver = PyVoipDriver(settings(*lines))
    with pytest.raises(ValueError, match=r"pyvoip|port|address"):
        await driver.start(Deaf())
    assert driver.port == 0
    await driver.stop()


async def test_a_taken_port_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            await PyVoipDriver(settings(pyvoip(), port=other.getsockname()[1])).start(Deaf())


def test_each_line_gets_the_driver_that_it_asks_for() -> None:
    assert isinstance(line_driver(settings()), SippyDriver)
    assert isinstance(line_driver(settings(TRUNK)), SippyDriver)
    assert isinstance(line_driver(settings(pyvoip())), PyVoipDriver)
    assert isinstance(line_driver(settings(TRUNK, pyvoip())), SeveralDrivers)


async def test_two_drivers_start_side_by_side_or_not_at_all() -> None:
    both = line_driver(settings(TRUNK, pyvoip()))
    assert [line.name for line in await both.start(Deaf())] == ["trunk", "pbx"]
    await both.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        both = line_driver(settings(TRUNK, pyvoip(), port=taken - 1))
        with pytest.raises(OSError, match="in use"):
            await both.start(Deaf())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", taken - 1))
