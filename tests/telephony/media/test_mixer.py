import asyncio
import struct
from itertools import pairwise
from typing import Any

import pytest

from telephony.media import g711
from telephony.media.beat import FRAME_NS, Beat
from telephony.media.fades import RAMP, cross_fade, fade_in, fade_in_payload, fade_out
from telephony.media.media_clock import MediaClock
from telephony.media.mixer import Mixer
from telephony.media.silence import silence


class Ear:
    def __init__(self, law: int = 8) -> None:
        self.law = law
        self.heard: list[bytes] = []

    def hear(self, payload: bytes) -> None:
        self.heard.append(payload)

    def samples(self) -> tuple[int, ...]:
        pcm = g711.decode(b"".join(self.heard), self.law)
        return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def steady(level: int, law: int = 8) -> bytes:
    return g711.encode(struct.pack("<h", level) * 160, law)


class Table:
    """A mixer with its beat in the test's hands."""

    def __init__(self) -> None:
        self.mixer = Mixer(MediaClock())
        self.now = 10**12
        self.sent = 0

    def frame(self, levels: dict[int, int]) -> None:
        for speaker, level in levels.items():
            voice = self.mixer.voice(speaker)
            if voice is not None:
                voice.push(steady(level), 8, self.sent * 160)
        self.sent += 1
        self.mixer.frame_due(self.now)
        self.now += FRAME_NS


def test_each_ear_gets_the_sum_of_its_speakers_in_its_law(on_loop: Any) -> None:
    async def work() -> None:
        table, one, other = Table(), Ear(8), Ear(0)
        table.mixer.mix({one: (1, 2), other: (0, 2)})
        for _ in range(3):
            table.frame({0: 1000, 1: 2000, 2: 4000})
        assert one.samples()[-1] == pytest.approx(6000, rel=0.04)
        assert other.samples()[-1] == pytest.approx(5000, rel=0.04)
        assert [len(payload) for payload in one.heard] == [160] * 3

    on_loop(work())


def test_a_sum_beyond_full_scale_saturates_and_does_not_wrap(on_loop: Any) -> None:
    async def work() -> None:
        table, ear = Table(), Ear()
        table.mixer.mix({ear: (0, 1, 2)})
        for _ in range(2):
            table.frame({0: 30000, 1: 30000, 2: 30000})
        assert min(ear.samples()[-160:]) == 32256
        for _ in range(2):
            table.frame({0: -30000, 1: -30000, 2: -30000})
        assert max(ear.samples()[-160:]) == -32256

    on_loop(work())


def test_nobody_speaking_is_silence_in_time(on_loop: Any) -> None:
    async def work() -> None:
        table, ear = Table(), Ear(0)
        table.mixer.mix({ear: (0, 1)})
        for _ in range(5):
            table.frame({})
        assert ear.heard == [silence(0)] * 5

    on_loop(work())


def test_those_who_come_and_go_fade(on_loop: Any) -> None:
    async def work() -> None:
        table, ear, stays = Table(), Ear(), Ear()
        table.mixer.mix({ear: (0, 1), stays: (0, 1)})
        for _ in range(4):
            table.frame({0: 2000, 1: 8000})
        table.mixer.mix({ear: (0, 2), stays: (0, 1)})
        for _ in range(4):
            table.frame({0: 2000, 1: 8000, 2: 12000})
        table.mixer.mix({ear: (0, 2), stays: (0, 2)})
        for _ in range(4):
            table.frame({0: 2000, 2: 12000})
        steps = [abs(after - before) for before, after in pairwise(ear.samples())]
        assert max(steps) < 1000
        steps = [abs(after - before) for before, after in pairwise(stays.samples())]
        assert max(steps) < 1000
        assert ear.samples()[-1] == pytest.approx(14000, rel=0.04)
        assert table.mixer.voice(1) is None

    on_loop(work())


def test_the_clock_is_used_only_while_there_are_mixes(on_loop: Any) -> None:
    async def work() -> None:
        clock = MediaClock()
        mixer, ear = Mixer(clock), Ear()
        mixer.mix({})
        assert not clock._all
        mixer.mix({ear: (0, 1)})
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.5)
        took = asyncio.get_running_loop().time() - began
        assert took * 50 * 0.7 <= len(ear.heard) <= took * 50 + 3
        mixer.mix({})
        assert not clock._all

    on_loop(work())


def test_a_clock_that_comes_late_makes_up_for_it_unless_it_was_away_for_long() -> None:
    beat = Beat()
    now = 10**12
    assert beat.due(now) == 1
    assert beat.due(now + 5_000_000) == 0
    assert beat.due(now + 19_000_000) == 1
    assert beat.due(now + 3 * FRAME_NS + 1) == 2
    total = sum(beat.due(now + 3 * FRAME_NS + 1 + step * 21_000_000) for step in range(1, 101))
    assert total == 105
    assert beat.due(now + 10**10) == 1
    # a stall of 60 ms is skipped, not made up for: four frames at once would be delay
    assert beat.due(now + 10**10 + 4 * FRAME_NS) == 1
    assert beat.due(now + 10**10 + 5 * FRAME_NS) == 1


def test_fades_begin_and_end_at_silence() -> None:
    pcm = struct.pack("<h", 8000) * 160
    rising = struct.unpack("<160h", fade_in(pcm))
    assert rising[0] == 0
    assert list(rising) == sorted(rising)
    assert rising[RAMP:] == (8000,) * (160 - RAMP)
    sinking = struct.unpack("<160h", fade_out(pcm))
    assert sinking[0] == 8000
    assert sinking[RAMP:] == (0,) * (160 - RAMP)
    crossed = struct.unpack("<160h", cross_fade(bytes(320), pcm))
    assert crossed == rising
    for law in (0, 8):
        payload = steady(8000, law)
        faded = fade_in_payload(payload, law)
        assert len(faded) == 160
        assert faded[RAMP:] == payload[RAMP:]
        assert abs(struct.unpack("<h", g711.decode(faded[:1], law))[0]) <= 8
    assert fade_in(b"") == b""
    assert len(fade_in_payload(steady(5)[:10], 8)) == 10
