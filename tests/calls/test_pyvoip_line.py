"""The product on a pyVoIP line, registered at Kamailio: baresip calls and is called, sound passes both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from kamailio_registrar import kamailio
from tones import SPEECH_CODER, hear_pcm, hear_recording

__all__ = ["kamailio"]

pytestmark = pytest.mark.peer

LINE = """
[[lines]]
name = "pbx"
mode = "register"
driver = "pyvoip"
proxy = "127.0.0.1:{port}"
domain = "pbx.test"
username = "1001"
password = "geheim"
"""
PHONE_TONE, AGENT_TONE = 440.0, 1000.0


async def test_calls_in_and_out_are_heard_and_recorded_on_both_sides(
    start_house: Callable[..., Any], kamailio: Any, baresip: Callable[..., Any]
) -> None:
    async with kamailio("MD5", True) as port:
        house = await asyncio.to_thread(start_house, "pyvoip", (36400, 36499), LINE.format(port=port))
        account = f'<sip:1002@pbx.test>;auth_user=1002;auth_pass=geheim;outbound="sip:127.0.0.1:{port}";regint=60'
        phone = baresip("1002", tone=(PHONE_TONE, -12.0), account=account)
        async with house.watching():
            await house.until(lambda: both_are_registered(house, phone))
            for direction in ("inbound", "outbound"):
                async with house.agent(ready=False, play=house.tone(AGENT_TONE)) as agent:
                    if direction == "inbound":
                        await agent.be_ready()
                        phone.dial("sip:1001@pbx.test")
                        id_ = (await agent.wait_for("ringing"))["call"]
                        await agent.answer(id_)
                        await agent.wait_for("answered", call=id_)
                    else:
                        id_ = await agent.dial("1002", "pbx")
                        await asyncio.to_thread(phone.wait_for, "CALL_INCOMING")
                        phone.accept()
                        await house.event("call.answered", call=id_)
                    await asyncio.to_thread(phone.listen, 2.5)
                    if direction == "inbound":
                        phone.hang_up()
                    else:
                        await agent.hang_up(id_)
                    await agent.wait_for("ended", call=id_)
                    at_agent = hear_pcm(agent.heard(id_))
                view = await house.recorded(id_)
                said = {"direction": direction, "line": "pbx", "outcome": "answered", "sip_status": 200}
                assert {name: view[name] for name in said} == said
                assert view["hung_up_by"] == ("caller" if direction == "inbound" else "agent")
                phone_side, agent_side = hear_recording(await house.download(view))
                for ear, own, level, accuracy in (
                    (at_agent, PHONE_TONE, -12.0, 1.0),
                    (phone_side, PHONE_TONE, -12.0, SPEECH_CODER),
                    (phone.heard(), AGENT_TONE, -15.0, 1.0),
                    (agent_side, AGENT_TONE, -15.0, SPEECH_CODER),
                ):
                    assert ear.tone(own) == pytest.approx(level, abs=accuracy)
        await asyncio.to_thread(phone.close)  # while its registrar is still there to hear it
        house.product.stop()
        assert "Traceback" not in house.product.log.read_text(errors="replace")


async def both_are_registered(house: Any, phone: Any) -> bool:
    answer = await house.api.get("/api/floor")
    up = any(line["line"] == "pbx" and line["status"] == "up" for line in answer.json()["lines"])
    return up and "[1 binding]" in phone.log()
