"""The worker against a real database and real files: every recording ends ready or with a reason."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from recordings import worker as working
from recordings.capture_format import GAP, GAP_NOTE, RECORD, read_header
from recordings.orphans import DEAD_CALL_SECONDS, STALE_SECONDS, UNKNOWN_CALL_SECONDS, sweep
from recordings.worker import RecordingWorker
from storage.database import open_engine, reading, transaction
from storage.event_log import append_events
from storage.migrate import upgrade
from storage.recordings import MOST_ATTEMPTS, Recording, of_call, recordings

CALL = "0195-call"
RAW = "recordings/raw/2026/03/01/0195-call.cap"


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/sansheng.db")
    upgrade(engine)
    yield engine
    engine.dispose()


class Desk:
    """One call's events and captures, put into the database and the data folder."""

    def __init__(self, engine: Engine, data: Path, made: Any) -> None:
        self.engine = engine
        self.data = data
        self.made = made
        self.start = made.wall_ns / 1e9
        self.sequence = 0
        self.clock = Clock(self.start + 100)
        self.worker = RecordingWorker(engine, data, name="w1", clock=self.clock)

    def happens(self, kind: str, after: float, **more: Any) -> None:
        self.sequence += 1
        event = {"type": kind, "node": "phone1", "sequence": self.sequence, "at": self.start + after, "call": CALL}
        with transaction(self.engine) as conn:
            append_events(conn, [event | more])

    def talk(self, seconds: float, *, close: bool = True, end: bool = True) -> None:
        self.happens("call.started", -5, direction="inbound", line="demo", number="13800005678")
        self.happens("call.answered", 0, agent="agent1", agent_rings=2)
        self.happens("recording.started", 0, path=RAW)
        if end:
            self.happens("call.ended", seconds, by="caller", sip_status=200, reason="bye", talk_seconds=seconds)
        if close:
            self.happens("recording.closed", seconds + 0.5, path=RAW, bytes=100, packets=10)

    @property
    def recording(self) -> Recording:
        with reading(self.engine) as conn:
            (found,) = of_call(conn, CALL)
            return found


@pytest.fixture
def desk(engine: Engine, tmp_path: Path, made: Any) -> Desk:
    return Desk(engine, tmp_path, made)


def test_a_closed_capture_becomes_a_ready_recording_and_its_raw_file_goes(desk: Desk, make_speech: Any) -> None:
    desk.made.leg(0, 8, make_speech(4, 8, 1))
    desk.made.leg(1, 0, make_speech(4, 0, 2))
    desk.made.write(desk.data, ended_at=4.0)
    desk.talk(4.0)
    assert desk.worker.work_once()
    row = desk.recording
    assert (row.state, row.seconds, row.channels, row.codec) == ("ready", 4.0, 2, "opus-32k")
    assert row.path == "recordings/finished/2026/03/01/0195-call.webm"
    assert (desk.data / row.path).stat().st_size == row.bytes
    assert (desk.data / row.peaks_path).is_file()
    assert len(row.sha256) == 64
    assert row.gaps == []
    assert not (desk.data / RAW).exists()
    assert row.raw_bytes == 0
    assert not desk.worker.work_once()


def test_a_hold_is_told_from_missing_audio(desk: Desk, make_speech: Any) -> None:
    desk.made.leg(0, 8, make_speech(9, 8, 1), keep=lambda n: not 100 <= n < 200)
    desk.made.leg(1, 8, make_speech(9, 8, 2), keep=lambda n: not 300 <= n < 400)
    desk.made.write(desk.data, ended_at=9.0)
    desk.talk(9.0, close=False, end=False)
    desk.happens("call.held", 1.98, by="agent")
    desk.happens("call.resumed", 4.02, by="agent")
    desk.happens("call.ended", 9.0, by="caller", sip_status=200, reason="bye", talk_seconds=9.0)
    desk.happens("recording.closed", 9.1, path=RAW, bytes=100, packets=10)
    assert desk.worker.work_once()
    assert desk.recording.gaps == [
        {"leg": 0, "from": 2.0, "seconds": 2.0, "reason": "hold"},
        {"leg": 1, "from": 6.0, "seconds": 2.0, "reason": "no_packets"},
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"no capture", "capture_unreadable"), (None, "capture_missing"), ("empty", "nothing_recorded")],
)
def test_what_can_never_be_finished_fails_at_once_with_its_reason(desk: Desk, content: Any, code: str) -> None:
    (desk.data / RAW).parent.mkdir(parents=True)
    if content == "empty":
        desk.made.write(desk.data, ended_at=1.0)
    elif content is not None:
        (desk.data / RAW).write_bytes(content)
    desk.talk(4.0)
    assert desk.worker.work_once()
    row = desk.recording
    assert row.state == "failed"
    assert row.error.startswith(code)
    assert row.attempts == 1
    assert (desk.data / RAW).exists() == (content is not None)


