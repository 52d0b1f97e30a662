"""The phone process is killed in mid-call: soon back, the call lost and told once, no event lost or doubled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tones import SPEECH_CODER, hear_recording

from console.headless_agent import ConsoleRefused
from telephony.seam.client import SeamClient, SeamClosed

pytestmark = [pytest.mark.peer, pytest.mark.by_the_clock]

#: seconds from the kill until the seam answers and the lines are up
BACK = 2.0
KILLS = 3


async def test_a_killed_phone_process_is_back_within_two_seconds_and_loses_the_call_but_no_event(
    house: Any, baresip: Callable[..., Any], kill: Callable[[str], int], say: Callable[[str], None]
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
    say(
        f"killed: the seam answers after {seam:.2f} s, the lines are up after {lines:.2f} s, the headset is back after "
        f"{again:.2f} s, the agent is ready after {ready:.2f} s; {talked - kept:.2f} s of {talked:.2f} s not recorded"
    )
    assert seam < BACK
    assert lines < BACK
    assert talked - kept < 1.0
    kinds = [event["type"] for event in events]
    assert kinds.count("call.ended") == 1
    assert kinds.count("recording.closed") <= 1
    said = {"state": "ended", "outcome": "answered", "hung_up_by": "system"}
    assert {name: view[name] for name in said} == said
    assert caller_side.tone(440.0) == pytest.approx(-12.0, abs=SPEECH_CODER)
    assert agent_side.tone(1000.0) == pytest.approx(-15.0, abs=SPEECH_CODER)
    heard = [event["sequence"] for event in house.events if event["node"] == ended["node"]]
    assert heard == sorted(set(heard)), "an event came twice or late"
    jumps = [(before, after) for before, after in pairwise(heard) if after != before + 1]
    assert len(jumps) == 1, "an event is missing"
    assert next(e for e in house.events if e["sequence"] == jumps[0][1])["type"] == "node.started"


async def test_a_phone_process_that_is_killed_again_and_again_is_back_as_soon_each_time(
    house: Any, kill: Callable[[str], int], say: Callable[[str], None]
) -> None:
    took = []
    async with house.watching():
        for _ in range(KILLS):
            # the next spare has to be there: a phone that dies at once again is started from the disk
            await house.until(lambda: spare_stands(house))
            begun = time.monotonic()
            kill("phone")
            took.append(max(await back(house, begun)))
    say(f"killed {KILLS} times: back after {', '.join(f'{seconds:.2f}' for seconds in took)} s")
    assert max(took) < BACK


async def spare_stands(house: Any) -> bool:
    return await asyncio.to_thread(spare_waits, house.product.process.pid)


def spare_waits(parent: int) -> bool:
    """The supervisor has a child without a name, which has loaded the phone and sleeps."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        about = Path("/proc", child)
        if (about / "comm").read_text().startswith("sansheng-"):
            continue
        asleep = (about / "stat").read_text().rsplit(")", 1)[1].split()[0] == "S"
        return asleep and "picows" in (about / "maps").read_text()
    return False


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
