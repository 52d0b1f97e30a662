"""Calls of several: each party on a track of its own, in one file, and only what should have been heard is missed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from recordings.capture_format import parse_capture
from recordings.finish import finish
from recordings.gaps import HOLD, NO_PACKETS, UNHEARD, find_gaps, prove
from recordings.peaks import PeakMeter, Peaks, PeaksUnreadable, read_peaks
from recordings.talk import Party, TalkWindow, talk_window
from recordings.timeline import lay_out


def codes(seconds: float) -> bytes:
    return bytes(160) * round(seconds * 50)


@pytest.fixture
def log(made: Any) -> Callable[[Iterable[tuple[str, float, dict[str, Any]]]], TalkWindow]:
    """A call's events, their times counted from the beginning of its recording."""
    start = made.wall_ns / 1e9

    def window(happened: Iterable[tuple[str, float, dict[str, Any]]]) -> TalkWindow:
        events = [{"type": kind, "at": start + at, **more} for kind, at, more in happened]
        return talk_window(start, start + 10, events)

    return window


def gaps_in(made: Any, window: TalkWindow | None) -> tuple[list[tuple[int, float, float, str]], Any]:
    timeline = lay_out(parse_capture(made.pack(10.0)), window.speakers if window else ())
    gaps = find_gaps(timeline, window)
    proof = prove(timeline, gaps, window, closed_in_order=True, damaged_bytes=0)
    return [(gap.leg, gap.start, gap.seconds, gap.reason) for gap in gaps], proof


CONSULT = [
    ("party.joined", 0, {"party": 0, "role": "caller"}),
    ("party.joined", 0, {"party": 1, "role": "agent", "agent": "agent1"}),
    ("call.audio", 0, {"hears": {"0": [1], "1": [0]}}),
    ("call.held", 3, {"by": "agent"}),
    ("call.audio", 3, {"hears": {"0": [], "1": []}}),
    ("party.joined", 5, {"party": 2, "role": "consulted", "agent": "agent2"}),
    ("call.audio", 5, {"hears": {"0": [], "1": [2], "2": [1]}}),
    ("call.resumed", 8, {"by": "agent"}),
    ("call.audio", 8, {"hears": {"0": [2], "2": [0]}}),
    ("party.left", 8, {"party": 1, "by": "agent"}),
    ("call.ended", 10, {"by": "caller"}),
]


def test_eight_parties_are_heard_apart_in_one_file(tmp_path: Path, made: Any, make_tone: Any, hear: Any) -> None:
    pitch = {party: 300 + 170 * party for party in (0, 1, 2, 3, 5, 7, 11, 15)}
    for place, (party, hertz) in enumerate(pitch.items()):
        made.leg(party, 8 * (place % 2), make_tone(hertz, 4, 0.2, 8 * (place % 2)))
    done = finish(tmp_path, made.write(tmp_path, ended_at=4.0))
    assert (done.channels, done.complete) == (8, True)
    heard = hear(tmp_path / done.path, 8)
    for channel, hertz in enumerate(pitch.values()):
        assert heard.loudest(channel, 1.0, 3.0) == pytest.approx(hertz, abs=3)
        assert heard.level(channel, hertz, 1.0, 3.0) == pytest.approx(-14, abs=2)
        others = [heard.level(channel, other, 1.0, 3.0) for other in pitch.values() if other != hertz]
        assert max(others) < -50
    peaks = read_peaks(tmp_path / done.peaks_path)
    assert peaks.parties == tuple(pitch)
    assert all(abs(channel[50] - 0.2) < 0.02 for channel in peaks.linear())


@pytest.mark.parametrize("parties", range(3, 17))
def test_as_many_parties_as_a_call_can_have_are_kept_apart(
    tmp_path: Path, made: Any, make_tone: Any, hear: Any, parties: int
) -> None:
    for party in range(parties):
        made.leg(party, 8, make_tone(300 + 150 * party, 1, 0.2, 8))
    done = finish(tmp_path, made.write(tmp_path, ended_at=1.0))
    heard = hear(tmp_path / done.path, parties)
    found = [heard.loudest(channel, 0.3, 0.8) for channel in range(parties)]
    assert found == pytest.approx([300 + 150 * party for party in range(parties)], abs=4)


def test_the_manifest_says_whose_voice_each_channel_holds(
    tmp_path: Path, made: Any, make_speech: Any, log: Any
) -> None:
    for party in range(3):
        made.leg(party, 8, make_speech(10, 8, party))
    done = finish(tmp_path, made.write(tmp_path, ended_at=10.0), log(CONSULT))
    manifest = json.loads((tmp_path / done.manifest_path).read_text())
    assert manifest["channels"] == ["caller", "agent", "party 2"]
    assert manifest["tracks"] == [
        {"party": 0, "role": "caller", "agent": ""},
        {"party": 1, "role": "agent", "agent": "agent1"},
        {"party": 2, "role": "consulted", "agent": "agent2"},
    ]


def test_who_is_apart_held_or_gone_is_not_missed(made: Any, log: Any) -> None:
    made.leg(0, 8, codes(3))
    made.leg(0, 8, codes(2), starts=8.0)
    made.leg(1, 8, codes(3))
    made.leg(1, 8, codes(3), starts=5.0)
    made.leg(2, 8, codes(4.8), starts=5.2)
    gaps, proof = gaps_in(made, log(CONSULT))
    assert gaps == [
        (2, 0.0, 5.2, UNHEARD),
        (0, 3.0, 5.0, HOLD),
        (1, 3.0, 2.0, HOLD),
        (1, 8.0, 2.0, UNHEARD),
    ]
    assert proof.complete
    assert proof.unexplained_seconds == [0.0, 0.0, 0.0]
    assert proof.audio_seconds == [5.0, 6.0, 4.8]