def swept_long_after(desk: Desk) -> bool:
    """Is the capture still there when the sweep has come by?"""
    os.utime(desk.data / RAW, (desk.start, desk.start))
    sweep(desk.engine, desk.data, desk.start + DEAD_CALL_SECONDS)
    return (desk.data / RAW).exists()


def test_the_capture_of_a_call_that_never_had_audio_is_removed_and_that_is_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    desk.made.write(desk.data, ended_at=1.0)
    desk.talk(4.0)
    assert desk.worker.work_once()
    assert desk.recording.raw_bytes == 100
    os.utime(desk.data / RAW, (desk.start, desk.start))
    sweep(desk.engine, desk.data, desk.start + STALE_SECONDS - 1)
    assert (desk.data / RAW).exists(), "too early"
    assert not swept_long_after(desk)
    row = desk.recording
    assert (row.state, row.raw_bytes, row.error.partition(":")[0]) == ("failed", 0, "nothing_recorded")
    assert "0195-call.cap of call 0195-call is removed: the call never had audio" in caplog.text
    assert not desk.worker.work_once()


def record(made: Any, leg: int, law: int, payload: bytes) -> bytes:
    header = read_header(made.pack())
    assert header is not None
    return RECORD.pack(leg, law, len(payload), 0, header[0].monotonic_ns) + payload


WITH_SOMETHING: dict[str, Callable[[Any], bytes]] = {
    "a packet": lambda made: made.pack() + record(made, 0, 8, bytes(160)),
    "a packet of a law that nobody can decode": lambda made: made.pack() + record(made, 0, 96, bytes(160)),
    "packets that could not be kept": lambda made: made.pack() + record(made, GAP_NOTE, 0, bytes(GAP.size)),
    "a torn tail": lambda made: made.pack() + record(made, 0, 8, bytes(160))[:-80],
    "bytes that make no sense": lambda made: made.pack() + b"\x7f" * 50 + made.pack(1.0),
    "no header": lambda made: b"no capture",
    "more than closing notes": lambda made: made.pack(1.0) * 99,
}


@pytest.mark.parametrize("content", WITH_SOMETHING.values(), ids=WITH_SOMETHING.keys())
def test_a_capture_that_might_hold_audio_is_never_removed(desk: Desk, content: Callable[[Any], bytes]) -> None:
    desk.made.write(desk.data)
    (desk.data / RAW).write_bytes(content(desk.made))
    desk.talk(4.0)
    with transaction(desk.engine) as conn:
        # whatever the worker came to say of it
        conn.execute(recordings.update().values(state="failed", error="nothing_recorded: no audio"))
    assert swept_long_after(desk)
    assert desk.recording.raw_bytes == 100


