"""The node's own record of its events: appended before anybody hears of them, read back by sequence.

A journal is a folder of segments named after their first sequence number. A segment is a run of frames: 4 bytes
length, 4 bytes CRC-32 (both big endian), then msgpack. The first frame of a segment is a header with the ids of the
calls that were live when it was begun and the paths of open recordings; each further frame is one event, or says which
numbers are reserved. A torn tail (the process was killed within a write) is cut off when the journal is opened.

``write_in_thread`` hands the writing to a thread, because a busy disk can hold a write up for a second. While it does,
events may be heard of before they are written (``event_stream``); a process killed just then must not give their
numbers to others. So numbers are reserved in blocks, and whoever opens a journal that was not closed goes on behind the
block.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from struct import Struct

import msgspec

from telephony import events

log = logging.getLogger(__name__)

_FRAME = Struct(">II")
_MAX_FRAME = 1 << 20
_PIECE = 64 << 10
#: numbers reserved at a time; renewed when half of them are used
RESERVED = 10_000
#: frames joined for one write
_BATCH = 256
#: seconds that ``close`` waits for a disk that does not answer
_PATIENCE = 5.0
_decode = msgspec.msgpack.Decoder(dict[str, object]).decode
_encoder = msgspec.msgpack.Encoder()


def _frame(body: bytes) -> bytes:
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def _frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Whole, sound frames as (offset of the end, body); stops at the first that is not."""
    position = 0
    while position + _FRAME.size <= len(data):
        length, crc = _FRAME.unpack_from(data, position)
        end = position + _FRAME.size + length
        if not 0 < length <= _MAX_FRAME or end > len(data):
            return
        body = data[position + _FRAME.size : end]
        if zlib.crc32(body) != crc:
            return
        position = end
        yield end, body


def _pieces(path: Path) -> Iterator[bytes]:
    """The frames' bodies of one segment, read a piece at a time until its end as it is by then."""
    with path.open("rb") as file:
        rest = b""
        while piece := file.read(_PIECE):
            rest += piece
            consumed = 0
            for end, body in _frames(rest):
                consumed = end
                yield body
            rest = rest[consumed:]


class _Position(msgspec.Struct):
    sequence: int | None = None


_position = msgspec.msgpack.Decoder(_Position).decode


@dataclass(frozen=True, slots=True)
class _Segment:
    """Among the frames that wait: what follows goes into this file."""

    path: Path
    header: bytes


#: ``written(sequence, trouble)``: every event up to ``sequence`` was written, or tried and kept because of ``trouble``
Written = Callable[[int, str], None]


