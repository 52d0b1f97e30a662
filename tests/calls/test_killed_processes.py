"""Processes of the running product are killed in mid-call: what the caller notices, and what the log has afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tones import SPEECH_CODER, hear_pcm, hear_recording

from console.headless_agent import ConsoleRefused

pytestmark = pytest.mark.peer


@contextlib.asynccontextmanager
async def talking(house: Any, baresip: Callable[..., Any]) -> AsyncIterator[tuple[Any, Any, str]]:
    """A phone, an agent and the call between them, for some time already."""
    phone = baresip("patient", tone=(440.0, -12.0))
    async with house.watching(), house.agent(auto_answer=True, play=house.tone(1000.0)) as agent:
        phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
        id_ = (await agent.wait_for("answered"))["call"]
        await asyncio.to_thread(phone.listen, 1.5)
        yield phone, agent, id_


def kill(house: Any, role: str) -> int:
    pid = house.product.processes()[role]
    os.kill(pid, signal.SIGKILL)
    return int(pid)


async def test_a_killed_web_process_is_not_noticed_by_the_call_and_the_log_has_all_of_it(
    house: Any, baresip: Callable[..., Any]
) -> None:
    async with talking(house, baresip) as (phone, agent, id_):
        first = kill(house, "web")
        # a digit that comes while nobody listens at the seam, and the end of the call too
        phone.digits("7")
        await asyncio.to_thread(phone.listen, 4.0)
        at_agent = hear_pcm(agent.heard(id_))
        phone.hang_up()
        await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
        view = await house.recorded(id_)
        assert house.product.processes()["web"] != first
        events = (await house.api.get(f"/api/calls/{id_}/events")).json()
    assert at_agent.tone(440.0) == pytest.approx(-12.0, abs=1.0)
    assert at_agent.level == pytest.approx(-12.0, abs=1.0), "there was a gap"
    assert phone.heard().tone(1000.0) == pytest.approx(-15.0, abs=1.0)
    assert phone.heard().level == pytest.approx(-15.0, abs=1.0), "there was a gap"
    assert (view["outcome"], view["hung_up_by"]) == ("answered", "caller")
    assert view["recording"]["seconds"] == pytest.approx(view["talk_seconds"], abs=0.3)
    kinds = [event["type"] for event in events]
    for kind in ("call.started", "call.answered", "recording.started", "call.digit", "call.ended", "recording.closed"):
        assert kinds.count(kind) == 1, kind
    sequences = [event["sequence"] for event in events]
    assert sequences == sorted(set(sequences))


async def test_a_killed_phone_process_is_back_and_the_call_is_lost_but_not_what_was_recorded(
    house: Any, baresip: Callable[..., Any]
) -> None:
    async with talking(house, baresip) as (phone, agent, id_):
        await asyncio.sleep(1.0)  # what the recorder has not written yet may be lost
        kill(house, "phone")
        begun = asyncio.get_running_loop().time()
        ended = await house.event("call.ended", call=id_)
        back = asyncio.get_running_loop().time() - begun
        assert back < 8
        assert ended["by"] == "system"
        assert "ended unexpectedly" in ended["reason"]
        view = await house.recorded(id_)
        said = {"state": "ended", "outcome": "answered", "hung_up_by": "system"}
        assert {name: view[name] for name in said} == said
        assert view["recording"]["seconds"] >= 1.5
        caller_side, agent_side = hear_recording(await house.download(view), edge=0.2)
        phone.hang_up()

        # the agent's headset comes back by itself, and the next call can be taken
        await house.event("agent.headset", agent="agent1", connected=True, within=30)
        await house.until(lambda: accepted(agent.be_ready()))
        scenario = house.scenario("caller_hangs_up", {'milliseconds="100"': 'milliseconds="300"'})
        await house.sipp.run(scenario)
        await house.event("call.ended", by="caller")
    assert caller_side.tone(440.0) == pytest.approx(-12.0, abs=SPEECH_CODER)
    assert agent_side.tone(1000.0) == pytest.approx(-15.0, abs=SPEECH_CODER)


async def test_a_worker_killed_while_it_finishes_a_recording_leaves_it_to_the_next_one(
    house: Any, baresip: Callable[..., Any]
) -> None:
    async with talking(house, baresip) as (phone, _agent, id_):
        pid = house.product.processes()["worker"]
        # stopped in its tracks, so that the recording is captured but cannot be finished before the kill
        os.kill(pid, signal.SIGSTOP)
        phone.hang_up()
        await house.event("recording.closed", call=id_)
        await house.call_when(id_, state="ended")
        assert (await house.call(id_))["recording"]["state"] in ("capturing", "captured")
        os.kill(pid, signal.SIGKILL)
        view = await house.recorded(id_)
        assert house.product.processes()["worker"] != pid
    assert view["recording"]["seconds"] == pytest.approx(view["talk_seconds"], abs=0.3)


async def accepted(deed: Awaitable[None]) -> bool:
    try:
        await deed
    except ConsoleRefused:
        return False
    return True
