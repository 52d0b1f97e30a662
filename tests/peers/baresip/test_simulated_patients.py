"""The demo's simulated patients against a real telephone: they call it, and are called by it."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiortp.port_allocator import PortAllocator

from console.demo.callers.callee import Callees
from console.demo.callers.caller import CallReport, Patience, call
from console.demo.callers.conversation import INBOUND, OUTBOUND
from console.demo.callers.trunk import Trunk

pytestmark = pytest.mark.peer

#: one sentence is enough here
SHORT_CALL = replace(INBOUND[2], sentences=INBOUND[2].sentences[:1])
SHORT_ANSWER = replace(OUTBOUND, sentences=OUTBOUND.sentences[:1])
SHORT = Patience(ring_seconds=20.0, turn_seconds=0.3)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def trunk_to(phone: Any) -> AsyncIterator[Trunk]:
    trunk = Trunk("127.0.0.1", free_udp_port(), ("127.0.0.1", phone.port))
    await trunk.start()
    try:
        yield trunk
    finally:
        await trunk.stop()


def place(phone: Any, number: str, patience: Patience = SHORT, during: Callable[[], None] | None = None) -> CallReport:
    """One call to ``phone``; ``during`` works the phone in a thread meanwhile."""

    async def live() -> CallReport:
        async with trunk_to(phone) as trunk:
            work = asyncio.create_task(
                call(trunk, PortAllocator((41000, 41200)), number, phone.user, SHORT_CALL, patience, random.Random(1))
            )
            if during is not None:
                await asyncio.to_thread(during)
            return await asyncio.wait_for(work, 60)

    return asyncio.run(live())


def serve(phone: Any, work: Callable[[Trunk, Callees], Coroutine[None, None, None]]) -> None:
    """Run ``work`` while the called patients live on a trunk of ``phone``."""

    async def live() -> None:
        async with trunk_to(phone) as trunk:
            callees = Callees(
                trunk,
                PortAllocator((41200, 41400)),
                SHORT,
                random.Random(1),
                ring_seconds=0.5,
                conversation=SHORT_ANSWER,
            )
            try:
                await asyncio.wait_for(work(trunk, callees), 60)
            finally:
                await callees.stop()

    asyncio.run(live())


def test_a_patient_calls_speaks_hears_the_desk_and_hangs_up(baresip: Callable[..., Any]) -> None:
    desk = baresip("desk", tone=(440.0, -20.0), answer="auto")

    report = place(desk, "13800138000")

    desk.wait_for("CALL_CLOSED")
    assert (report.status, report.hung_up_by) == (200, "caller")
    assert "sip:13800138000@" in desk.wait_for("CALL_ESTABLISHED")["peeruri"]
    assert report.loudest == pytest.approx(-20.0, abs=1.5)
    # 50 packets a second, both ways
    assert report.heard == pytest.approx(50 * report.seconds, rel=0.1)
    heard = desk.heard()
    assert heard.seconds == pytest.approx(report.seconds, abs=1.0)
    assert heard.level > -35.0


def test_the_desk_may_hang_up_first(baresip: Callable[..., Any]) -> None:
    desk = baresip("desk", answer="auto")

    def work() -> None:
        desk.wait_for("CALL_RTPESTAB")
        desk.hang_up()

    report = place(desk, "13800138000", during=work)

    assert (report.status, report.hung_up_by) == (200, "desk")


def test_a_patient_nobody_answers_gives_up_and_the_telephone_stops_ringing(baresip: Callable[..., Any]) -> None:
    desk = baresip("desk")

    report = place(desk, "13800138000", Patience(ring_seconds=1.0))

    assert report.status == 487
    assert "CALL_INCOMING" in [event.get("type") for event in desk.events]
    desk.wait_for("CALL_CLOSED")
    assert "487" in desk.log()


def test_a_busy_desk_is_taken_note_of_and_acknowledged(baresip: Callable[..., Any]) -> None:
    desk = baresip("desk")

    def work() -> None:
        desk.wait_for("CALL_INCOMING")
        desk.hang_up()

    report = place(desk, "13800138000", during=work)

    assert report.status == 486
    assert "ACK sip:desk@" in desk.log()


def test_a_withheld_number_shows_as_anonymous(baresip: Callable[..., Any]) -> None:
    desk = baresip("desk", answer="auto")

    def work() -> None:
        desk.wait_for("CALL_ESTABLISHED")
        desk.hang_up()

    place(desk, "", during=work)

    assert "anonymous@anonymous.invalid" in desk.wait_for("CALL_ESTABLISHED")["peeruri"]
    assert "Privacy: id" in desk.log()


def test_a_called_patient_answers_speaks_and_hangs_up(baresip: Callable[..., Any]) -> None:
    desk = baresip("desk", tone=(440.0, -20.0))

    async def work(trunk: Trunk, callees: Callees) -> None:
        await asyncio.to_thread(desk.dial, f"sip:13900139000@127.0.0.1:{trunk.port}")
        await asyncio.to_thread(desk.wait_for, "CALL_CLOSED", 40.0)

    serve(desk, work)

    kinds = [event.get("type") for event in desk.events]
    assert kinds.index("CALL_RINGING") < kinds.index("CALL_ESTABLISHED")
    assert desk.heard().level > -35.0


def test_a_patient_on_hold_falls_silent_until_resume(baresip: Callable[..., Any]) -> None:
    desk = baresip("desk", tone=(440.0, -20.0))
    held: list[bool] = []

    async def work(trunk: Trunk, callees: Callees) -> None:
        await asyncio.to_thread(desk.dial, f"sip:13900139000@127.0.0.1:{trunk.port}")
        await asyncio.to_thread(desk.wait_for, "CALL_RTPESTAB")
        for order in (desk.hold, desk.resume):
            seen = len(desk.events)
            await asyncio.to_thread(order)
            await asyncio.to_thread(desk.wait_for, "CALL_REMOTE_SDP", 15.0, seen)
            held.extend(voice.held for voice in trunk.voices.values())
        await asyncio.to_thread(desk.hang_up)
        await asyncio.to_thread(desk.wait_for, "CALL_CLOSED")

    serve(desk, work)

    assert held == [True, False]


@pytest.mark.parametrize(("ending", "status"), [("01", "486"), ("02", "603"), ("03", "404"), ("05", "480")])
def test_the_last_two_digits_decide_why_a_call_does_not_stand(
    baresip: Callable[..., Any], ending: str, status: str
) -> None:
    desk = baresip("desk")

    async def work(trunk: Trunk, callees: Callees) -> None:
        await asyncio.to_thread(desk.dial, f"sip:139001390{ending}@127.0.0.1:{trunk.port}")
        await asyncio.to_thread(desk.wait_for, "CALL_CLOSED")

    serve(desk, work)

    assert status in desk.wait_for("CALL_CLOSED")["param"]


def test_a_number_that_nobody_answers_rings_until_the_desk_gives_up(baresip: Callable[..., Any]) -> None:
    desk = baresip("desk")
    left: list[int] = []

    async def work(trunk: Trunk, callees: Callees) -> None:
        await asyncio.to_thread(desk.dial, f"sip:13900139004@127.0.0.1:{trunk.port}")
        await asyncio.to_thread(desk.wait_for, "CALL_RINGING")
        await asyncio.to_thread(desk.hang_up)
        await asyncio.to_thread(desk.wait_for, "CALL_CLOSED")
        for _ in range(100):
            if not callees.live:
                break
            await asyncio.sleep(0.05)
        left.append(callees.live)

    serve(desk, work)

    assert left == [0]
    assert "487" in desk.log()
