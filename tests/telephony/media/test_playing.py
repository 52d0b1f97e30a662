import asyncio
from typing import Any

from room_guests import gather, levels, talk

from telephony.media.beat import FRAME_NS
from telephony.media.media_clock import MediaClock
from telephony.media.playing import Playing
from telephony.media.ports import MediaPorts
from telephony.media.room import Room
from telephony.media.silence import silence
from telephony.media.sound import Sound, beep, ringback


class Ear:
    def __init__(self, law: int = 8) -> None:
        self.law = law
        self.heard: list[bytes] = []

    def hear(self, payload: bytes) -> None:
        self.heard.append(payload)


class Played:
    """Sounds with the beat in the test's hands."""

    def __init__(self, *sounds: Sound, loop: bool = False, law: int = 8) -> None:
        self.ear = Ear(law)
        self.clock = MediaClock()
        self.ends = 0
        self.playing = Playing(self.clock, self.ear, sounds, loop=loop, on_end=self.ended)
        self.now = 10**12

    def ended(self) -> None:
        self.ends += 1

    def frames(self, count: int) -> bytes:
        for _ in range(count):
            self.playing.frame_due(self.now)
            self.now += FRAME_NS
        return b"".join(self.ear.heard)


def numbered(name: str, samples: int, law: int = 8) -> Sound:
    return Sound(name, law=law, codes=bytes(n % 251 for n in range(samples)))


def test_sounds_follow_each_other_without_a_gap_and_the_end_is_told_once(on_loop: Any) -> None:
    async def work() -> None:
        one, two, three = numbered("one", 100), numbered("two", 330), numbered("three", 50)
        played = Played(one, two, three)
        whole = one.coded(8) + two.coded(8) + three.coded(8)
        assert played.frames(3) == whole
        assert played.ends == 0
        played.frames(3)
        assert played.ends == 1
        assert not played.clock._all
        played = Played(one)
        assert played.frames(2) == one.coded(8) + silence(8, 60)
        assert played.ends == 1

    on_loop(work())


def test_a_loop_has_no_seam_whatever_its_length(on_loop: Any) -> None:
    async def work() -> None:
        for lengths in ((333,), (100, 7), (160,), (50,), (1,)):
            sounds = [numbered(str(length), length) for length in lengths]
            played = Played(*sounds, loop=True)
            once = b"".join(sound.coded(8) for sound in sounds)
            assert played.frames(40) == (once * (40 * 160 // len(once) + 1))[: 40 * 160]
            assert played.ends == 0
            played.playing.stop()
            played.playing.stop()
            assert not played.clock._all

    on_loop(work())


def test_nothing_to_play_ends_at_once(on_loop: Any) -> None:
    async def work() -> None:
        for sounds in ((), (Sound("empty"),)):
            for loop in (False, True):
                played = Played(*sounds, loop=loop)
                assert played.frames(1) == b""
                assert played.ends == 1

    on_loop(work())


def test_a_change_of_law_in_the_middle_goes_on_where_it_was(on_loop: Any) -> None:
    async def work() -> None:
        sound = numbered("one", 640)
        played = Played(sound)
        played.frames(2)
        played.ear.law = 0
        assert played.frames(2) == sound.coded(8)[:320] + sound.coded(0)[320:]

    on_loop(work())


def test_a_caller_hears_ring_back_then_a_prompt_then_the_agent(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            tap = parts.KeepingTap()
            room = Room("call-1", ports.clock, tap)
            caller, agent = guests = await gather(room, ports, desk, ("ulaw", "agent"))
            room.play(0, [ringback()], loop=True)
            await talk([caller], 0.6)
            assert abs(caller.heard().tone(450) + 19.3) < 2
            ends: list[float] = []
            loop = asyncio.get_running_loop()
            began = loop.time()
            caller.ear.clear()
            room.play(0, [beep(), Sound("pause", bytes(3200))], on_end=lambda: ends.append(loop.time() - began))
            await talk([caller], 0.3)
            assert caller.heard().tone(1000) > -21
            assert caller.heard().tone(450) < -60
            await talk([caller], 0.7)
            await parts.eventually(lambda: ends)
            assert len(ends) == 1
            assert 0.55 < ends[0] < 1.2
            caller.ear.clear()
            room.route({0: [1], 1: [0]})
            await talk(guests, 0.4)
            assert abs(levels(caller, agent)[0]) < 2
            # stopped in its middle it is over at once, and its end is not told
            room.play(0, [ringback()], loop=True)
            room.stop_playing(0)
            room.play(0, [beep()], on_end=lambda: ends.append(0))
            room.stop_playing(0)
            caller.ear.clear()
            await talk(guests, 0.4)
            assert caller.heard(0.05).tone(1000) < -50
            assert abs(levels(caller, agent, 0.05)[0]) < 2
            assert len(ends) == 1
            # an agent can be played to as well; what the agent says goes on
            for guest in guests:
                guest.ear.clear()
            room.play(1, [beep()], loop=True)
            await talk(guests, 0.4)
            assert agent.heard().tone(1000) > -21
            assert agent.heard().tone(caller.hertz) < -50
            assert abs(levels(caller, agent)[0]) < 2
            room.close()
            await talk([], 0.1)
            assert not ports.clock._all
            for guest in guests:
                await guest.close()

    on_loop(work())