class Journal:
    """``sequence`` is the last number given out; ``live`` holds ids of calls that have begun and not ended,
    ``recording`` the paths of recordings that have begun and were not closed, by call.

    All methods are for one thread, the loop's; the writing alone may be another's.
    """

    def __init__(self, folder: Path, segment_bytes: int = 8 << 20) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self.sequence = 0
        self.live: dict[str, float] = {}
        self.recording: dict[str, str] = {}
        #: numbers up to here are not given out again after a kill
        self._reserved = 0
        #: frames that are not written yet, each with the sequence that it completes; on a full disk they stay, and
        #: are tried again with each append
        self._waiting: deque[tuple[int, bytes | _Segment]] = deque()
        #: bytes of the first of them that are written
        self._cut = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._written: Written | None = None
        self.trouble = ""
        folder.mkdir(parents=True, exist_ok=True)
        self._file, self._size = self._recover()

    def _segments(self) -> list[Path]:
        return sorted(self.folder.glob("*.journal"))

    def _recover(self) -> tuple[int, int]:
        segments = self._segments()
        while segments:
            path = segments[-1]
            data = path.read_bytes()
            end = 0
            for number, (position, body) in enumerate(_frames(data)):
                end = position
                frame = _decode(body)
                if number == 0:
                    self.live = dict(frame["live"])  # type: ignore[call-overload]
                    self.recording = dict(frame.get("recording", {}))  # type: ignore[call-overload]
                    self.sequence = int(frame["after"])  # type: ignore[call-overload]
                if "reserved" in frame:
                    self._reserved = int(frame["reserved"])  # type: ignore[call-overload]
                elif number:
                    self._track(frame)
            if end == 0:
                log.warning("journal segment %s has no sound frame and is set aside", path.name)
                path.rename(path.with_suffix(".broken"))
                segments.pop()
                continue
            if end < len(data):
                log.warning("journal segment %s: %d torn bytes cut off", path.name, len(data) - end)
            self.sequence = max(self.sequence, self._reserved)
            file = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.ftruncate(file, end)
            return file, end
        segment = self._segment()
        return self._begin(segment), len(segment.header)

    def _segment(self) -> _Segment:
        state = {"after": self.sequence, "live": self.live, "recording": self.recording, "reserved": self._reserved}
        return _Segment(self.folder / f"{self.sequence + 1:016d}.journal", _frame(_encoder.encode(state)))

    def _begin(self, segment: _Segment) -> int:
        file = os.open(segment.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            if os.write(file, segment.header) < len(segment.header):
                raise OSError(28, "No space left on device")
        except OSError:
            os.close(file)
            raise
        return file

    def _track(self, event: dict[str, object]) -> None:
        self.sequence = int(event["sequence"])  # type: ignore[call-overload]
        kind, call = event["type"], event.get("call")
        if kind == "call.started" and isinstance(call, str):
            self.live[call] = float(event["at"])  # type: ignore[arg-type]
        elif kind == "call.ended" and isinstance(call, str):
            self.live.pop(call, None)
        elif kind == "recording.started" and isinstance(call, str):
            self.recording[call] = str(event["path"])
        elif kind == "recording.closed" and isinstance(call, str):
            self.recording.pop(call, None)

    def append(self, event: events.Event) -> bytes:
        """Take one stamped event; gives its msgpack body. It is written before this returns, or by the thread.

        A full disk keeps it in memory and says so in ``trouble``; nothing is dropped.
        """
        self.sequence = event.sequence
        if isinstance(event, events.CallStarted):
            self.live[event.call] = event.at
        elif isinstance(event, events.CallEnded):
            self.live.pop(event.call, None)
        elif isinstance(event, events.RecordingStarted):
            self.recording[event.call] = event.path
        elif isinstance(event, events.RecordingClosed):
            self.recording.pop(event.call, None)
        body = _encoder.encode(event)
        if self._thread is None:
            self._wait(_frame(body))
            self._write()
        else:
            if self.sequence > self._reserved - RESERVED // 2:
                self._reserve(self.sequence + RESERVED)
            self._wait(_frame(body))
        return body

    def _wait(self, frame: bytes) -> None:
        with self._lock:
            self._waiting.append((self.sequence, frame))
            self._size += len(frame)
            if self._size >= self.segment_bytes:
                segment = self._segment()
                self._waiting.append((self.sequence, segment))
                self._size = len(segment.header)

    def _reserve(self, sequence: int) -> None:
        self._reserved = sequence
        frame = _frame(_encoder.encode({"reserved": sequence}))
        with self._lock:
            self._waiting.append((self.sequence - 1, frame))
            self._size += len(frame)

    def skip_to(self, sequence: int) -> None:
        """Number on from ``sequence``: somebody has stored more than a crash left here, and numbers never repeat."""
        if sequence > self.sequence:
            log.error(
                "journal ends at %d but %d was stored elsewhere: numbering goes on there", self.sequence, sequence
            )
            self.sequence = sequence

    def write_in_thread(self, written: Written) -> None:
        """From now on a thread writes what was appended, whenever ``flush`` is called, and tells ``written`` (from
        that thread) how far it came."""
        self._written = written
        self._reserve(self.sequence + RESERVED)
        self._thread = threading.Thread(target=self._write_on, name="journal", daemon=True)
        self._thread.start()

    def flush(self) -> None:
        """Write what is waiting; with a thread: have it written."""
        if self._thread is None:
            self._write()
        else:
            self._wanted.put(True)

    def _write_on(self) -> None:
        while self._wanted.get():
            while not self._wanted.empty():
                if not self._wanted.get():
                    return
            sequence = self._write()
            if sequence >= 0 and self._written is not None:
                self._written(sequence, self.trouble)

    def _write(self) -> int:
        """Write all that waits; gives the last sequence that was tried, -1 when nothing waited."""
        tried = -1
        while True:
            with self._lock:
                batch = list(itertools.islice(self._waiting, _BATCH))
            if not batch:
                return tried
            tried = max(tried, batch[-1][0])
            try:
                self._write_batch(batch)
            except OSError as error:
                if not self.trouble:
                    log.error("journal cannot be written, events wait in memory: %s", error)
                self.trouble = str(error)
                return self._waiting[-1][0]
            if self.trouble:
                log.info("journal writes again after: %s", self.trouble)
                self.trouble = ""

    def _write_batch(self, batch: list[tuple[int, bytes | _Segment]]) -> None:
        """Raises OSError; what was written until then no longer waits."""
        first = batch[0][1]
        if isinstance(first, _Segment):
            file = self._begin(first)
            file, self._file = self._file, file
            with self._lock:
                self._waiting.popleft()
            os.close(file)
            return
        frames: list[bytes] = []
        for _, frame in batch:
            if isinstance(frame, _Segment):
                break
            frames.append(frame)
        written = self._cut + os.write(self._file, b"".join(frames)[self._cut :])
        with self._lock:
            for frame in frames:
                if written < len(frame):
                    break
                written -= len(frame)
                self._waiting.popleft()
            self._cut = written

    def after(self, sequence: int, until: Callable[[], int] | None = None) -> Iterator[bytes]:
        """The msgpack bodies of events with a greater sequence, oldest first.

        Reads in small pieces and sees what is appended while it is being read. It ends at the newest event, or at the
        one that ``until`` names by then.
        """
        last = until or (lambda: self.sequence)
        while sequence < last():
            before = sequence
            for body in self._pass(sequence):
                number = _position(body).sequence
                if number is None or number <= sequence:
                    continue
                if number > last():
                    return
                sequence = number
                yield body
            if sequence == before:
                return  # numbers were skipped: there are no such events

    def _pass(self, sequence: int) -> Iterator[bytes]:
        """All bodies once, from the segment of ``sequence`` on: what waits now is not looked for in the files, where
        the thread may be writing it."""
        with self._lock:
            waiting = [(number, frame) for number, frame in self._waiting if isinstance(frame, bytes)]
        written_to = waiting[0][0] - 1 if waiting else self.sequence
        segments = self._segments()
        path = next((one for one in reversed(segments) if int(one.stem) <= sequence + 1), segments[0])
        while path:
            for body in _pieces(path):
                number = _position(body).sequence
                if number is not None and number > written_to:
                    break
                yield body
            path = next((one for one in self._segments() if one.stem > path.stem), None)  # type: ignore[assignment]
        for _, frame in waiting:
            yield from (body for _, body in _frames(frame))

    def forget(self, sequence: int) -> int:
        """Remove segments that hold nothing after ``sequence`` (all stored elsewhere); returns how many."""
        segments = self._segments()
        removed = 0
        for path, following in itertools.pairwise(segments):
            if int(following.stem) > sequence + 1:
                break
            path.unlink()
            removed += 1
        return removed

    def close(self) -> None:
        """Write the rest, and that the numbers behind it are free again; wait for the disk, a few seconds at most."""
        if self._thread is not None:
            self._reserve(self.sequence)
            self._wanted.put(True)
            self._wanted.put(False)
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                log.error("the journal's disk does not answer: %d frames are not written", len(self._waiting))
                return
            self._thread = None
        self._write()
        os.fsync(self._file)
        os.close(self._file)
