import asyncio
import struct
from typing import Any

from telephony.media import g711
from telephony.media.ports import MediaPorts
from telephony.media.room import Room
from telephony.media.rtp import RtpPacket
from telephony.media.rtp_leg import RtpLeg
from telephony.media.silence import silence
from telephony.media.tap import AGENT_LEG, CALLER_LEG

SECONDS = 0.6
BOTH = {0: [1], 1: [0]}


def caller_room(ports: MediaPorts, leg: RtpLeg, tap: Any) -> Room:
    """The caller, and an agent to come, who hear each other."""
    room = Room("call-1", ports.clock, tap)
    room.add_leg(0, leg)
    room.route(BOTH)
    return room


def packets(pcm: bytes, payload_type: int, samples: int) -> list[bytes]:
    coded = g711.encode(pcm, payload_type)
    return [coded[at : at + samples] for at in range(0, len(coded), samples)]


async def converse(
    parts: Any, client: Any, telephone: Any, port: int, law: int, samples: int, both: bool = True
) -> tuple[list[bytes], list[RtpPacket]]:
    """The telephone says 440 Hz, the headset 1000 Hz; gives what each of them heard."""
    ear: list[bytes] = []

    async def listen() -> None:
        async for message in client:
            if isinstance(message, bytes):
                ear.append(message)

    listening = asyncio.create_task(listen())
    said = packets(parts.tone(440, SECONDS), law, samples)
    spoken = packets(parts.tone(1000, SECONDS), law, samples)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, (from_line, from_agent) in enumerate(zip(said, spoken, strict=True)):
        telephone.send(port, from_line, payload_type=law)
        if both:
            await client.send(struct.pack("!BBHI", law, 0, number, number * samples) + from_agent)
        await asyncio.sleep(max(0, began + (number + 1) * samples / 8000 - loop.time()))
    await asyncio.sleep(0.05)
    listening.cancel()
    return ear, [RtpPacket.parse(datagram) for datagram in telephone.waiting()]


