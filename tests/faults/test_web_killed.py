"""The web process is killed in mid-call: the call does not notice, and the consoles resume with every event."""

from __future__ import annotations

import array
import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from fair_figures import Fair
from rtp_voice import RtpVoice, Stream, markers
from stubborn_caller import StubbornCaller

from recordings.g711 import LINEAR

pytestmark = [pytest.mark.peer, pytest.mark.by_the_clock]

SECONDS = 8


def loud(datagram: bytes) -> bool:
    """Is there a voice in this packet (and no silence sent to keep the time)?"""
    table = LINEAR[datagram[1] & 0x7F]
    return max(abs(table[code]) for code in datagram[12:]) > 1000


async def test_a_killed_web_process_costs_the_call_no_packet_and_the_consoles_no_event(
    house: Any, kill: Callable[[str], int], fair: Fair
) -> None:
    voice = await RtpVoice.open()
    caller = await StubbornCaller.open(("127.0.0.1", house.product.sip))
    try:
        async with house.watching(), house.agent(auto_answer=True, play=house.tone(700.0)) as agent:
            call = await caller.call("13912340001", voice.port)
            id_ = (await agent.wait_for("answered"))["call"]
            speaking = asyncio.create_task(voice.speak(("127.0.0.1", call.remote_rtp), SECONDS, Stream()))
            await asyncio.sleep(2.0)
            killed = time.monotonic()
            kill("web")
            await speaking
            until = time.monotonic()
            await house.until(lambda: healthy(house))
            await caller.hang_up(call)
            await house.event("call.ended", call=id_)
            heard = markers([sample / 32768 for sample in array.array("h", agent.heard(id_))])
    finally:
        caller.close()
        voice.close()
    came = [(at, data) for at, data in voice.received if killed - 1.0 <= at <= until]
    numbers = [int.from_bytes(data[2:4], "big") for _, data in came]
    missing = sum((after - before - 1) & 0xFFFF for before, after in pairwise(numbers))
    silent = sum(not loud(data) for _, data in came)
    off = max(abs(at - heard[0] - n) for n, at in enumerate(heard)) if heard else 0.0
    fair(
        len(came) > 50 * (SECONDS - 3) and silent <= 1 and (len(heard), off <= 0.020) == (SECONDS, True),
        f"web killed: of {len(came)} packets to the caller {missing} missing and {silent} silent; "
        f"the agent heard {len(heard)} markers of {SECONDS}, at most {1000 * off:.0f} ms off",
    )
    assert missing == 0
    own = [event["sequence"] for event in house.events if event["node"] == "phone1"]
    assert own == list(range(own[0], own[0] + len(own))), "an event came twice, late or never"


async def healthy(house: Any) -> bool:
    return bool((await house.health())["status"] == "ok")
