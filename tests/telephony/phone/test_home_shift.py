"""Agents whose calls ring at a telephone at home (D103), through a whole phone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from call_floor import CallFloor

from telephony import events
from telephony.events import AgentStatus, OfferOutcome, Party
from telephony.seam.client import CommandError


def test_an_agent_at_home_answers_by_telephone_and_is_recorded(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.seam.command("agent.sign_in", agent="nurse", name="nurse", queues=["default"])
        home = at.telephone("13900001111", does="ring")
        await at.seam.command("agent.reach", agent="nurse", device="phone", number="139-0000-1111")
        await at.seam.command("agent.ready", agent="nurse")
        caller = await at.caller()
        offered = await at.event(events.CallOffered, agent="nurse")
        await at.until(lambda: home.invite is not None)
        at.town.answer(home)
        answered = await at.event(events.CallAnswered)
        assert answered.agent == "nurse"
        await at.until(lambda: caller.to is not None)
        await at.hears({caller.name: {home.name}, home.name: {caller.name}})
        (shown,) = (await at.seam.command("snapshot"))["calls"]
        assert shown["parties"][1]["kind"] == "phone"
        home.hang_up()
        ended = await at.event(events.CallEnded)
        assert (ended.by, ended.agent) == (Party.AGENT, "nurse")
        closed = await at.event(events.RecordingClosed)
        assert closed.packets >= 60, "both tracks"
        assert at.status("nurse") == AgentStatus.WRAP_UP
        assert offered.call == ended.call

    on_floor(body)


def test_an_agent_at_home_dials_by_their_telephone_which_rings_first(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.seam.command("agent.sign_in", agent="nurse", name="nurse", queues=["default"])
        home, patient = at.telephone("13900001111", does="ring"), at.telephone("13800138000")
        await at.seam.command("agent.reach", agent="nurse", device="phone", number="13900001111")
        dialled = await at.seam.command("call.dial", agent="nurse", number="13800138000")
        await at.until(lambda: home.invite is not None)
        with pytest.raises(CommandError) as refused:
            await at.do("answer", "nurse", dialled["call"])
        assert refused.value.code == "wrong_state"
        assert patient.invite is None
        at.town.answer(home)
        assert (await at.event(events.CallAnswered)).agent == "nurse"
        await at.hears({patient.name: {home.name}, home.name: {patient.name}})
        await at.do("hang_up", "nurse", dialled["call"])
        assert (await at.event(events.CallEnded)).by is Party.AGENT
        await asyncio.wait_for(home.over.wait(), 5)
        assert at.status("nurse") == AgentStatus.WRAP_UP

    on_floor(body)


def test_a_telephone_at_home_that_is_busy_lets_the_call_ring_elsewhere(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.seam.command("agent.sign_in", agent="nurse", name="nurse", queues=["default"])
        at.telephone("13900001111", does=486)
        await at.seam.command("agent.reach", agent="nurse", device="phone", number="13900001111")
        await at.seam.command("agent.ready", agent="nurse")
        caller = await at.caller()
        assert (await at.event(events.OfferEnded, agent="nurse")).outcome is OfferOutcome.REJECTED
        await at.agent("agent1")
        call = await at.answered("agent1", caller)
        await at.do("hang_up", "agent1", call)
        with pytest.raises(CommandError) as refused:
            await at.seam.command("call.dial", agent="agent1", number="13800138000", line="none")
        assert refused.value.code == "no_line"

    on_floor(body)