def test_each_side_hears_the_others_tone_at_its_level_and_both_are_recorded(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work(law: int, samples: int) -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            telephone = parts.Telephone()
            leg = ports.open_leg()
            leg.negotiate(parts.Agreed(telephone.port, payload_type=law))
            tap = parts.KeepingTap()
            room = caller_room(ports, leg, tap)
            room.add_headset(1, desk.server.headset("agent1"))
            start = await parts.text_of(client, "start")
            assert (start["call"], start["payload_type"], start["direction"]) == ("call-1", law, "sendrecv")
            ear, line = await converse(parts, client, telephone, leg.port, law, samples)
            quality = room.close()[0]

            count = int(SECONDS * 8000 / samples)
            assert len(ear) == count
            assert {frame[0] for frame in ear} == {law}
            numbers = [struct.unpack_from("!HI", frame, 2) for frame in ear]
            assert numbers == [(n, n * samples) for n in range(count)]
            heard = [frame[8:] for frame in ear]
            assert 7600 < parts.level(heard, 440, law) < 8400
            assert parts.level(heard, 1000, law) < 200

            assert {packet.payload_type for packet in line} == {law}
            spoken = [packet.payload for packet in line if packet.payload != silence(law)]
            # the pacer may leave out what a busy machine let come in a burst
            assert count - 4 <= len(spoken) <= count
            assert 7600 < parts.level(spoken, 1000, law) < 8400
            assert parts.level(spoken, 440, law) < 200

            assert [packet[3] for packet in tap.of(CALLER_LEG)] == heard
            assert {packet[1] for packet in tap.packets} == {law}
            assert [packet[3] for packet in tap.of(AGENT_LEG)] == packets(parts.tone(1000, SECONDS), law, samples)
            stamps = [packet[2] for packet in tap.of(AGENT_LEG)]
            assert stamps == [n * samples for n in range(count)], "those of the headset"
            assert tap.closed == 1
            assert (quality.received, quality.lost) == (count, 0)
            assert ports.in_use == 0
            telephone.close()

    on_loop(work(8, 160))
    on_loop(work(0, 160))
    on_loop(work(8, 80))
    on_loop(work(0, 240))


def test_muted_the_line_hears_silence_and_nothing_of_the_agent_is_taped(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            telephone = parts.Telephone()
            leg = ports.open_leg()
            leg.negotiate(parts.Agreed(telephone.port))
            tap = parts.KeepingTap()
            room = caller_room(ports, leg, tap)
            room.add_headset(1, desk.server.headset("agent1"))
            room.route({1: [0]})
            room.set_muted(1, True)
            assert (await parts.text_of(client, "mute"))["muted"] is True
            ear, line = await converse(parts, client, telephone, leg.port, 8, 160)
            assert {packet.payload for packet in line} == {silence(8)}
            assert tap.of(AGENT_LEG) == []
            assert parts.level([frame[8:] for frame in ear], 440) > 7600
            room.route(BOTH)
            _, line = await converse(parts, client, telephone, leg.port, 8, 160)
            spoken = [packet.payload for packet in line if packet.payload != silence(8)]
            assert parts.level(spoken, 1000) > 7600
            assert parts.level([packet[3] for packet in tap.of(AGENT_LEG)], 1000) > 7600
            room.close()

    on_loop(work())


def test_held_neither_side_hears_the_other_and_the_callers_track_goes_on(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            telephone = parts.Telephone()
            leg = ports.open_leg()
            leg.negotiate(parts.Agreed(telephone.port))
            tap = parts.KeepingTap()
            room = caller_room(ports, leg, tap)
            room.add_headset(1, desk.server.headset("agent1"))
            room.route({})
            ear, line = await converse(parts, client, telephone, leg.port, 8, 160)
            assert ear == []
            assert {packet.payload for packet in line} == {silence(8)}
            assert parts.level([packet[3] for packet in tap.of(CALLER_LEG)], 440) > 7600
            room.close()

    on_loop(work())


def test_a_call_without_headset_is_recorded_and_hears_silence_after_a_headset_is_gone(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            telephone = parts.Telephone()
            leg = ports.open_leg()
            leg.negotiate(parts.Agreed(telephone.port))
            tap = parts.KeepingTap()
            room = caller_room(ports, leg, tap)
            telephone.send(leg.port)
            await parts.eventually(lambda: len(tap.of(CALLER_LEG)) == 1)
            assert telephone.waiting() == []
            client = await desk.headset()
            room.add_headset(1, desk.server.headset("agent1"))
            await client.close()
            await parts.eventually(lambda: ("lost", "agent1", "closed") in desk.listener.told)
            telephone.waiting()
            assert RtpPacket.parse(await telephone.receive()).payload == silence(8)
            telephone.send(leg.port)
            await parts.eventually(lambda: len(tap.of(CALLER_LEG)) == 2)
            room.close()
            room.close()
            assert tap.closed == 1

    on_loop(work())


def test_a_reloaded_console_takes_the_call_over(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset(console="before") as before:
            telephone = parts.Telephone()
            leg = ports.open_leg()
            leg.negotiate(parts.Agreed(telephone.port))
            room = caller_room(ports, leg, parts.KeepingTap())
            room.add_headset(1, desk.server.headset("agent1"))
            await parts.text_of(before, "start")
            async with await desk.headset(console="after") as after:
                room.add_headset(1, desk.server.headset("agent1"))
                assert (await parts.text_of(after, "start"))["call"] == "call-1"
                ear, line = await converse(parts, after, telephone, leg.port, 8, 160)
                assert parts.level([frame[8:] for frame in ear], 440) > 7600
                assert parts.level([packet.payload for packet in line if packet.payload != silence(8)], 1000) > 7600
            room.close()

    on_loop(work())


def test_digits_of_the_caller_are_reported_and_not_heard(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            telephone = parts.Telephone()
            leg = ports.open_leg()
            leg.negotiate(parts.Agreed(telephone.port))
            tap = parts.KeepingTap()
            room = caller_room(ports, leg, tap)
            digits: list[str] = []
            leg.on_digit = digits.append
            room.add_headset(1, desk.server.headset("agent1"))
            await parts.text_of(client, "start")
            telephone.send(leg.port, struct.pack("!BBH", 3, 10, 160), payload_type=101)
            telephone.send(leg.port)
            frame = await client.recv()
            while isinstance(frame, str):
                frame = await client.recv()
            assert frame[8:] == b"\x2a" * 160
            assert digits == ["3"]
            assert len(tap.of(CALLER_LEG)) == 1
            room.close()

    on_loop(work())
