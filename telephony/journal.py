"""The node's own record of its events: appended before anybody hears of them, read back by sequence.

A journal is a folder of segments named after their first sequence number. A segment is a run of frames: 4 bytes
length, 4 bytes CRC-32 (both big endian), then msgpack. The first frame of a segment is a header with the ids of the
calls that were live when it was begun and the paths of open recordings; each further frame is one event. A torn tail
(the process was killed within a write) is cut off when the journal is opened.
"""

from __future__ import annotations

import itertools
import logging
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

import msgspec

from telephony import events

log = logging.getLogger(__name__)

_FRAME = Struct(">II")
_MAX_FRAME = 1 << 20
_PIECE = 64 << 10
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


class Journal:
    """``sequence`` is the last number given out; ``live`` holds ids of calls that have begun and not ended,
    ``recording`` the paths of recordings that have begun and were not closed, by call."""

    def __init__(self, folder: Path, segment_bytes: int = 8 << 20) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self.sequence = 0
        self.live: dict[str, float] = {}
        self.recording: dict[str, str] = {}
        #: frames that could not be written yet (full disk); they are kept and tried again with each append
        self._unwritten = bytearray()
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
                if number == 0:
                    header = _decode(body)
                    self.live = dict(header["live"])  # type: ignore[call-overload]
                    self.recording = dict(header.get("recording", {}))  # type: ignore[call-overload]
                    self.sequence = int(header["after"])  # type: ignore[call-overload]
                else:
                    self._track(_decode(body))
            if end == 0:
                log.warning("journal segment %s has no sound frame and is set aside", path.name)
                path.rename(path.with_suffix(".broken"))
                segments.pop()
                continue
            if end < len(data):
                log.warning("journal segment %s: %d torn bytes cut off", path.name, len(data) - end)
            file = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.ftruncate(file, end)
            return file, end
        return self._begin_segment()

    def _begin_segment(self) -> tuple[int, int]:
        path = self.folder / f"{self.sequence + 1:016d}.journal"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        header = _frame(_encoder.encode({"after": self.sequence, "live": self.live, "recording": self.recording}))
        os.write(file, header)
        return file, len(header)

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

    def append(self, event: events.Event) -> None:
        """Write one stamped event. A full disk keeps it in memory and says so in ``trouble``; nothing is dropped."""
        self.sequence = event.sequence
        if isinstance(event, events.CallStarted):
            self.live[event.call] = event.at
        elif isinstance(event, events.CallEnded):
            self.live.pop(event.call, None)
        elif isinstance(event, events.RecordingStarted):
            self.recording[event.call] = event.path
        elif isinstance(event, events.RecordingClosed):
            self.recording.pop(event.call, None)
        self._unwritten += _frame(_encoder.encode(event))
        self.flush()

    def skip_to(self, sequence: int) -> None:
        """Number on from ``sequence``: somebody has stored more than a crash left here, and numbers never repeat."""
        if sequence > self.sequence:
            log.error(
                "journal ends at %d but %d was stored elsewhere: numbering goes on there", self.sequence, sequence
            )
            self.sequence = sequence

    def flush(self) -> None:
        """Try to write what is waiting."""
        if not self._unwritten:
            return
        try:
            written = os.write(self._file, self._unwritten)
            del self._unwritten[:written]
            self._size += written
            if self._unwritten:
                return
            if self.trouble:
                log.info("journal writes again after: %s", self.trouble)
                self.trouble = ""
            if self._size >= self.segment_bytes:
                file, size = self._begin_segment()
                os.close(self._file)
                self._file, self._size = file, size
        except OSError as error:
            if not self.trouble:
                log.error("journal cannot be written, events wait in memory: %s", error)
            self.trouble = str(error)

    def after(self, sequence: int) -> Iterator[bytes]:
        """The msgpack bodies of events with a greater sequence, oldest first.

        Reads in small pieces and sees what is appended while it is being read; it ends at the newest event.
        """
        segments = self._segments()
        path = next((one for one in reversed(segments) if int(one.stem) <= sequence + 1), segments[0])
        while path:
            for body in _pieces(path):
                event = _position(body).sequence
                if event is not None and event > sequence:
                    sequence = event
                    yield body
            path = next((one for one in self._segments() if one.stem > path.stem), None)  # type: ignore[assignment]
        for _, body in _frames(bytes(self._unwritten)):
            event = _position(body).sequence
            if event is not None and event > sequence:
                yield body

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
        self.flush()
        os.fsync(self._file)
        os.close(self._file)
