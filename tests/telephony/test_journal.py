"""The journal keeps every event over restarts, torn writes and full disks."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
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
from telephony.journal import Journal, _pieces


def stream(folder: Path, segment_bytes: int = 8 << 20) -> EventStream:
    return EventStream("n1", SystemClock(), Journal(folder, segment_bytes))


def sequences(journal: Journal, after: int) -> list[int]:
    return [msgspec.msgpack.decode(body)["sequence"] for body in journal.after(after)]


def on_disk(folder: Path) -> set[int]:
    """Read beside the one that writes."""
    bodies = (msgspec.msgpack.decode(body) for path in folder.glob("*.journal") for body in _pieces(path))
    return {body["sequence"] for body in bodies if "sequence" in body}


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


class BlockedDisk:
    """Writing to the journal blocks, as on a disk that does not answer, until ``answer``: its file is a full pipe."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.file = journal._file
        self.reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 4096)
        os.write(self.writing, bytes(4096))
        journal._file = self.writing
        self.copying = threading.Thread(target=self._copy)

    def _copy(self) -> None:
        os.read(self.reading, 4096)
        while data := os.read(self.reading, 4096):
            os.write(self.file, data)

    def answer(self) -> None:
        """What is stuck goes through to the real file, and what follows as well."""
        self.copying.start()

    def remove(self) -> None:
        self.journal._file = self.file
        os.close(self.writing)
        self.copying.join(10)
        os.close(self.reading)


async def until(holds: Callable[[], object]) -> None:
    for _ in range(5000):
        if holds():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it did not come about in time")


def test_on_a_loop_events_are_heard_once_they_are_written_and_in_order(tmp_path: Path) -> None:
    async def work() -> None:
        events = stream(tmp_path, segment_bytes=3000)
        heard: list[int] = []
        unwritten: list[int] = []

        def hear(event: Event) -> None:
            heard.append(event.sequence)
            if event.sequence not in on_disk(tmp_path):
                unwritten.append(event.sequence)

        events.listen(hear)
        events.start()
        for turn in range(20):
            for ring in range(5):
                events.publish(CallerRing(call="a", ring=ring))
            if turn % 3 == 0:
                await asyncio.sleep(0)
        assert len(heard) < 100
        await events.settled()
        assert heard == list(range(1, 101))
        assert unwritten == []
        await events.stop()
        events.journal.close()
        assert sequences(events.journal, 0) == heard

    asyncio.run(work())
    assert len(list(tmp_path.glob("*.journal"))) > 2
    assert stream(tmp_path).journal.sequence == 100


def test_a_disk_that_does_not_answer_holds_up_neither_the_loop_nor_the_events(tmp_path: Path) -> None:
    async def work() -> list[int]:
        events = stream(tmp_path)
        heard: list[int] = []
        events.listen(lambda event: heard.append(event.sequence))
        events.start()
        events.publish(CallerRing(call="a", ring=1))
        await events.settled()
        disk = BlockedDisk(events.journal)
        loop = asyncio.get_running_loop()
        for ring in range(2, 6):
            begun = loop.time()
            events.publish(CallerRing(call="a", ring=ring))
            await asyncio.sleep(0.01)
            assert loop.time() - begun < 1.0
        assert heard == [1]
        await until(lambda: len(heard) == 5)
        assert "does not answer" in events.journal.trouble
        assert [msgspec.msgpack.decode(body)["sequence"] for body in events.replay(2)] == [3, 4, 5]
        disk.answer()
        events.publish(CallerRing(call="a", ring=6))
        await events.settled()
        await until(lambda: not events.journal.trouble)
        disk.remove()
        await events.stop()
        events.journal.close()
        return heard

    assert asyncio.run(work()) == [1, 2, 3, 4, 5, 6]
    assert sequences(stream(tmp_path).journal, 0) == [1, 2, 3, 4, 5, 6]


def test_after_a_kill_no_number_is_given_to_another_event_that_somebody_may_have_seen(tmp_path: Path) -> None:
    killed = (
        "import asyncio, os, signal, sys, fcntl\n"
        "from pathlib import Path\n"
        "from telephony.clock import SystemClock\n"
        "from telephony.event_stream import EventStream\n"
        "from telephony.events import CallerRing\n"
        "from telephony.journal import Journal\n"
        "async def work():\n"
        "    events = EventStream('n1', SystemClock(), Journal(Path(sys.argv[1])))\n"
        "    events.listen(lambda event: print(event.sequence, flush=True))\n"
        "    events.start()\n"
        "    for ring in range(10):\n"
        "        events.publish(CallerRing(call='a', ring=ring))\n"
        "    await events.settled()\n"
        "    reading, writing = os.pipe()\n"
        "    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)\n"
        "    os.write(writing, bytes(4096))\n"
        "    events.journal._file = writing\n"
        "    for ring in range(10):\n"
        "        events.publish(CallerRing(call='b', ring=ring))\n"
        "    await events.settled()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(work())\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path)], capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert [int(line) for line in done.stdout.split()] == list(range(1, 21))
    again = stream(tmp_path)
    assert sequences(again.journal, 0) == list(range(1, 11))
    assert again.publish(CallerRing(call="c", ring=1)).sequence > 20
    assert len(sequences(again.journal, 10)) == 1


def test_a_listener_that_comes_late_hears_each_event_once(tmp_path: Path) -> None:
    async def work() -> list[int]:
        events = stream(tmp_path, segment_bytes=2000)
        events.start()
        seen: list[int] = []

        async def publish() -> None:
            for ring in range(300):
                events.publish(CallerRing(call="a", ring=ring))
                if ring % 7 == 0:
                    await asyncio.sleep(0)

        publishing = asyncio.ensure_future(publish())
        await asyncio.sleep(0.005)
        for sent, body in enumerate(events.replay(0)):
            seen.append(msgspec.msgpack.decode(body)["sequence"])
            if sent % 10 == 0:
                await asyncio.sleep(0)
        events.listen(lambda event: seen.append(event.sequence))
        await publishing
        await events.stop()
        events.journal.close()
        return seen

    assert asyncio.run(work()) == list(range(1, 301))


def test_a_full_disk_beside_the_loop_lets_events_be_heard_and_keeps_them(tmp_path: Path) -> None:
    async def work() -> None:
        events = stream(tmp_path)
        heard: list[int] = []
        events.listen(lambda event: heard.append(event.sequence))
        events.start()
        events.publish(CallerRing(call="a", ring=1))
        await events.settled()
        good, full = events.journal._file, os.open("/dev/full", os.O_WRONLY)
        events.journal._file = full
        events.publish(CallerRing(call="a", ring=2))
        await events.settled()
        assert heard == [1, 2]
        assert "No space left" in events.journal.trouble
        events.journal._file = good
        os.close(full)
        events.journal.flush()
        await until(lambda: not events.journal.trouble)
        await events.stop()
        events.journal.close()

    asyncio.run(work())
    assert sequences(stream(tmp_path).journal, 0) == [1, 2]


def test_who_heeds_events_acts_at_once_and_before_they_are_written(tmp_path: Path) -> None:
    async def work() -> None:
        events = stream(tmp_path)
        heeded: list[int] = []
        heard: list[int] = []
        events.heed(lambda event: heeded.append(event.sequence))
        events.listen(lambda event: heard.append(event.sequence))
        events.start()
        events.publish(CallerRing(call="a", ring=1))
        assert (heeded, heard) == ([1], [])
        await events.settled()
        assert (heeded, heard) == ([1], [1])
        await events.stop()
        events.journal.close()

    asyncio.run(work())
