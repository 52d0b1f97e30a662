"""Who hears whom, proved by the tones at every ear, over real sockets."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from room_guests import PITCHES, Agent, Caller, Guest, conference, gather, levels, talk

from telephony.media.ports import MediaPorts
from telephony.media.room import Room
from telephony.media.sound import Sound, beep
from telephony.media.tap import CALLER_LEG

#: a voice is there within so many dB of its level
AS_LOUD = 3.0
#: what is not to be heard is at least so far below (the noise of G.711 itself reaches some -60 dB)
NOT_HEARD = -40.0


def assert_hears(guest: Guest, guests: list[Guest], whom: list[int], edge: float = 0.1) -> None:
    for other in guests:
        best, as_a_rule = levels(guest, other, edge)
        if other.number in whom:
            assert abs(best) < AS_LOUD, f"{guest.number} hears {other.number} at {best:.1f} dB"
        else:
            assert as_a_rule < NOT_HEARD, f"{guest.number} hears {other.number} at {as_a_rule:.1f} dB"


@pytest.mark.parametrize(
    "kinds",
    [
        ("alaw", "agent", "ulaw"),
        ("ulaw", "agent", "agent", "alaw"),
        ("alaw", "agent", "agent", "ulaw", "alaw"),
    ],
)
def test_everybody_in_a_conference_hears_all_others_and_not_themselves(
    on_loop: Any, parts: Any, ports: MediaPorts, kinds: tuple[str, ...]
) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            tap = parts.KeepingTap()
            room = Room("call-1", ports.clock, tap)
            guests = await gather(room, ports, desk, kinds)
            room.route(conference(guests))
            await talk(guests, 1.2)
            for guest in guests:
                assert_hears(guest, guests, [other.number for other in guests if other is not guest], edge=0.2)
                assert 50 <= len(guest.ear) <= 80
            for guest in guests:
                taped = [packet[3] for packet in tap.of(guest.number)]
                assert len(taped) == 60
                assert parts.level(taped, guest.hertz, guest.law) > 5000
            qualities = room.close()
            assert sorted(qualities) == [guest.number for guest in guests if isinstance(guest, Caller)]
            assert ports.in_use == 0
            for guest in guests:
                await guest.close()

    on_loop(work())


def test_the_caller_hears_nothing_of_a_whisper(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            tap = parts.KeepingTap()
            room = Room("call-1", ports.clock, tap)
            caller, agent, supervisor = guests = await gather(room, ports, desk, ("alaw", "agent", "agent"))
            # listens
            room.route({0: [1], 1: [0], 2: [0, 1]})
            await talk(guests, 0.8)
            assert_hears(supervisor, guests, [0, 1], edge=0.2)
            assert_hears(agent, guests, [0])
            assert_hears(caller, guests, [1])
            assert tap.of(2) == []
            # whispers
            for guest in guests:
                guest.ear.clear()
            room.route({0: [1], 1: [0, 2], 2: [0, 1]})
            await talk(guests, 1.2)
            assert_hears(agent, guests, [0, 2], edge=0.2)
            assert_hears(caller, guests, [1])
            assert_hears(supervisor, guests, [0, 1])
            # barges
            assert len(tap.of(2)) == 60
            for guest in guests:
                guest.ear.clear()
            room.route(conference(guests))
            await talk(guests, 0.8)
            assert_hears(caller, guests, [1, 2], edge=0.2)
            # with the supervisor alone to be heard by nobody but the agent, the caller's ear is silent
            for guest in guests:
                guest.ear.clear()
            room.route({0: [1], 1: [0, 2], 2: [0, 1]})
            await talk(guests, 0.8, silent=[caller, agent])
            assert caller.heard(0.2).tone(supervisor.hertz) < -18 - 60
            room.close()
            for guest in guests:
                await guest.close()

    on_loop(work())


def test_two_telephones_talk_through_a_room_without_a_headset(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            tap = parts.KeepingTap()
            room = Room("call-1", ports.clock, tap)
            guests = await gather(room, ports, desk, ("alaw", "ulaw"))
            room.route({0: [1], 1: [0]})
            await talk(guests, 0.6)
            for guest, other in (guests, guests[::-1]):
                assert_hears(guest, guests, [other.number])
                assert {law for law, _ in guest.ear} == {guest.law}
            assert [len(tap.of(number)) for number in (0, 1)] == [30, 30]
            room.close()
            for guest in guests:
                await guest.close()

    on_loop(work())


def test_agents_talk_to_each_other_while_the_caller_hears_music(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            tap = parts.KeepingTap()
            room = Room("call-1", ports.clock, tap)
            caller, agent, consulted = guests = await gather(room, ports, desk, ("alaw", "agent", "agent"))
            room.route({1: [2], 2: [1]})
            music = PITCHES[3]
            room.play(0, [Sound("music", parts.tone(music, 0.25, 5830))], loop=True)
            await talk(guests, 1.0)
            assert_hears(caller, guests, [])
            assert abs(caller.heard().tone(music) + 18) < 2 * AS_LOUD
            assert_hears(agent, guests, [2])
            assert_hears(consulted, guests, [1])
            # the held caller's track goes on, and holds the caller, not the music
            taped = [packet[3] for packet in tap.of(CALLER_LEG)]
            assert len(taped) == 50
            assert parts.level(taped, caller.hertz) > 5000
            assert parts.level(taped, music) < 100
            assert [len(tap.of(number)) for number in (1, 2)] == [50, 50]
            room.stop_playing(0)
            room.remove(2)
            room.route({0: [1], 1: [0]})
            for guest in guests:
                guest.ear.clear()
            await talk([caller, agent], 0.6)
            assert_hears(caller, guests, [1])
            assert_hears(agent, guests, [0])
            assert any('"stop"' in text for text in consulted.said_to)
            room.close()
            for guest in guests:
                await guest.close()

    on_loop(work())


def test_a_party_that_stalls_leaves_the_others_undisturbed_and_its_delay_is_shed(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            room = Room("call-1", ports.clock)
            caller, agent, member = guests = await gather(room, ports, desk, ("alaw", "agent", "alaw"))
            room.route(conference(guests))
            await talk(guests, 0.4)
            held_back = [caller.next() for _ in range(35)]
            for guest in guests:
                guest.ear.clear()
            await talk([agent, member], 0.7)
            assert_hears(agent, [agent, member], [2])
            assert_hears(member, [agent, member], [1])
            # all of it at once
            caller.skip(-35)
            for payload in held_back:
                caller.skip(1)
                caller.send(payload)
            await asyncio.sleep(0.01)
            voice = room._mixer.voice(0)
            assert voice is not None
            assert voice.waiting <= 480 + 160
            assert voice.shed >= 25 * 160
            for guest in guests:
                guest.ear.clear()
            await talk(guests, 1.0)
            assert_hears(agent, guests, [0, 2], edge=0.2)
            assert voice.waiting <= 480
            room.close()
            for guest in guests:
                await guest.close()

    on_loop(work())


def test_lost_packets_a_new_ssrc_and_wrapping_numbers_do_not_stop_a_voice(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            room = Room("call-1", ports.clock)
            caller, agent, member = guests = await gather(room, ports, desk, ("alaw", "agent", "ulaw"))
            assert caller.sequence + 6 > 0xFFFF
            assert caller.timestamp + 26 * 160 > 0xFFFFFFFF
            room.route(conference(guests))
            loop = asyncio.get_running_loop()
            began = loop.time()
            for count in range(75):
                payload = caller.next()
                if count % 10 != 7:
                    caller.send(payload)
                if count == 40:
                    caller.ssrc, caller.sequence, caller.timestamp = 77, 20_000, 123_456_789
                agent.say()
                member.say()
                await asyncio.sleep(max(0, began + (count + 1) * 0.02 - loop.time()))
                for guest in guests:
                    guest.listen()
            for guest in (agent, member):
                best, _ = levels(guest, caller, 0.2)
                assert abs(best) < AS_LOUD
                assert len(guest.ear) >= 65
            quality = room.close()[0]
            assert quality.lost in (7, 8)
            for guest in guests:
                await guest.close()

    on_loop(work())


def test_a_hundred_changes_of_routing_leave_one_stream_to_each_telephone_and_nothing_behind(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            room = Room("call-1", ports.clock, parts.KeepingTap())
            guests = await gather(room, ports, desk, ("alaw", "agent", "alaw"))
            matrices: list[dict[int, list[int]]] = [
                {0: [1], 1: [0]},
                conference(guests),
                {0: [2], 2: [0]},
                {},
                {0: [1], 1: [0, 2], 2: [0, 1]},
            ]
            for count in range(100):
                room.route(matrices[count % 5])
                if count % 5 == 3:
                    room.play(0, [beep()], loop=True)
                else:
                    room.stop_playing(0)
                await talk(guests, 0.02)
            caller = guests[0]
            assert isinstance(caller, Caller)
            numbers = [sequence for sequence, _, _ in caller.packets]
            assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(len(numbers))]
            assert len({ssrc for _, _, ssrc in caller.packets}) == 1
            stamps = [(timestamp - caller.packets[0][1]) & 0xFFFFFFFF for _, timestamp, _ in caller.packets]
            assert all(after > before for before, after in pairwise(stamps))
            room.route({0: [1], 1: [0]})
            assert not room._mixer.running
            clocked = len(ports.clock._all)
            assert clocked == 2, "the legs, and neither mixer nor music"
            room.close()
            assert len(ports.clock._all) == 0
            assert ports.in_use == 0
            for guest in guests:
                await guest.close()

    on_loop(work())


def test_a_console_that_reloads_in_a_conference_is_back_in_it(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            room = Room("call-1", ports.clock)
            caller, agent, other = guests = await gather(room, ports, desk, ("alaw", "agent", "agent"))
            room.route(conference(guests))
            room.set_muted(1, True)
            await talk(guests, 0.2)
            await agent.close()
            room.remove_headset(1)
            await talk([caller, other], 0.2)
            assert room.parties == (0, 1, 2)
            back = Agent(1, agent.hertz, await desk.headset("agent1", "console2"), "agent1")
            room.add_headset(1, desk.server.headset("agent1"))
            await talk([caller, back, other], 0.8)
            assert_hears(back, guests, [0, 2], edge=0.2)
            assert any('"muted":true' in text for text in back.said_to)
            caller.ear.clear()
            await talk([caller, back, other], 0.6)
            assert_hears(caller, guests, [1, 2])
            room.close()
            for guest in (caller, back, other):
                await guest.close()

    on_loop(work())
