"""An independent phone and an agent talk: each hears the other's tone, and the recording keeps both apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tones import SPEECH_CODER, hear_recording, hear_wav

pytestmark = pytest.mark.peer

CALLER_TONE, AGENT_TONE = 440.0, 1000.0


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
async def test_both_ears_and_both_channels_have_the_right_tone_at_the_right_level(
    house: Any, baresip: Callable[..., Any], tmp_path: Path, codec: str
) -> None:
    phone = baresip("patient", tone=(CALLER_TONE, -12.0), codecs=f"{codec}/8000/1")
    heard = tmp_path / "heard.wav"
    async with house.watching():
        async with house.agent(auto_answer=True, play=house.tone(AGENT_TONE), record=heard) as agent:
            phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
            answered = await agent.wait_for("answered")
            assert answered["codec"] == codec
            await asyncio.to_thread(phone.listen, 3.0)
            phone.hang_up()
            await agent.wait_for("recorded", call=answered["call"])
            await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
        view = await house.recorded(answered["call"])
        caller_side, agent_side = hear_recording(await house.download(view))
        quality = (await house.event("media.quality", call=answered["call"])) or {}

    at_phone, at_agent = phone.heard(), hear_wav(heard)
    for ear, own, other, level, accuracy in (
        (at_agent, CALLER_TONE, AGENT_TONE, -12.0, 1.0),
        (caller_side, CALLER_TONE, AGENT_TONE, -12.0, SPEECH_CODER),
        (at_phone, AGENT_TONE, CALLER_TONE, -15.0, 1.0),
        (agent_side, AGENT_TONE, CALLER_TONE, -15.0, SPEECH_CODER),
    ):
        assert ear.tone(own) == pytest.approx(level, abs=accuracy)
        assert ear.level == pytest.approx(level, abs=accuracy), "there is more than the tone, or less"
        assert ear.tone(other) < level - 35
    assert view["hung_up_by"] == "caller"
    assert view["recording"]["channels"] == 2
    assert caller_side.seconds == pytest.approx(view["talk_seconds"], abs=0.3)
    assert quality["lost"] == 0
    assert quality["received"] >= 140


async def test_a_muted_agent_is_not_heard_nor_recorded(house: Any, baresip: Callable[..., Any]) -> None:
    phone = baresip("patient", tone=(CALLER_TONE, -12.0))
    async with house.watching():
        async with house.agent(auto_answer=True, play=house.tone(AGENT_TONE)) as agent:
            phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
            id_ = (await agent.wait_for("answered"))["call"]
            await agent.mute(id_, True)
            await house.event("call.muted", call=id_, muted=True)
            await asyncio.to_thread(phone.listen, 2.5)
            await agent.hang_up(id_)
            await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
        view = await house.recorded(id_)
        caller_side, agent_side = hear_recording(await house.download(view), edge=0.8)
    assert phone.heard().tone(AGENT_TONE) < -45
    assert agent_side.tone(AGENT_TONE) < -45
    assert caller_side.tone(CALLER_TONE) == pytest.approx(-12.0, abs=SPEECH_CODER)