def test_what_somebody_should_have_heard_is_missed_though_the_caller_is_held(made: Any, log: Any) -> None:
    """While the caller hears music, the agent talks to the one consulted: their silence is a gap."""
    made.leg(0, 8, codes(3))
    made.leg(0, 8, codes(2), starts=8.0)
    made.leg(1, 8, codes(3))
    made.leg(2, 8, codes(1), starts=5.0)
    made.leg(2, 8, codes(2), starts=8.0)
    gaps, proof = gaps_in(made, log(CONSULT))
    assert (1, 5.0, 3.0, NO_PACKETS) in gaps
    assert (2, 6.0, 2.0, NO_PACKETS) in gaps
    assert not proof.complete
    assert proof.unexplained_seconds == [0.0, 3.0, 2.0]


def test_a_party_who_should_have_spoken_and_left_no_packet_has_an_empty_track(made: Any, log: Any) -> None:
    made.leg(0, 8, codes(10))
    made.leg(1, 8, codes(10))
    gaps, proof = gaps_in(made, log(CONSULT))
    assert [gap for gap in gaps if gap[3] == NO_PACKETS] == [(2, 5.0, 5.0, NO_PACKETS)]
    assert not proof.complete


def test_whom_nobody_hears_has_no_track(made: Any, log: Any) -> None:
    made.leg(0, 8, codes(10))
    made.leg(1, 8, codes(10))
    listening = [
        ("party.joined", 0, {"party": 0, "role": "caller"}),
        ("party.joined", 0, {"party": 1, "role": "agent", "agent": "agent1"}),
        ("call.audio", 0, {"hears": {"0": [1], "1": [0]}}),
        ("party.joined", 2, {"party": 2, "role": "listener", "agent": "chief"}),
        ("call.audio", 2, {"hears": {"0": [1], "1": [0], "2": [0, 1]}}),
        ("call.ended", 10, {"by": "caller"}),
    ]
    window = log(listening)
    assert window.parties[2] == Party("listener", "chief")
    gaps, proof = gaps_in(made, window)
    assert gaps == []
    assert len(proof.audio_seconds) == 2


def test_a_log_without_word_of_who_hears_whom_expects_everybody(log: Any) -> None:
    window = log([("call.held", 1, {"by": "agent"}), ("call.ended", 10, {"by": "caller"})])
    assert window.heard is None
    assert len(window.holds) == 1


def test_a_silence_is_cut_where_its_reason_changes(made: Any, log: Any) -> None:
    """The agent was muted from 2 to 6, and lost until 8."""
    made.leg(0, 8, codes(10))
    made.leg(1, 8, codes(2))
    made.leg(1, 8, codes(2), starts=8.0)
    muted = [
        ("call.audio", 0, {"hears": {"0": [1], "1": [0]}}),
        ("call.audio", 2.1, {"hears": {"1": [0]}}),
        ("call.audio", 6, {"hears": {"0": [1], "1": [0]}}),
        ("call.ended", 10, {"by": "caller"}),
    ]
    gaps, proof = gaps_in(made, log(muted))
    assert gaps == [(1, 2.0, 4.0, UNHEARD), (1, 6.0, 2.0, NO_PACKETS)]
    assert proof.longest_unexplained == 2.0


@pytest.mark.parametrize("step", [3600.0, -3600.0, 0.7])
def test_a_wall_clock_that_is_set_in_mid_call_makes_no_gap(made: Any, step: float) -> None:
    """The agent is muted from 2 to 4; at 3 the wall clock is set."""
    made.leg(0, 8, codes(10))
    made.leg(1, 8, codes(2))
    made.leg(1, 8, codes(6), starts=4.0)
    start = made.wall_ns / 1e9
    both = {"0": [1], "1": [0]}
    happened: list[tuple[str, float, dict[str, Any]]] = [
        ("recording.started", 0, {}),
        ("call.answered", 0, {}),
        ("call.audio", 0, {"hears": both}),
        ("call.audio", 2, {"hears": {"1": [0]}}),
        ("call.audio", 4, {"hears": both}),
        ("call.ended", 10, {"by": "caller"}),
    ]
    events = [
        {"type": kind, "node": "n", "at": start + at + (step if at > 3 else 0), "monotonic": round((50 + at) * 1e9)}
        | more
        for kind, at, more in happened
    ]
    gaps, proof = gaps_in(made, talk_window(start, start + 10 + step, events))
    assert gaps == [(1, 2.0, 2.0, UNHEARD)]
    assert proof.complete
    assert proof.talk_seconds == 10.0


def test_peaks_of_old_are_those_of_caller_and_agent(tmp_path: Path) -> None:
    packed = Peaks(8000, 160, (0, 1), (b"\x01\x02", b"\x03\x04")).pack()
    file = tmp_path / "of.peaks"
    file.write_bytes(packed[:4] + b"\x01" + packed[5:18] + packed[20:])
    assert read_peaks(file) == Peaks(8000, 160, (0, 1), (b"\x01\x02", b"\x03\x04"))
    for broken in (packed[:-1], packed + b"x", packed[:4] + b"\x03" + packed[5:], b"SSPK"):
        file.write_bytes(broken)
        with pytest.raises(PeaksUnreadable):
            read_peaks(file)


def test_peaks_name_the_party_of_each_channel(tmp_path: Path) -> None:
    meter = PeakMeter((0, 1, 6), 8000, 320)
    for channel in range(3):
        meter.add(channel, bytes([channel + 1]) * 320)
    file = tmp_path / "of.peaks"
    file.write_bytes(meter.peaks().pack())
    assert read_peaks(file).parties == (0, 1, 6)
    assert read_peaks(file).channels == (b"\x01\x01", b"\x02\x02", b"\x03\x03")
