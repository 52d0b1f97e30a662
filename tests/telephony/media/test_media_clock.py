import asyncio
import logging
import time
from typing import Any

import pytest

from telephony.media.media_clock import MediaClock


class Counted:
    def __init__(self, fails: bool = False) -> None:
        self.wakes_at = 0
        self.frames = 0
        self.ticks = 0
        self.fails = fails

    def frame_due(self, now: int) -> None:
        self.frames += 1
        if self.fails:
            raise RuntimeError("of the test")

    def tick(self, now: int) -> None:
        self.ticks += 1


def test_frames_come_each_20_ms_and_ticks_only_to_the_busy(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        clock, idle, busy = MediaClock(), Counted(), Counted()
        clock.add(idle, loop)
        clock.add(busy, loop)
        clock.busy(busy)
        began = loop.time()
        await parts.eventually(lambda: idle.frames == 20)
        assert 0.38 <= loop.time() - began < 3
        assert idle.ticks == 0
        assert busy.ticks >= 76
        clock.remove(idle)
        clock.remove(busy)
        frames = busy.frames
        await asyncio.sleep(0.06)
        assert (idle.frames, busy.frames) == (20, frames)

    on_loop(work())


def test_a_leg_is_left_alone_until_it_wants_to_be_woken(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        clock, awake, asleep = MediaClock(), Counted(), Counted()
        asleep.wakes_at = time.monotonic_ns() + 200_000_000
        clock.add(awake, loop)
        clock.add(asleep, loop)
        await parts.eventually(lambda: awake.frames == 4)
        assert asleep.frames == 0
        await parts.eventually(lambda: asleep.frames > 0)
        assert time.monotonic_ns() >= asleep.wakes_at
        clock.remove(awake)
        clock.remove(asleep)

    on_loop(work())


def test_one_leg_that_fails_does_not_stop_the_others(
    on_loop: Any, parts: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        clock, bad, good = MediaClock(), Counted(fails=True), Counted()
        clock.add(bad, loop)
        clock.add(good, loop)
        await parts.eventually(lambda: good.frames >= 3)
        clock.remove(bad)
        clock.remove(good)

    with caplog.at_level(logging.ERROR):
        on_loop(work())
    assert "media frame failed" in caplog.text