def test_a_failure_that_may_pass_is_tried_again_later_and_given_up_in_the_end(
    desk: Desk, make_speech: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.made.leg(0, 8, make_speech(1, 8, 1))
    desk.made.write(desk.data, ended_at=1.0)
    desk.talk(1.0)

    def full_disk(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(working, "finish", full_disk)
        waits = []
        for attempt in range(1, MOST_ATTEMPTS + 1):
            assert desk.worker.work_once()
            row = desk.recording
            assert "No space left" in row.error
            assert row.attempts == attempt
            assert not desk.worker.work_once(), "tried again at once"
            waits.append(row.retry_at - desk.clock.now)
            desk.clock.now = row.retry_at + 0.1
    assert waits[0] > 1
    assert waits == sorted(waits)
    assert desk.recording.state == "failed"
    assert (desk.data / RAW).exists()


def test_a_failure_that_passed_is_forgotten(desk: Desk, make_speech: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.made.leg(0, 8, make_speech(1, 8, 1))
    desk.made.write(desk.data, ended_at=1.0)
    desk.talk(1.0)
    with monkeypatch.context() as patch:
        patch.setenv("IMAGEIO_FFMPEG_EXE", str(desk.data / "nowhere"))
        assert desk.worker.work_once()
    assert desk.recording.state == "captured"
    desk.clock.now = desk.recording.retry_at + 0.1
    assert desk.worker.work_once()
    assert desk.recording.state == "ready"


def test_a_capture_left_by_a_killed_phone_process_is_finished(desk: Desk, make_speech: Any) -> None:
    desk.made.leg(0, 8, make_speech(3, 8, 1))
    desk.made.leg(1, 8, make_speech(3, 8, 2))
    desk.made.write(desk.data)
    desk.talk(5.0, close=False)
    os.utime(desk.data / RAW, (desk.start + 3, desk.start + 3))
    assert sweep(desk.engine, desk.data, desk.start + STALE_SECONDS) == 0, "too early"
    assert sweep(desk.engine, desk.data, desk.start + STALE_SECONDS + 4) == 1
    assert sweep(desk.engine, desk.data, desk.start + STALE_SECONDS + 4) == 0, "once is enough"
    desk.clock.now = desk.start + STALE_SECONDS + 5
    assert desk.worker.work_once()
    row = desk.recording
    assert (row.state, row.seconds) == ("ready", 3.0)
    assert [(gap["leg"], gap["from"], gap["seconds"]) for gap in row.gaps] == [(0, 3.0, 2.0), (1, 3.0, 2.0)]


def test_a_capture_of_a_live_call_is_left_alone(desk: Desk, make_speech: Any) -> None:
    desk.made.leg(0, 8, make_speech(1, 8, 1))
    desk.made.write(desk.data)
    desk.talk(5.0, close=False, end=False)
    os.utime(desk.data / RAW, (desk.start, desk.start))
    assert sweep(desk.engine, desk.data, desk.start + DEAD_CALL_SECONDS - 1) == 0
    assert sweep(desk.engine, desk.data, desk.start + DEAD_CALL_SECONDS + 1) == 1


def test_a_capture_that_the_database_never_heard_of_is_finished(desk: Desk, make_speech: Any) -> None:
    desk.made.leg(0, 8, make_speech(1, 8, 1))
    desk.made.write(desk.data)
    os.utime(desk.data / RAW, (desk.start, desk.start))
    assert sweep(desk.engine, desk.data, desk.start + UNKNOWN_CALL_SECONDS - 1) == 0
    assert sweep(desk.engine, desk.data, desk.start + UNKNOWN_CALL_SECONDS + 1) == 1
    assert desk.worker.work_once()
    assert desk.recording.state == "ready"


def test_a_recording_that_left_no_file_ends_as_failed(desk: Desk) -> None:
    desk.talk(5.0, close=False)
    assert sweep(desk.engine, desk.data, desk.start + UNKNOWN_CALL_SECONDS + 1) == 1
    assert desk.worker.work_once()
    assert (desk.recording.state, desk.recording.error[:15]) == ("failed", "capture_missing")


def test_a_crash_before_the_raw_file_was_removed_is_tidied_up(desk: Desk, make_speech: Any) -> None:
    desk.made.leg(0, 8, make_speech(1, 8, 1))
    desk.made.write(desk.data, ended_at=1.0)
    content = (desk.data / RAW).read_bytes()
    desk.talk(1.0)
    assert desk.worker.work_once()
    (desk.data / RAW).write_bytes(content)
    os.utime(desk.data / RAW, (desk.start, desk.start))
    assert sweep(desk.engine, desk.data, desk.start + STALE_SECONDS + 1) == 0
    assert not (desk.data / RAW).exists()
    assert desk.recording.state == "ready"


KILLED = """
import sys, threading
from pathlib import Path
from recordings import finish, worker
from storage.database import open_engine

def stuck(*arguments):
    print("begun", flush=True)
    threading.Event().wait()

finish._encode = stuck
data = Path(sys.argv[1])
worker.RecordingWorker(open_engine(f"sqlite:///{data}/sansheng.db"), data, name="w1").run(threading.Event())
"""


def test_the_work_of_a_killed_worker_is_taken_back_by_the_next_one(desk: Desk, make_speech: Any) -> None:
    desk.made.leg(0, 8, make_speech(2, 8, 1))
    desk.made.write(desk.data, ended_at=2.0)
    desk.talk(2.0)
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(desk.data)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(timeout=20)
    assert desk.recording.state == "finishing"
    desk.clock.now = time.time()
    assert desk.worker.take_back() == 1
    desk.clock.now = desk.recording.retry_at + 0.1
    assert desk.worker.work_once()
    assert desk.recording.state == "ready"
    assert not list(desk.data.rglob("*.part"))


def test_the_worker_waits_for_a_database_that_is_away_and_stops_when_told(
    desk: Desk, make_speech: Any, tmp_path: Path
) -> None:
    desk.made.leg(0, 8, make_speech(1, 8, 1))
    desk.made.write(desk.data, ended_at=1.0)
    desk.talk(1.0)
    database = tmp_path / "sansheng.db"
    desk.engine.dispose()
    away = tmp_path / "away"
    away.mkdir()
    for file in tmp_path.glob("sansheng.db*"):
        file.rename(away / file.name)
    database.mkdir()
    stop = threading.Event()
    worker = RecordingWorker(desk.engine, desk.data, name="w2", poll=0.02)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        assert not stop.wait(0.3)
        assert thread.is_alive()
        database.rmdir()
        for file in away.iterdir():
            file.rename(tmp_path / file.name)
        deadline = time.monotonic() + 30
        while desk.recording.state != "ready":
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
