"""The agent dials: what the other side does is told apart in the log and in the events."""

from __future__ import annotations

import asyncio
import socket
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from baresip_phone import Baresip
from tones import SPEECH_CODER, hear_pcm, hear_recording

from console.headless_agent import ConsoleRefused
from telephony.media import g711

pytestmark = pytest.mark.peer

NUMBER = "02066660000"


@pytest.fixture
def callee(house: Any, baresip: Callable[..., Any]) -> Callable[..., Baresip]:
    """A baresip where the trunk's calls go to."""

    def start(**options: Any) -> Baresip:
        phone: Baresip = baresip(NUMBER, tone=(440.0, -12.0), port=house.product.peer, **options)
        return phone

    return start


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
async def test_an_answered_call_has_sound_both_ways(house: Any, callee: Callable[..., Baresip], codec: str) -> None:
    phone = callee(codecs=f"{codec}/8000/1")
    async with house.watching(), house.agent(ready=False, play=house.tone(1000.0)) as agent:
        id_ = await agent.dial(NUMBER)
        await asyncio.to_thread(phone.wait_for, "CALL_INCOMING")
        assert (await house.event("call.progress", call=id_))["sip_status"] == 180
        assert (await house.call_when(id_, state="ringing"))["direction"] == "outbound"
        phone.accept()
        await house.event("call.answered", call=id_, codec=codec)
        await asyncio.to_thread(phone.listen, 2.5)
        await agent.hang_up(id_)
        await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
        await agent.wait_for("ended", call=id_)
        at_agent = hear_pcm(agent.heard(id_))
        view = await house.recorded(id_)
        callee_side, agent_side = hear_recording(await house.download(view))
    at_phone = phone.heard()
    for ear, own, other, level, accuracy in (
        (at_agent, 440.0, 1000.0, -12.0, 1.0),
        (callee_side, 440.0, 1000.0, -12.0, SPEECH_CODER),
        (at_phone, 1000.0, 440.0, -15.0, 1.0),
        (agent_side, 1000.0, 440.0, -15.0, SPEECH_CODER),
    ):
        assert ear.tone(own) == pytest.approx(level, abs=accuracy)
        assert ear.tone(other) < level - 35
    said = {"outcome": "answered", "hung_up_by": "agent", "sip_status": 200, "agent": "agent1", "caller_rings": 1}
    assert {name: view[name] for name in said} == said
    assert view["within_three_rings"] is None


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(486, "busy"), (603, "rejected"), (403, "rejected"), (404, "not_found"), (480, "unavailable"), (503, "failed")],
)
async def test_each_refusal_has_its_own_outcome(house: Any, status: int, outcome: str) -> None:
    scenario = house.scenario("callee_refuses", {"SIP/2.0 404": f"SIP/2.0 {status}"})
    async with house.watching(), house.agent(ready=False) as agent:
        callee = await house.sipp.start(scenario, listens=True)
        id_ = await agent.dial(NUMBER)
        ended = await house.event("call.ended", call=id_)
        await house.sipp.finished(callee)
        view = await house.call_when(id_, state="ended")
    assert (ended["by"], ended["sip_status"]) == ("caller", status)
    assert (view["outcome"], view["sip_status"], view["hung_up_by"]) == (outcome, status, "caller")
    assert (view["answered_at"], view["recording"]) == (None, None)


async def test_an_agent_who_gives_up_cancels_the_call(house: Any) -> None:
    async with house.watching(), house.agent(ready=False) as agent:
        callee = await house.sipp.start("callee_rings_for_ever", listens=True)
        id_ = await agent.dial(NUMBER)
        await house.event("call.caller_ring", call=id_, ring=1)
        await agent.hang_up(id_)
        await house.sipp.finished(callee)
        view = await house.call_when(id_, state="ended")
    assert (view["outcome"], view["sip_status"], view["hung_up_by"]) == ("cancelled", 487, "agent")
    assert view["caller_rings"] == 1


async def test_the_ring_limit_ends_a_call_that_nobody_answers(house: Any) -> None:
    async with house.watching():
        await house.set_rule("ring_cadence", 1)
        await house.set_rule("dial_ring_limit", 2)
        try:
            async with house.agent(ready=False) as agent:
                callee = await house.sipp.start("callee_rings_for_ever", listens=True)
                id_ = await agent.dial(NUMBER)
                await house.event("call.ended", call=id_)
                await house.sipp.finished(callee)
                view = await house.call_when(id_, state="ended")
        finally:
            await house.set_rule("ring_cadence", 5)
            await house.set_rule("dial_ring_limit", 12)
    assert (view["outcome"], view["sip_status"], view["hung_up_by"]) == ("no_answer", 408, "system")
    assert view["caller_rings"] in (2, 3)


async def test_early_media_is_heard_by_the_agent_before_anybody_answers(house: Any, tmp_path: Path) -> None:
    announcement = tmp_path / "announcement.alaw"
    with wave.open(str(house.tone(440.0, -12.0))) as tone:
        announcement.write_bytes(g711.encode(tone.readframes(tone.getnframes()), 8))
    scenario = house.scenario("callee_announces", {"ANNOUNCEMENT": str(announcement)})
    async with house.watching(), house.agent(ready=False) as agent:
        callee = await house.sipp.start(scenario, listens=True)
        id_ = await agent.dial(NUMBER)
        progress = await house.event("call.progress", call=id_, early_media=True)
        assert progress["sip_status"] == 183

        async def heard_enough() -> bool:
            return len(agent.heard(id_)) >= 16000 * 1.5

        await house.until(heard_enough)
        assert "call.answered" not in house.of_call(id_)
        ear = hear_pcm(agent.heard(id_), edge=0.2)
        assert ear.tone(440.0) == pytest.approx(-12.0, abs=1.0)
        await agent.hang_up(id_)
        await house.sipp.finished(callee)
        view = await house.call_when(id_, state="ended")
    assert (view["outcome"], view["answered_at"]) == ("cancelled", None)


async def test_a_call_that_the_peer_never_answers_can_be_given_up_at_once(house: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", house.product.peer))
        async with house.watching(), house.agent(ready=False) as agent:
            id_ = await agent.dial(NUMBER)
            await agent.hang_up(id_)
            ended = await house.event("call.ended", call=id_, within=40)
            view = await house.call_when(id_, state="ended")
    assert (ended["by"], view["outcome"]) == ("agent", "cancelled")


async def test_a_number_that_cannot_be_dialled_is_refused_with_a_sentence(house: Any) -> None:
    async with house.watching(), house.agent(ready=False) as agent:
        for number in ("", "sip:", "12 34\r\nVia: x", "9" * 200):
            with pytest.raises(ConsoleRefused) as refused:
                await agent.dial(number)
            assert refused.value.status in (400, 422), number
            assert str(refused.value)
