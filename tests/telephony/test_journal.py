"""The journal keeps every event over restarts, torn writes and full disks."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from telephony.clock import SystemClock
from telephony.event_stream import EventStream
from telephony.events import (
    CallEnded,
    CallerRing,
    CallStarted,
    Direction,
    Event,
    Party,
    RecordingClosed,
    RecordingStarted,
)
from telephony.journal import Journal


def stream(folder: Path, segment_bytes: int = 8 << 20) -> EventStream:
    return EventStream("n1", SystemClock(), Journal(folder, segment_bytes))


def sequences(journal: Journal, after: int) -> list[int]:
    return [msgspec.msgpack.decode(body)["sequence"] for body in journal.after(after)]


def started(call: str) -> CallStarted:
    return CallStarted(call=call, direction=Direction.INBOUND, line="trunk", number="1")


def test_events_are_numbered_on_over_a_restart(tmp_path: Path) -> None:
    first = stream(tmp_path)
    for _ in range(3):
        first.publish(CallerRing(call="a", ring=1))
    first.journal.close()
    second = stream(tmp_path)
    assert second.publish(CallerRing(call="a", ring=2)).sequence == 4
    assert sequences(second.journal, 0) == [1, 2, 3, 4]
    assert sequences(second.journal, 2) == [3, 4]


def test_a_torn_tail_is_cut_off_and_nothing_before_it_is_lost(tmp_path: Path) -> None:
    first = stream(tmp_path)
    for _ in range(3):
        first.publish(CallerRing(call="a", ring=1))
    first.journal.close()
    (segment,) = tmp_path.glob("*.journal")
    segment.write_bytes(segment.read_bytes()[:-5])
    second = stream(tmp_path)
    assert second.journal.sequence == 2
    second.publish(CallerRing(call="a", ring=9))
    assert sequences(second.journal, 0) == [1, 2, 3]


@pytest.mark.parametrize("garbage", [b"", b"\xff" * 40, b"\x00" * 40])
def test_a_segment_of_garbage_is_set_aside(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "0000000000000001.journal").write_bytes(garbage)
    journal = stream(tmp_path)
    assert journal.publish(CallerRing(call="a", ring=1)).sequence == 1
    assert list(tmp_path.glob("*.broken"))


def test_calls_that_were_live_are_known_after_a_restart_also_across_segments(tmp_path: Path) -> None:
    first = stream(tmp_path, segment_bytes=400)
    for call in ("a", "b", "c"):
        first.publish(started(call))
    first.publish(CallEnded(call="b", by=Party.CALLER, sip_status=200, reason=""))
    for ring in range(20):
        first.publish(CallerRing(call="a", ring=ring))
    first.journal.close()
    assert len(list(tmp_path.glob("*.journal"))) > 3
    assert set(stream(tmp_path).journal.live) == {"a", "c"}


def test_recordings_that_were_open_are_known_after_a_restart_also_across_segments(tmp_path: Path) -> None:
    first = stream(tmp_path, segment_bytes=400)
    for call in ("a", "b"):
        first.publish(RecordingStarted(call=call, path=f"raw/{call}.cap"))
    first.publish(RecordingClosed(call="a", path="raw/a.cap", bytes=1, packets=1))
    for ring in range(20):
        first.publish(CallerRing(call="b", ring=ring))
    first.journal.close()
    assert len(list(tmp_path.glob("*.journal"))) > 2
    assert stream(tmp_path).journal.recording == {"b": "raw/b.cap"}


def test_reading_across_segments_while_more_is_appended_misses_nothing(tmp_path: Path) -> None:
    events = stream(tmp_path, segment_bytes=300)
    for ring in range(30):
        events.publish(CallerRing(call="a", ring=ring))
    seen = []
    for body in events.journal.after(5):
        seen.append(msgspec.msgpack.decode(body)["sequence"])
        if len(seen) < 20:
            events.publish(CallerRing(call="a", ring=99))
    assert seen == list(range(6, 50))


def test_segments_that_are_stored_elsewhere_are_forgotten_and_the_rest_stays(tmp_path: Path) -> None:
    events = stream(tmp_path, segment_bytes=300)
    for ring in range(30):
        events.publish(CallerRing(call="a", ring=ring))
    before = len(list(tmp_path.glob("*.journal")))
    assert events.journal.forget(15) > 0
    assert len(list(tmp_path.glob("*.journal"))) < before
    assert sequences(events.journal, 15) == list(range(16, 31))
    events.journal.close()
    assert stream(tmp_path).journal.sequence == 30


def test_a_full_disk_keeps_events_in_memory_and_writes_them_when_there_is_room(
    tmp_path: Path,
) -> None:
    events = stream(tmp_path)
    heard: list[Event] = []
    events.listen(heard.append)
    events.publish(CallerRing(call="a", ring=1))
    good, full = events.journal._file, os.open("/dev/full", os.O_WRONLY)
    events.journal._file = full
    for ring in (2, 3):
        events.publish(CallerRing(call="a", ring=ring))
    assert "No space left" in events.journal.trouble
    assert len(heard) == 3
    assert sequences(events.journal, 0) == [1, 2, 3]
    events.journal._file = good
    os.close(full)
    events.journal.flush()
    assert events.journal.trouble == ""
    events.journal.close()
    assert sequences(stream(tmp_path).journal, 0) == [1, 2, 3]


def test_a_listener_that_fails_does_not_keep_the_others_from_hearing(tmp_path: Path) -> None:
    events = stream(tmp_path)
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise RuntimeError("broken")

    events.listen(broken)
    events.listen(heard.append)
    events.publish(CallerRing(call="a", ring=1))
    assert len(heard) == 1
