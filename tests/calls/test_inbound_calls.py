"""A call comes in, is answered and ends: what the log says of it, and its recording over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from typing import Any

import pytest
from tones import SPEECH_CODER, hear_recording

pytestmark = pytest.mark.peer


def seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


async def test_an_answered_call_that_the_caller_ends_stands_in_the_log_with_all_its_facts(house: Any) -> None:
    scenario = house.scenario("caller_hangs_up", {'milliseconds="100"': 'milliseconds="2000"'})
    async with house.watching(), house.agent() as agent:
        caller = await house.sipp.start(scenario)
        id_ = (await agent.wait_for("ringing"))["call"]
        ringing = await house.call_when(id_, state="ringing")
        assert (ringing["answered_at"], ringing["outcome"], ringing["hung_up_by"]) == (None, None, None)
        await agent.answer(id_)
        await house.call_when(id_, state="talking")
        linked = await agent.api.post(f"/api/calls/{id_}/patient", {"patient_id": house.patient})
        assert linked["patient_id"] == house.patient
        await house.sipp.finished(caller)
        ended = await house.event("call.ended", call=id_)
        view = await house.recorded(id_)

        said = {
            "direction": "inbound", "state": "ended", "outcome": "answered", "hung_up_by": "caller", "sip_status": 200,
            "number": "138****0001", "dialled": "4001", "line": "trunk", "queue": "default", "agent": "agent1",
            "patient_id": house.patient, "patient_name": "王小明", "caller_rings": 1, "agent_rings": 1,
            "within_three_rings": True, "rule_version": 1, "end_reason": "BYE",
        }  # fmt: skip
        assert {name: view[name] for name in said} == said
        started, answered, over = (seconds(view[name]) for name in ("started_at", "answered_at", "ended_at"))
        assert started < answered < over
        assert over == pytest.approx(ended["at"], abs=0.01)
        assert over - answered == pytest.approx(2.0, abs=0.5)
        assert view["talk_seconds"] == pytest.approx(over - answered, abs=0.05)
        assert view["wait_seconds"] == pytest.approx(answered - started, abs=0.05)

        recording = view["recording"]
        assert recording["channels"] == 2
        assert recording["seconds"] == pytest.approx(view["talk_seconds"], abs=0.3)
        assert recording["url"] == f"/api/recordings/{recording['id']}/audio"

        listed = (await house.api.get("/api/calls", params={"number": "13812340001", "limit": 1})).json()
        assert [one["id"] for one in listed] == [id_]


async def test_a_recording_comes_whole_over_ranges_and_its_hash_is_the_one_in_the_log(house: Any) -> None:
    scenario = house.scenario("desk_hangs_up")
    async with house.watching(), house.agent(auto_answer=True, play=house.tone(1000.0)) as agent:
        caller = await house.sipp.start(scenario)
        id_ = (await agent.wait_for("answered"))["call"]
        await house.event("recording.started", call=id_)
        await agent.wait_for("audio", call=id_, running=True)
        await asyncio.sleep(2.0)
        await agent.hang_up(id_)
        await house.sipp.finished(caller)
        view = await house.recorded(id_)
        assert (view["hung_up_by"], view["sip_status"], view["outcome"]) == ("agent", 200, "answered")

        recording = view["recording"]
        pieces, start, size = [], 0, recording["bytes"]
        while start < size:
            answer = await house.api.get(recording["url"], headers={"range": f"bytes={start}-{start + 4095}"})
            assert answer.status_code == 206
            last = min(start + 4096, size) - 1
            assert answer.headers["content-range"] == f"bytes {start}-{last}/{size}"
            pieces.append(answer.content)
            start += len(answer.content)
        assert len(pieces) > 1
        assert hashlib.sha256(b"".join(pieces)).hexdigest() == recording["sha256"]
        beyond = await house.api.get(recording["url"], headers={"range": f"bytes={size}-"})
        assert beyond.status_code == 416

        caller_side, agent_side = hear_recording(await house.download(view))
        assert agent_side.seconds == pytest.approx(recording["seconds"], abs=0.1)
        assert agent_side.seconds == pytest.approx(view["talk_seconds"], abs=0.3)
        assert agent_side.tone(1000.0) == pytest.approx(-15.0, abs=SPEECH_CODER)
        assert caller_side.level < -60


async def test_a_call_nobody_answers_rings_on_and_its_rings_are_counted(house: Any) -> None:
    """One second a ring here; the fourth ring is one too many."""
    scenario = house.scenario("desk_hangs_up")
    async with house.watching():
        await house.set_rule("ring_cadence", 1)
        try:
            async with house.agent() as agent:
                caller = await house.sipp.start(scenario)
                id_ = (await agent.wait_for("ringing"))["call"]
                await house.event("call.caller_ring", call=id_, ring=4)
                await agent.answer(id_)
                await house.event("call.answered", call=id_)
                await agent.hang_up(id_)
                await house.sipp.finished(caller)
                view = await house.call_when(id_, state="ended")
        finally:
            await house.set_rule("ring_cadence", 5)
    assert view["caller_rings"] == 4
    assert view["agent_rings"] in (3, 4)
    assert view["within_three_rings"] is False
    assert view["wait_seconds"] == pytest.approx(3.0, abs=0.9)
