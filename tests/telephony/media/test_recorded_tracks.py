"""Each party's track in the finished recording lies where the party spoke, however the call went on in between."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest
from room_guests import Agent, Guest, conference, gather

from recordings.capture import CaptureRecorder
from recordings.capture_format import read_capture
from recordings.finish import finish
from recordings.talk import TalkWindow
from recordings.timeline import lay_out
from telephony.media.ports import MediaPorts
from telephony.media.room import Room
from telephony.media.sound import beep

#: samples a packet may lie beside its time (20 ms)
BESIDE = 160


class Numbered:
    """Packets that no other equals, and when they should have been said (monotonic ns)."""

    def __init__(self) -> None:
        self._random = random.Random(4)
        self.said_at: dict[tuple[int, bytes], int] = {}

    def payload(self, guest: Guest, at: int) -> bytes:
        guest.skip(1)
        payload = self._random.randbytes(160)
        # the head of a packet may be faded in; its tail says which it is
        self.said_at[guest.number, payload[80:]] = at
        return payload


async def speak(guests: list[Guest], said: Numbered, packets: int, clock: list[int]) -> None:
    """``clock`` holds when the next packet is due; it goes on over all calls."""
    for _ in range(packets):
        for guest in guests:
            guest.send(said.payload(guest, clock[0]))
        clock[0] += 20_000_000
        await asyncio.sleep(max(0.0, (clock[0] - time.monotonic_ns()) / 1e9))
        for guest in guests:
            guest.listen()


@pytest.mark.parametrize("law", ["alaw", "ulaw"])
def test_every_track_keeps_its_time_through_hold_consultation_conference_and_back(
    on_loop: Any, parts: Any, ports: MediaPorts, tmp_path: Path, law: str
) -> None:
    said = Numbered()

    async def work() -> str:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop())
        tap, path = recorder.open("call-1", lambda *_: None, lambda *_: None)
        async with parts.Desk() as desk:
            room = Room("call-1", ports.clock, tap)
            guests = await gather(room, ports, desk, (law, "agent", "agent", "alaw"))
            caller, agent, consulted, _ = guests
            clock = [time.monotonic_ns()]
            both = {0: [1], 1: [0]}
            for hears, whom, packets in (
                (both, [caller, agent], 30),
                ({}, [caller, agent], 25),  # held
                ({1: [2], 2: [1]}, [caller, agent, consulted], 25),
                (conference([caller, agent, consulted]), [caller, agent, consulted], 30),
                (conference(guests), guests, 30),
                (both, [caller, agent], 30),
                ({1: [0]}, [caller, agent], 15),  # muted
                (both, [caller, agent], 30),
            ):
                if not hears:
                    room.play(0, [beep()], loop=True)
                else:
                    room.stop_playing(0)
                room.route(hears)
                await speak(whom, said, packets, clock)
            await parts.eventually(lambda: desk.server.headset("agent1").received == 215)
            room.close()
            for guest in guests:
                await guest.close()
        await asyncio.to_thread(recorder.stop)
        return path

    path = on_loop(work())
    capture = read_capture(tmp_path / path)
    timeline = lay_out(capture)
    assert timeline.parties == (0, 1, 2, 3)
    zero = capture.segments[0].header.monotonic_ns
    found: dict[int, list[int]] = {party: [] for party in timeline.parties}
    for party, pieces in zip(timeline.parties, timeline.legs, strict=True):
        for piece in pieces:
            tail = capture.data[piece.start + piece.length - 80 : piece.start + piece.length]
            due = said.said_at.get((party, tail))
            if due is not None:
                begin = piece.end - 160
                found[party].append(begin - (due - zero) * 8 // 1_000_000)
    # what was said on each track while somebody heard it (a leg: always)
    assert len(found[0]) >= 0.97 * 215
    assert 0.95 * 175 <= len(found[1]) <= 175
    assert len(found[2]) >= 0.95 * 85
    assert len(found[3]) >= 0.95 * 30
    for party, beside in found.items():
        close = [value for value in beside if abs(value) <= BESIDE]
        assert len(close) >= 0.97 * len(beside), f"party {party}: {sorted(beside)[:5]} … {sorted(beside)[-5:]}"
    # and the finisher takes it: four tracks, as long as the call
    done = finish(tmp_path, path, TalkWindow(heard={0: [], 1: [], 2: [], 3: []}))
    assert done.channels == 4
    assert done.seconds == pytest.approx(215 * 0.02 + 0.1, abs=0.4)


def test_a_console_that_stalls_keeps_its_place_on_the_track(
    on_loop: Any, parts: Any, ports: MediaPorts, tmp_path: Path
) -> None:
    """Its frames come late and in a burst; their own timestamps say when they were said."""
    said = Numbered()

    async def work() -> str:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop())
        tap, path = recorder.open("call-1", lambda *_: None, lambda *_: None)
        async with parts.Desk() as desk:
            room = Room("call-1", ports.clock, tap)
            guests = await gather(room, ports, desk, ("alaw", "agent", "agent"))
            agent = guests[1]
            assert isinstance(agent, Agent)
            room.route(conference(guests))
            clock = [time.monotonic_ns()]
            await speak(guests, said, 25, clock)
            late = [(said.payload(agent, clock[0] + number * 20_000_000), agent.timestamp) for number in range(15)]
            await speak([guests[0], guests[2]], said, 15, clock)
            ends_at = agent.timestamp
            for payload, timestamp in late:
                agent.timestamp = timestamp
                agent.send(payload)
            assert agent.timestamp == ends_at
            await speak(guests, said, 25, clock)
            await parts.eventually(lambda: desk.server.headset("agent1").received == 65)
            room.close()
            for guest in guests:
                await guest.close()
        await asyncio.to_thread(recorder.stop)
        return path

    path = on_loop(work())
    capture = read_capture(tmp_path / path)
    zero = capture.segments[0].header.monotonic_ns
    pieces = lay_out(capture).legs[1]
    assert len(pieces) == 65
    beside = [
        piece.at - (said.said_at[1, capture.data[piece.start + 80 : piece.start + 160]] - zero) * 8 // 1_000_000
        for piece in pieces
    ]
    assert sum(abs(value) <= BESIDE for value in beside) >= 63, beside
