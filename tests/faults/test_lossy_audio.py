"""Audio over a bad network: the recording and the ear keep time, and what is missing is told as missing."""

from __future__ import annotations

import array
import asyncio
from typing import Any

import pytest
from fair_figures import Fair
from lossy_network import CLEAR, Weather, lossy_network
from rtp_voice import RtpVoice, Stream, markers
from stubborn_caller import StubbornCaller
from tones import hear_recording

pytestmark = [pytest.mark.peer, pytest.mark.by_the_clock]

SECONDS = 8
#: seconds by which a marker may lie elsewhere than where it was spoken
OFF = 0.0201

BAD = Weather(loss=0.03, delay=0.01, jitter=0.05)


@pytest.mark.parametrize(
    ("what", "weather", "stream"),
    [
        ("3 % lost, 50 ms jitter", BAD, Stream()),
        ("another source each 3 s", CLEAR, Stream(ssrc_every=3.0)),
        ("all of it", BAD, Stream(sequence=65400, timestamp=2**32 - 20_000, ssrc_every=3.0)),
    ],
)
async def test_the_recording_and_the_ear_keep_time(
    house: Any, fair: Fair, what: str, weather: Weather, stream: Stream
) -> None:
    desk = ("127.0.0.1", house.product.sip)
    voice = await RtpVoice.open()
    caller = await StubbornCaller.open(desk)
    try:
        async with (
            house.watching(),
            lossy_network(weather, seed=5) as network,
            house.agent(auto_answer=True, play=house.tone(700.0)) as agent,
        ):
            call = await caller.call("13912340001", network.port_for_desk)
            id_ = (await agent.wait_for("answered"))["call"]
            network.desk = ("127.0.0.1", call.remote_rtp)
            await voice.speak(("127.0.0.1", network.port_for_peer), SECONDS, stream)
            await asyncio.sleep(0.2)
            await caller.hang_up(call)
            await house.event("call.ended", call=id_)
            heard = markers([sample / 32768 for sample in array.array("h", agent.heard(id_))])
            view = await house.recorded(id_)
            side = hear_recording(await house.download(view), edge=0.0)[0]
            quality = await house.event("media.quality", call=id_)
    finally:
        caller.close()
        voice.close()
    recorded = markers([sample / 32768 for sample in side.samples])
    file_off, ear_off = worst(recorded), worst(heard)
    fair(
        len(recorded) == len(heard) == SECONDS and max(file_off, ear_off) <= OFF,
        f"{what}: markers in the file at most {1000 * file_off:.1f} ms off, in the ear {1000 * ear_off:.1f} ms; "
        f"{len(recorded)} and {len(heard)} of {SECONDS} markers; "
        f"{quality['received']} packets, {quality['lost']} lost, {quality['late']} late",
    )
    assert view["recording"]["seconds"] == pytest.approx(view["talk_seconds"], abs=0.3)


def worst(places: list[float]) -> float:
    """How far the markers lie from one a second, the middle one taken as right; 0 of none."""
    if not places:
        return 0.0
    off = sorted(at - n for n, at in enumerate(places))
    middle = off[len(off) // 2]
    return max(abs(one - middle) for one in off)
