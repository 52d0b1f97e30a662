"""Live capture: every G.711 payload of every call appended to its raw file, while the calls run.

``CaptureRecorder`` fits ``telephony.media.tap.Recorder`` by its shape. ``CaptureTap.packet`` runs on the media loop and
only appends one framed record to a list in memory. One writer thread takes the records of each call twice a second,
of one call after the other, and appends them to its file, so that a killed process loses the last half second and
nothing else. A second thread makes ended recordings durable (fsync), because that can take long and must not hold up
the other calls.

A disk that is full or broken never touches the call: records wait in memory (bounded, the oldest go first, each loss is
noted in the file once it can be written again), writing is tried again each round, and ``on_trouble`` says so.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from recordings import plain_tap
from recordings.capture_backlog import Backlog
from recordings.capture_format import LAST_LEG, LEGS, CaptureHeader
from recordings.folder_sync import sync_folder
from recordings.packet_tap import PacketTap

_log = logging.getLogger(__name__)

#: where the files go, relative to the data folder
RAW_FOLDER = Path("recordings") / "raw"

#: records of one call that may wait for the writer thread before it counts as stalled (100 a second: 15 s)
STALLED_RECORDS = 1500
#: and before packets of that call are dropped (60 s)
MOST_RECORDS = 6000

#: into so many steps a round is divided: in one burst, the files of many calls would hold up the media loop
STEPS = 25
#: the step of a recording that was just closed
AT_ONCE = -1

_CALL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)

OnClosed = Callable[[str, int, int], None]
OnTrouble = Callable[[str, float], None]


class CaptureRefused(OSError):
    """This call cannot be recorded; the message says why. An OSError, as the media path expects of a recorder."""


class CaptureTap(PacketTap):
    """One call's recorder (``telephony.media.tap.Tap``). Used from one thread, the media loop's."""

    __slots__ = (
        "_recorder",
        "backlog",
        "call",
        "closed_ns",
        "closing",
        "descriptor",
        "on_closed",
        "on_trouble",
        "overflow",
        "path",
        "reported_at",
        "since",
        "step",
        "trouble",
    )

    def __init__(
        self, recorder: CaptureRecorder, call: str, path: str, on_closed: OnClosed, on_trouble: OnTrouble
    ) -> None:
        self._recorder = recorder
        self._records = []
        self.call = call
        self.path = path
        self.on_closed = on_closed
        self.on_trouble = on_trouble
        #: set once by ``close`` (or by a recorder that stops)
        self.closing = False
        self.closed_ns = 0
        #: records that may wait; 0 once closed
        self.limit = STALLED_RECORDS
        #: packets dropped on the loop because the writer thread stalled, by leg
        self.overflow = [0] * LEGS
        #: packets that were no packets
        self.refused = 0
        # the rest belongs to the writer thread
        self.descriptor = -1
        #: when in a round its records are written
        self.step = recorder.opened % STEPS
        self.backlog = Backlog()
        self.trouble = ""
        self.since = 0.0
        self.reported_at = 0.0

    def close(self) -> None:
        """No more packets. May be called again."""
        if not self.closing:
            self.closed_ns = time.monotonic_ns()
            self.limit = 0
            self.closing = True
            self.step = AT_ONCE
            self._recorder.wake()

    def take(self) -> list[bytes]:
        """All records so far, oldest first. Writer thread; each step is atomic, so the loop may append meanwhile."""
        taken = self._records[:]
        del self._records[: len(taken)]
        return taken

    def _keep_any(self, leg: int, payload_type: int, timestamp: int, payload: bytes, monotonic_ns: int) -> None:
        """What C does not take: no bytes, or a number out of its range."""
        plain_tap.PacketTap.packet(self, leg, payload_type, timestamp, payload, monotonic_ns)

    def _unusual(self, leg: int, payload_type: int, timestamp: int, payload: bytes, monotonic_ns: int) -> None:
        if self.closing:
            return
        if not payload:
            self.refused += 1
            return
        waiting = len(self._records)
        if waiting < MOST_RECORDS:
            self.limit = min(self.limit + 500, MOST_RECORDS)
            self._recorder.report(self, "writer_stalled: the disk does not answer", waiting / 100)
            self.packet(leg, payload_type, timestamp, payload, monotonic_ns)
            return
        self.overflow[leg & LAST_LEG] += 1
        dropped = sum(self.overflow)
        if dropped % 500 == 1:
            reason = "writer_stalled: the disk does not answer, audio is being dropped"
            self._recorder.report(self, reason, (waiting + dropped) / 100)


class CaptureRecorder:
    """All live recordings of one phone process.

    ``root`` is the data folder; files go to ``recordings/raw/YYYY/MM/DD/<call>.cap`` below it (date in UTC). Callbacks
    come by ``loop.call_soon_threadsafe``. ``most_waiting`` bounds the memory (bytes) that all calls together may hold
    while the disk refuses; ``patience`` is how long (seconds) an ended call waits for it before its rest is given up.

    ``on_trouble(reason, lost_seconds)``: ``reason`` begins with ``disk_full``, ``write_error``, ``writer_stalled`` or
    ``resumed``; ``lost_seconds`` is the audio that is not on disk so far, with ``resumed`` what is lost for good.
    """

    def __init__(
        self,
        root: Path,
        loop: asyncio.AbstractEventLoop,
        *,
        interval: float = 0.5,
        report_every: float = 5.0,
        most_waiting: int = 64 * 1024 * 1024,
        patience: float = 120.0,
    ) -> None:
        self._root = root
        self._loop = loop
        self._interval = interval
        self._report_every = report_every
        self._most_waiting = most_waiting
        self._patience = patience
        self._taps: dict[str, CaptureTap] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._give_up_at = float("inf")
        #: recordings so far
        self.opened = 0
        self._closed: queue.SimpleQueue[CaptureTap | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def open(self, call: str, on_closed: OnClosed, on_trouble: OnTrouble) -> tuple[CaptureTap, str]:
        """Start recording ``call``; gives the tap and the file's path relative to the data folder.

        Touches no disk: the file is made by the writer thread. A call recorded before (and closed) is appended to.

        Raises:
            CaptureRefused: the call id cannot be a file name, the call is being recorded already, or the recorder was
                stopped.
        """
        if not _CALL_ID.fullmatch(call):
            raise CaptureRefused(f"call id {call!r} cannot be a file name")
        day = datetime.now(UTC).strftime("%Y/%m/%d")
        path = (RAW_FOLDER / day / f"{call}.cap").as_posix()
        with self._lock:
            if self._stopping:
                raise CaptureRefused("the recorder is stopped")
            if call in self._taps:
                raise CaptureRefused(f"call {call} is being recorded already")
            tap = self._taps[call] = CaptureTap(self, call, path, on_closed, on_trouble)
            self.opened += 1
            tap.backlog.put(CaptureHeader(call, time.time_ns(), time.monotonic_ns()).pack())
            if not self._threads:
                self._start()
        return tap, path

    def start(self) -> None:
        """Begin the threads now and not with the first recording: they are scheduled as the thread that begins them."""
        with self._lock:
            if not self._threads and not self._stopping:
                self._start()

    @property
    def live(self) -> int:
        """Recordings that are not yet closed on disk."""
        return len(self._taps)

    def wake(self) -> None:
        self._wake.set()

    def stop(self, timeout: float = 10.0) -> bool:
        """Close all recordings and end the threads; true when all of it is on disk within ``timeout`` seconds.

        Blocks: call it when the media loop has no more packets (``asyncio.to_thread`` lets callbacks still run).
        """
        with self._lock:
            self._stopping = True
            self._give_up_at = time.monotonic() + timeout
            for tap in self._taps.values():
                tap.close()
            threads = self._threads
        self._wake.set()
        for thread in threads:
            thread.join(max(0.0, self._give_up_at + 2.0 - time.monotonic()))
        return not self._taps and not any(thread.is_alive() for thread in threads)

    def report(self, tap: CaptureTap, reason: str, lost_seconds: float) -> None:
        """Tell the call's owner, on the loop's thread, and the log."""
        _log.error("recording of call %s: %s (%.1f s not on disk)", tap.call, reason, lost_seconds)
        self._call(tap.on_trouble, reason, round(lost_seconds, 2))

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            # the loop is closed: the process is going down and nobody is left to be told
            _log.warning("the media loop is gone; not told: %s", arguments)

    def _start(self) -> None:
        for work in (self._write_rounds, self._make_durable):
            thread = threading.Thread(target=work, name=f"capture{work.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _write_rounds(self) -> None:
        step = 0
        while self._write_step(step):
            self._wake.wait(self._interval / STEPS if self._taps else self._interval)
            self._wake.clear()
            step = (step + 1) % STEPS

    def _write_step(self, step: int) -> bool:
        """Write the recordings whose turn it is; False when the recorder has stopped and nothing is left to write."""
        with self._lock:
            taps = list(self._taps.values())
            stopping = self._stopping
        for tap in taps:
            if tap.step not in (step, AT_ONCE):
                continue
            tap.step = step
            try:
                self._write_round(tap)
            except Exception:
                # a defect here must not end the recording of every other call
                _log.exception("recording of call %s: this round failed", tap.call)
        if step == 0:
            self._bound_memory(taps)
        if stopping and not self._taps:
            self._closed.put(None)
            return False
        return True

    def _write_round(self, tap: CaptureTap) -> None:
        closing = tap.closing
        backlog = tap.backlog
        taken = tap.take()
        if any(tap.overflow):
            overflow, tap.overflow = tap.overflow, [0] * LEGS
            tap.limit = 0 if closing else STALLED_RECORDS
            backlog.note_overflow(overflow, time.monotonic_ns())
        try:
            if backlog.empty and tap.descriptor >= 0:
                backlog.write_now(tap.descriptor, taken)
            else:
                backlog.extend(taken)
            if closing:
                backlog.end(tap.closed_ns)
            if tap.descriptor < 0:
                self._open_file(tap)
            backlog.write(tap.descriptor)
        except OSError as error:
            self._trouble(tap, error)
            now = time.monotonic()
            if closing and (now > tap.since + self._patience or now > self._give_up_at):
                self._give_up(tap)
            return
        if tap.trouble:
            tap.trouble = ""
            self.report(tap, "resumed: the disk takes audio again", backlog.lost_seconds)
        if closing:
            self._retire(tap)

    def _open_file(self, tap: CaptureTap) -> None:
        path = self._root / tap.path
        path.parent.mkdir(parents=True, exist_ok=True)
        tap.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def _trouble(self, tap: CaptureTap, error: OSError) -> None:
        now = time.monotonic()
        reason = "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "write_error"
        if not tap.trouble:
            tap.since = now
        if tap.trouble != reason or now - tap.reported_at >= self._report_every:
            tap.trouble = reason
            tap.reported_at = now
            self.report(tap, f"{reason}: {error.strerror or error}", tap.backlog.missing_seconds)
        if reason == "write_error" and tap.descriptor >= 0:
            descriptor, tap.descriptor = tap.descriptor, -1
            _close(descriptor, tap.call)

    def _give_up(self, tap: CaptureTap) -> None:
        self.report(tap, f"{tap.trouble}: given up, the rest of this recording is lost", tap.backlog.missing_seconds)
        tap.backlog.discard()
        self._retire(tap)

    def _retire(self, tap: CaptureTap) -> None:
        with self._lock:
            self._taps.pop(tap.call, None)
        self._closed.put(tap)

    def _bound_memory(self, taps: list[CaptureTap]) -> None:
        waiting = sum(tap.backlog.bytes for tap in taps)
        while waiting > self._most_waiting:
            largest = max(taps, key=lambda tap: tap.backlog.bytes)
            freed = largest.backlog.drop_oldest(max(waiting - self._most_waiting, 16 * 1024))
            if freed == 0:
                return
            waiting -= freed

    def _make_durable(self) -> None:
        while self._next_is_durable():
            pass

    def _next_is_durable(self) -> bool:
        """Wait for the next ended recording and see it safely on disk; False when there will be none any more."""
        tap = self._closed.get()
        if tap is None:
            return False
        if tap.descriptor >= 0:
            try:
                os.fsync(tap.descriptor)
                sync_folder((self._root / tap.path).parent)
            except OSError as error:
                self.report(tap, f"write_error: {error.strerror or error}", tap.backlog.lost_seconds)
            descriptor, tap.descriptor = tap.descriptor, -1
            _close(descriptor, tap.call)
        if tap.refused:
            _log.warning("recording of call %s: %d packets were no G.711 packets", tap.call, tap.refused)
        self._call(tap.on_closed, tap.path, tap.backlog.written, tap.backlog.packets_written)
        return True


def _close(descriptor: int, call: str) -> None:
    try:
        os.close(descriptor)
    except OSError as error:
        _log.error("recording of call %s: close: %s", call, error)
