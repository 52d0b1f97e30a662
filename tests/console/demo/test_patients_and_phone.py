"""The simulated patients and the product's own phone: two SIP stacks of different make on one trunk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from console.demo.callers.caller import Patience, call
from console.demo.callers.clip import FOLDER, frames
from console.demo.callers.conversation import INBOUND
from console.demo.callers.schedule import COMPLAINTS
from console.demo.callers.voice import is_ring_back
from console.demo.numbers import MENU_LINE
from telephony import events
from telephony.media.g711 import decode
from telephony.media.sound import ringback
from telephony.routing.default_routing import default_routing

Run = Callable[[Callable[[Any], Awaitable[None]]], None]

#: one sentence is enough here
SHORT = replace(INBOUND[3], sentences=INBOUND[3].sentences[:1])


def test_a_patient_is_answered_both_hear_each_other_and_the_patient_hangs_up(ward: Run, loud_packet: bytes) -> None:
    async def body(ward: Any) -> None:
        await ward.agent_is_ready(loud_packet)

        report = await ward.patient_calls("13805711001")

        started = await ward.event(events.CallStarted)
        ended = await ward.event(events.CallEnded)
        closed = await ward.event(events.RecordingClosed)
        assert started.number == "13805711001"
        assert (ended.by, ended.sip_status) == (events.Party.CALLER, 200)
        assert (report.status, report.hung_up_by) == (200, "caller")
        assert report.loudest == pytest.approx(-16.3, abs=1.0)
        assert report.heard == pytest.approx(50 * report.seconds, rel=0.1)
        assert ward.heard == pytest.approx(50 * report.seconds, rel=0.1)
        # both legs were kept
        assert closed.packets == pytest.approx(100 * report.seconds, rel=0.15)

    ward(body)


def test_the_desk_hangs_up_first_and_the_patient_notices(ward: Run) -> None:
    async def body(ward: Any) -> None:
        await ward.agent_is_ready()
        calling = asyncio.create_task(ward.patient_calls())
        answered = await ward.event(events.CallAnswered)
        await ward.seam.command("call.hang_up", agent="agent1", call=answered.call)

        report = await calling

        assert (report.status, report.hung_up_by) == (200, "desk")
        assert (await ward.event(events.CallEnded)).by is events.Party.AGENT

    ward(body)


def test_a_patient_presses_a_key_in_the_menu_waits_through_the_ring_back_and_talks_to_the_agent(ward: Run) -> None:
    async def body(ward: Any) -> None:
        document = msgspec.to_builtins(default_routing(ward.settings.lines).document())
        menu = {"line": "trunk", "dialled": MENU_LINE, "to": {"kind": "menu", "menu": "main"}}
        await ward.seam.command("routing.set", routing={**document, "entries": [menu], "version": 1})
        await ward.seam.command("agent.sign_in", agent="agent1", name="", queues=["complaints"])
        patience = Patience(ring_seconds=20.0, turn_seconds=0.4)

        calling = asyncio.create_task(
            call(ward.trunk, ward.ports, "13805711001", MENU_LINE, SHORT, patience, random.Random(1), COMPLAINTS)
        )
        chosen = await ward.event(events.MenuAnswered)
        await ward.agent_is_ready(queues=("complaints",))
        answered = await ward.event(events.CallAnswered)
        await ward.seam.command("call.hang_up", agent="agent1", call=answered.call)
        report = await calling

        assert (chosen.digit, chosen.outcome, chosen.label) == ("2", "chosen", "投诉建议")
        assert (report.status, report.hung_up_by) == (200, "desk")

    ward(body)


def test_a_department_answers_whatever_its_number_ends_in(ward: Run) -> None:
    async def body(ward: Any) -> None:
        await ward.agent_is_ready()

        await ward.seam.command("call.dial", agent="agent1", number="8301")

        assert (await ward.event(events.CallAnswered)).agent == "agent1"

    ward(body)


def test_ring_back_is_told_from_a_voice() -> None:
    tone, voice = ringback().coded(8), frames(FOLDER / "department-1.wav")
    assert all(is_ring_back(decode(tone[place : place + 160], 8)) for place in range(160, 7680, 160))
    assert not any(is_ring_back(decode(frame, 8)) for frame in voice)


def test_a_patient_whom_nobody_answers_gives_up_and_is_logged_as_such(ward: Run) -> None:
    async def body(ward: Any) -> None:
        report = await ward.patient_calls("", Patience(ring_seconds=1.2))

        ended = await ward.event(events.CallEnded)
        assert report.status == 487
        assert (ended.by, ended.sip_status) == (events.Party.CALLER, 487)

    ward(body)


def test_a_held_patient_waits_and_goes_on_after_resume(ward: Run) -> None:
    async def body(ward: Any) -> None:
        await ward.agent_is_ready()
        calling = asyncio.create_task(ward.patient_calls())
        call = (await ward.event(events.CallAnswered)).call
        await ward.seam.command("call.hold", agent="agent1", call=call)
        await ward.event(events.CallHeld)
        for _ in range(100):
            if any(voice.held for voice in ward.trunk.voices.values()):
                break
            await asyncio.sleep(0.05)
        assert [voice.held for voice in ward.trunk.voices.values()] == [True]
        await ward.seam.command("call.resume", agent="agent1", call=call)

        report = await calling

        assert (report.status, report.hung_up_by) == (200, "caller")

    ward(body)


def test_the_desk_calls_a_patient_who_rings_answers_talks_and_hangs_up(ward: Run) -> None:
    async def body(ward: Any) -> None:
        await ward.agent_is_ready()
        await ward.seam.command("call.dial", agent="agent1", number="13900139000")

        ended = await ward.event(events.CallEnded)

        assert (ended.by, ended.sip_status) == (events.Party.CALLER, 200)
        assert any(event.sip_status == 180 for event in ward.events if type(event) is events.CallProgress)
        assert ended.talk_seconds > 2
        assert ward.heard == pytest.approx(50 * ended.talk_seconds, rel=0.1)

    ward(body)


@pytest.mark.parametrize(("ending", "status"), [("01", 486), ("02", 603), ("03", 404), ("05", 480)])
def test_the_log_tells_why_a_called_patient_was_not_reached(ward: Run, ending: str, status: int) -> None:
    async def body(ward: Any) -> None:
        await ward.agent_is_ready()
        await ward.seam.command("call.dial", agent="agent1", number=f"139001390{ending}")

        ended = await ward.event(events.CallEnded)

        assert ended.sip_status == status

    ward(body)
