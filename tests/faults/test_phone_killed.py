"""The phone process is killed in mid-call: soon back, the call lost and told once, no event lost or doubled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fair_figures import Fair
from tones import SPEECH_CODER, hear_recording

from console.headless_agent import ConsoleRefused
from telephony.seam.client import SeamClient, SeamClosed

pytestmark = [pytest.mark.peer, pytest.mark.by_the_clock]

#: seconds from the kill until the seam answers and the lines are up
BACK = 2.0
KILLS = 3


async def test_a_killed_phone_process_is_back_within_two_seconds_and_loses_the_call_but_no_event(
    house: Any, baresip: Callable[..., Any], kill: Callable[[str], int], fair: Fair
) -> None:
    phone = baresip("patient", tone=(440.0, -12.0))
    async with house.watching(), house.agent(auto_answer=True, play=house.tone(1000.0)) as agent:
        phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
        id_ = (await agent.wait_for("answered"))["call"]
        await asyncio.to_thread(phone.listen, 4.0)
        killed_at, begun = time.time(), time.monotonic()
        first = kill("phone")
        seam, lines = await back(house, begun)
        ended = await house.event("call.ended", call=id_)
        await house.event("agent.headset", agent="agent1", connected=True)
        again = time.monotonic() - begun
        await house.until(lambda: accepted(agent))
        ready = time.monotonic() - begun
        phone.hang_up()
        view = await house.recorded(id_, within=60)
        events = (await house.api.get(f"/api/calls/{id_}/events")).json()
        caller_side, agent_side = hear_recording(await house.download(view), edge=0.2)
        assert house.product.processes()["phone"] != first
    kept = view["recording"]["seconds"]
    talked = killed_at - next(e["at"] for e in events if e["type"] == "recording.started")
    fair(
        max(seam, lines) < BACK,
        f"killed: the seam answers after {seam:.2f} s, the lines are up after {lines:.2f} s, the headset is back after "
        f"{again:.2f} s, the agent is ready after {ready:.2f} s; {talked - kept:.2f} s of {talked:.2f} s not recorded",
    )
    fair(talked - kept < 1.0, f"killed: {talked - kept:.2f} s of {talked:.2f} s not recorded")
    kinds = [event["type"] for event in events]
    assert kinds.count("call.ended") == 1
    assert kinds.count("recording.closed") <= 1
    said = {"state": "ended", "outcome": "answered", "hung_up_by": "system"}
    assert {name: view[name] for name in said} == said
    levels = caller_side.tone(440.0), agent_side.tone(1000.0)
    fair(
        levels == pytest.approx((-12.0, -15.0), abs=SPEECH_CODER),
        f"killed: the caller's tone of -12 dB is recorded at {levels[0]:.1f}, the agent's of -15 at {levels[1]:.1f}",
    )
    heard = [event["sequence"] for event in house.events if event["node"] == ended["node"]]
    assert heard == sorted(set(heard)), "an event came twice or late"
    jumps = [(before, after) for before, after in pairwise(heard) if after != before + 1]
    assert len(jumps) == 1, "an event is missing"
    assert next(e for e in house.events if e["sequence"] == jumps[0][1])["type"] == "node.started"


async def test_a_phone_process_that_is_killed_again_and_again_is_back_as_soon_each_time(
    house: Any, kill: Callable[[str], int], fair: Fair
) -> None:
    took = []
    async with house.watching():
        for _ in range(KILLS):
            begun = time.monotonic()
            kill("phone")
            took.append(max(await back(house, begun)))
            # the consoles hear of each of them
            await house.until(lambda: healthy(house))
    fair(max(took) < BACK, f"killed {KILLS} times: back after {', '.join(f'{seconds:.2f}' for seconds in took)} s")


async def healthy(house: Any) -> bool:
    return bool((await house.health())["status"] == "ok")


async def back(house: Any, begun: float) -> tuple[float, float]:
    """Seconds until the seam answers, and until every line is up."""
    path = house.product.data / "run" / "phone.sock"
    seam = 0.0
    async with asyncio.timeout(20):
        while True:
            try:
                lines = await asked(path)
            except SeamClosed:
                await asyncio.sleep(0.02)
                continue
            seam = seam or time.monotonic() - begun
            if lines and all(line["status"] == "up" for line in lines):
                return seam, time.monotonic() - begun
            await asyncio.sleep(0.02)


async def asked(path: Path) -> list[dict[str, Any]]:
    """The lines as the phone process tells them. Raises ConnectionError while it is away."""
    client = await SeamClient.connect(path)
    try:
        lines: list[dict[str, Any]] = (await client.command("snapshot"))["lines"]
    finally:
        await client.close()
    return lines


async def accepted(agent: Any) -> bool:
    try:
        await agent.be_ready()
    except ConsoleRefused:
        return False
    return True
