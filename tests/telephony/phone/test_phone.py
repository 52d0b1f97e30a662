"""Whole calls through a whole phone: signalling, headset, recorder, journal."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from telephony import events
from telephony.events import AgentStatus, OfferOutcome, Party
from telephony.seam.client import CommandError

Run = Callable[[Callable[[Any], Awaitable[None]]], None]


def test_a_call_rings_is_answered_recorded_and_ended_by_the_caller(desk: Run) -> None:
    async def body(at: Any) -> None:
        headset = await at.ready("agent1")
        call = at.source.invite("13800138000", "88886666")
        offered = await at.event(events.CallOffered)
        assert (offered.agent, offered.number, offered.dialled) == ("agent1", "13800138000", "88886666")
        await at.seam.command("call.answer", agent="agent1", call=offered.call)
        assert await at.over(call) == 200
        for number in range(15):
            await headset.send(struct.pack("!BBHI", 8, 0, number, 160 * number) + b"\x2a" * 160)
            await asyncio.sleep(0.02)
        at.source.bye(call)
        ended = await at.event(events.CallEnded)
        assert (ended.by, ended.sip_status, ended.agent) == (Party.CALLER, 200, "agent1")
        closed = await at.event(events.RecordingClosed)
        assert closed.packets >= 10
        assert (at.settings.data / closed.path).stat().st_size == closed.bytes
        await at.event(events.AgentState, agent="agent1", status=AgentStatus.WRAP_UP)
        assert at.phone.calls == {}
        assert at.phone._ports.in_use == 0

    desk(body)


def test_a_call_without_a_common_codec_is_refused_with_488_and_stands_in_the_log(desk: Run) -> None:
    async def body(at: Any) -> None:
        source = at.source
        send = source.send
        source.send = lambda octets: send(octets.replace(b"PCMA/8000", b"opus/48000").replace(b"AVP 8", b"AVP 111"))
        call = source.invite("13800138000")
        assert await at.over(call) == 488
        await at.event(events.CallStarted)
        ended = await at.event(events.CallEnded)
        assert (ended.by, ended.sip_status) == (Party.SYSTEM, 488)
        assert at.phone._ports.in_use == 0

    desk(body)


def test_a_call_that_nobody_is_ready_for_waits_and_rings_the_first_who_becomes_ready(desk: Run) -> None:
    async def body(at: Any) -> None:
        call = at.source.invite("13800138000")
        started = await at.event(events.CallStarted)
        await asyncio.sleep(0.3)
        assert not any(isinstance(event, events.CallOffered) for event in at.events)
        await at.ready("agent2")
        offered = await at.event(events.CallOffered)
        assert (offered.call, offered.agent) == (started.call, "agent2")
        at.source.cancel(call)
        assert await at.over(call) == 487

    desk(body)


def test_a_ringing_call_moves_on_at_once_when_the_headset_is_unplugged(desk: Run) -> None:
    async def body(at: Any) -> None:
        first = await at.ready("agent1")
        await at.ready("agent2")
        call = at.source.invite("13800138000")
        await at.event(events.CallOffered, agent="agent1")
        await first.close()
        moved = await at.event(events.CallOffered, agent="agent2")
        ended = await at.event(events.OfferEnded)
        assert ended.outcome is OfferOutcome.HEADSET_LOST
        assert moved.at - ended.at < 1
        at.source.cancel(call)
        assert await at.over(call) == 487

    desk(body)


def test_a_refusal_moves_the_call_to_the_other_agent(desk: Run) -> None:
    async def body(at: Any) -> None:
        await at.ready("agent1")
        await at.ready("agent2")
        call = at.source.invite("13800138000")
        offered = await at.event(events.CallOffered, agent="agent1")
        await at.seam.command("call.reject", agent="agent1", call=offered.call)
        await at.event(events.CallOffered, agent="agent2")
        with pytest.raises(CommandError) as error:
            await at.seam.command("call.answer", agent="agent1", call=offered.call)
        assert error.value.code == "wrong_state"
        at.source.cancel(call)
        await at.over(call)

    desk(body)


def test_the_agent_hanging_up_first_sends_bye_and_is_named(desk: Run) -> None:
    async def body(at: Any) -> None:
        await at.ready("agent1")
        call = at.source.invite("13800138000")
        offered = await at.event(events.CallOffered)
        await at.seam.command("call.answer", agent="agent1", call=offered.call)
        await at.over(call)
        await at.seam.command("call.hang_up", agent="agent1", call=offered.call)
        ended = await at.event(events.CallEnded)
        assert ended.by is Party.AGENT
        with pytest.raises(CommandError) as error:
            await at.seam.command("call.hang_up", agent="agent1", call=offered.call)
        assert error.value.code == "no_such_call"

    desk(body)


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("call.answer", {"agent": "agent1", "call": "nothing"}, "no_such_call"),
        ("call.answer", {"agent": 7, "call": "x"}, "bad_arguments"),
        ("call.answer", {"agent": "agent1"}, "bad_arguments"),
        ("agent.ready", {"agent": "nobody"}, "signed_out"),
        ("call.dial", {"agent": "agent1", "number": "no digits"}, "bad_number"),
        ("call.dial", {"agent": "agent1", "number": "sip:1900@premium.example"}, "foreign_address"),
        ("agent.reach", {"agent": "agent1", "device": "phone", "number": "sip:1@premium.example"}, "foreign_address"),
        ("callback.place", {"queue": "default", "number": "sips:1@premium.example"}, "foreign_address"),
        ("call.dial", {"agent": "agent1", "number": "1", "line": "none"}, "no_line"),
        ("call.dial", {"agent": "nobody", "number": "10086"}, "signed_out"),
        ("rules.set", {"rules": {"three_rings": {"value": -3}}}, "bad_arguments"),
        ("no.such", {}, "bad_command"),
    ],
)
def test_commands_that_cannot_be_done_say_why(desk: Run, name: str, arguments: dict[str, Any], code: str) -> None:
    async def body(at: Any) -> None:
        with pytest.raises(CommandError) as error:
            await at.seam.command(name, **arguments)
        assert error.value.code == code

    desk(body)


def test_calls_that_a_dead_phone_left_behind_are_reported_lost_by_the_next_one(desk: Run, tmp_path: Any) -> None:
    from telephony.clock import SystemClock
    from telephony.event_stream import EventStream
    from telephony.journal import Journal

    died = EventStream("phone1", SystemClock(), Journal(tmp_path / "journal"))
    died.publish(
        events.CallStarted(call="lost-call", direction=events.Direction.INBOUND, line="trunk", number="13800138000")
    )
    died.publish(events.RecordingStarted(call="lost-call", path="recordings/raw/lost-call.cap"))
    died.journal.close()
    (tmp_path / "recordings" / "raw").mkdir(parents=True)
    (tmp_path / "recordings" / "raw" / "lost-call.cap").write_bytes(bytes(77))

    async def body(at: Any) -> None:
        ended = await at.event(events.CallEnded)
        assert (ended.call, ended.by) == ("lost-call", Party.SYSTEM)
        assert "ended unexpectedly" in ended.reason
        assert ended.sequence == 4
        closed = await at.event(events.RecordingClosed)
        assert (closed.call, closed.path, closed.bytes) == ("lost-call", "recordings/raw/lost-call.cap", 77)

    desk(body)


def test_a_new_rule_counts_from_the_next_call_on(desk: Run) -> None:
    async def body(at: Any) -> None:
        await at.ready("agent1")
        await at.seam.command("rules.set", rules={"three_rings": {"value": 1, "unit": "rings", "version": 9}})
        at.source.invite("13800138000")
        offered = await at.event(events.CallOffered)
        await at.seam.command("call.answer", agent="agent1", call=offered.call)
        answered = await at.event(events.CallAnswered)
        assert (answered.rule_version, answered.within_three_rings) == (9, True)

    desk(body)
