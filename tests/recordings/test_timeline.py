"""Where packets land in time, whatever the network and the sender did to them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest

from recordings.capture_format import CaptureGap, parse_capture
from recordings.gaps import HOLD, NO_PACKETS, RECORDER, find_gaps, prove
from recordings.talk import TalkWindow
from recordings.timeline import Timeline, lay_out


def numbered(seconds: float) -> bytes:
    """Packets whose bytes tell their number."""
    return b"".join(bytes([n % 251]) * 160 for n in range(round(seconds * 50)))


def timeline_of(made: Any, ended_at: float | None = None) -> Timeline:
    return lay_out(parse_capture(made.pack(ended_at)))


def places(timeline: Timeline, leg: int = 0) -> list[float]:
    return [round(piece.at / 8000, 3) for piece in timeline.legs[leg]]


def test_an_undisturbed_leg_lies_where_it_arrived_without_a_seam(made: Any) -> None:
    made.leg(0, 8, numbered(10), starts=0.25)
    timeline = timeline_of(made, ended_at=11)
    assert places(timeline) == [round(0.25 + n * 0.02, 3) for n in range(500)]
    assert timeline.seconds == 11
    assert timeline.started_at == made.wall_ns / 1e9


def test_jitter_and_reordering_do_not_move_the_audio(made: Any) -> None:
    dice = random.Random(3)
    delays = [dice.choice([0.0, 0.0, 0.005, 0.03, 0.09]) for _ in range(500)]
    delays[17] = 0.0
    made.leg(0, 8, numbered(10), delay=lambda n: delays[n])
    timeline = timeline_of(made)
    assert places(timeline) == [round(n * 0.02, 3) for n in range(500)]
    assert timeline.unused == (0, 0)


def test_lost_packets_leave_their_time_empty(made: Any) -> None:
    made.leg(0, 8, numbered(4), keep=lambda n: n % 10 != 3)
    timeline = timeline_of(made)
    assert places(timeline) == [round(n * 0.02, 3) for n in range(200) if n % 10 != 3]


def test_a_packet_that_comes_twice_is_heard_once(made: Any) -> None:
    made.leg(0, 8, numbered(2))
    made.leg(0, 8, numbered(2), delay=lambda n: 0.003, keep=lambda n: n % 5 == 0)
    timeline = timeline_of(made)
    assert places(timeline) == [round(n * 0.02, 3) for n in range(100)]
    assert timeline.unused == (20, 0)


def test_the_timestamp_may_wrap(made: Any) -> None:
    made.leg(0, 8, numbered(4), timestamp=2**32 - 160 * 100)
    assert places(timeline_of(made)) == [round(n * 0.02, 3) for n in range(200)]


@pytest.mark.parametrize("jump", [50_000_000, 2**31 + 77, 4_294_000_000, 16_000, 3000])
@pytest.mark.parametrize("pause", [0.0, 3.0])
def test_a_new_ssrc_with_other_timestamps_goes_on_at_its_arrival(made: Any, jump: int, pause: float) -> None:
    made.leg(0, 8, numbered(2))
    made.leg(0, 8, numbered(2), starts=2.0 + pause, timestamp=(1000 + jump) % 2**32)
    got = places(timeline_of(made))
    assert got == [round(n * 0.02, 3) for n in range(100)] + [round(2.0 + pause + n * 0.02, 3) for n in range(100)]


def test_a_timestamp_that_jumps_back_a_little_goes_on_at_its_arrival(made: Any) -> None:
    made.leg(0, 8, numbered(4), timestamp=100_000)
    made.leg(0, 8, numbered(20), starts=4.0, timestamp=100_000 + 8000 * 2)
    assert places(timeline_of(made))[200:] == [round(4 + n * 0.02, 3) for n in range(1000)]


def test_a_sender_that_stops_counting_in_a_pause_goes_on_at_its_arrival(made: Any) -> None:
    made.leg(0, 8, numbered(2), timestamp=0)
    made.leg(0, 8, numbered(20), starts=30.0, timestamp=2 * 8000)
    assert places(timeline_of(made))[100:] == [round(30 + n * 0.02, 3) for n in range(1000)]


def test_a_network_stall_that_ends_in_a_burst_moves_nothing(made: Any) -> None:
    # packets 100 to 249 (3 s) all arrive at once with packet 250
    made.leg(0, 8, numbered(10), delay=lambda n: (250 - n) * 0.02 if 100 <= n < 250 else 0.0)
    timeline = timeline_of(made)
    assert places(timeline) == [round(n * 0.02, 3) for n in range(500)]


@pytest.mark.parametrize("drift", [-300e-6, 300e-6])
def test_a_drifting_clock_stays_within_50_ms_over_half_an_hour(made: Any, drift: float) -> None:
    dice = random.Random(5)
    count = 50 * 1800
    delays = [n * 0.02 * drift + dice.random() * 0.02 for n in range(count)]
    made.leg(0, 8, bytes(160) * count, starts=1.0, delay=lambda n: delays[n])
    timeline = timeline_of(made)
    pieces = timeline.legs[0]
    last = 1.0 + (count - 1) * 0.02 * (1 + drift)
    assert abs(pieces[-1].at / 8000 - last) < 0.06
    assert all(b.at >= a.end for a, b in itertools.pairwise(pieces))


def test_both_legs_share_one_clock(made: Any) -> None:
    made.leg(0, 8, numbered(3), starts=0.5, timestamp=4_000_000_000)
    made.leg(1, 0, numbered(3), starts=1.25, timestamp=17)
    timeline = timeline_of(made)
    assert (places(timeline, 0)[0], places(timeline, 1)[0]) == (0.5, 1.25)


def test_packets_of_a_codec_that_cannot_be_decoded_are_counted(made: Any) -> None:
    made.leg(0, 18, numbered(1))
    made.leg(0, 8, numbered(1), starts=1.0)
    timeline = timeline_of(made)
    assert timeline.unused == (50, 0)
    assert places(timeline)[0] == 1.0


@pytest.fixture
def gaps_of(made: Any) -> Callable[..., tuple[list[tuple[int, float, float, str]], Any]]:
    def find(ended_at: float | None = None, window: TalkWindow | None = None) -> Any:
        timeline = timeline_of(made, ended_at)
        gaps = find_gaps(timeline, window)
        proof = prove(timeline, gaps, window, closed_in_order=True, damaged_bytes=0)
        return [(gap.leg, gap.start, gap.seconds, gap.reason) for gap in gaps], proof

    return find


def test_a_call_without_holes_is_proved_complete(made: Any, gaps_of: Any) -> None:
    made.leg(0, 8, numbered(10))
    made.leg(1, 8, numbered(10))
    gaps, proof = gaps_of(10.0)
    assert gaps == []
    assert proof.complete
    assert proof.audio_seconds == [10.0, 10.0]
    assert proof.missing_seconds == [0.0, 0.0]


def test_single_lost_packets_are_summed_up_and_not_listed(made: Any, gaps_of: Any) -> None:
    made.leg(0, 8, numbered(10), keep=lambda n: n % 10 != 3)
    made.leg(1, 8, numbered(10))
    gaps, proof = gaps_of(10.0)
    assert gaps == []
    assert proof.complete
    assert proof.missing_seconds == [1.0, 0.0]


def test_a_second_without_audio_of_one_leg_is_listed_and_alarmed(made: Any, gaps_of: Any) -> None:
    made.leg(0, 8, numbered(10))
    made.leg(1, 8, numbered(10), keep=lambda n: not 100 <= n < 160)
    gaps, proof = gaps_of(10.0)
    assert gaps == [(1, 2.0, 1.2, NO_PACKETS)]
    assert not proof.complete
    assert proof.longest_unexplained == 1.2


def test_a_hold_explains_the_silence(made: Any, gaps_of: Any) -> None:
    made.leg(0, 8, numbered(10), keep=lambda n: not 100 <= n < 300)
    made.leg(1, 8, numbered(10))
    start = made.wall_ns / 1e9
    gaps, proof = gaps_of(10.0, TalkWindow(start, start + 10, ((start + 1.95, start + 6.05),)))
    assert gaps == [(0, 2.0, 4.0, HOLD)]
    assert proof.complete
    assert proof.talk_seconds == 10.0


def test_talk_after_the_last_packet_is_a_gap(made: Any, gaps_of: Any) -> None:
    made.leg(0, 8, numbered(5))
    made.leg(1, 8, numbered(5))
    start = made.wall_ns / 1e9
    gaps, proof = gaps_of(None, TalkWindow(start, start + 7.5))
    assert gaps == [(0, 5.0, 2.5, NO_PACKETS), (1, 5.0, 2.5, NO_PACKETS)]
    assert not proof.complete


def test_what_the_recorder_dropped_is_named_so_and_is_never_complete(made: Any) -> None:
    made.leg(0, 8, numbered(10), keep=lambda n: not 100 <= n < 120)
    made.leg(1, 8, numbered(10))
    capture = parse_capture(made.pack(10.0))
    zero = capture.segments[0].header.monotonic_ns
    capture.segments[0].gaps.append(CaptureGap(zero + 2_000_000_000, zero + 2_380_000_000, (20, 0)))
    timeline = lay_out(capture)
    gaps = find_gaps(timeline)
    assert [(gap.leg, gap.start, gap.seconds, gap.reason) for gap in gaps] == [(0, 2.0, 0.4, RECORDER)]
    proof = prove(timeline, gaps, None, closed_in_order=True, damaged_bytes=0)
    assert proof.dropped_by_recorder
    assert not proof.complete
