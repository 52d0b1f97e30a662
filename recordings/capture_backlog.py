"""What one recording still has to write: whole records, the rest of a cut one, and an account of what was dropped."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence

from recordings.capture_format import END, END_NOTE, GAP, GAP_NOTE, LAST_LEG, LEGS, RECORD

#: records joined for one write: 256 are about 45 kB
_BATCH = 256
#: what a waiting record costs beside its bytes (object header and the queue's slot)
_OVERHEAD = 41
#: G.711: one byte a sample, 8000 samples a second
_BYTES_PER_SECOND = 8000


class Backlog:
    """Belongs to the writer thread. ``bytes`` is the memory held; ``written`` and ``packets_written`` are on disk."""

    __slots__ = (
        "_ended",
        "_gap",
        "_lost",
        "_records",
        "_rest",
        "_waiting",
        "bytes",
        "dropped",
        "offered",
        "packets_written",
        "written",
    )

    def __init__(self) -> None:
        self._records: deque[bytes] = deque()
        self._rest = b""
        #: payload bytes waiting, by leg
        self._waiting = [0] * LEGS
        #: payload bytes dropped, by leg
        self._lost = [0] * LEGS
        #: first and last arrival and packets by leg of what was dropped and is not yet noted in the file
        self._gap: tuple[int, int, list[int]] | None = None
        self._ended = False
        self.bytes = 0
        self.written = 0
        self.offered = 0
        self.dropped = 0
        self.packets_written = 0

    def put(self, block: bytes) -> None:
        """A header or a note: never dropped for want of memory unless everything is."""
        self._records.append(block)
        self.bytes += len(block) + _OVERHEAD

    def extend(self, records: Iterable[bytes]) -> None:
        """Packet records, oldest first."""
        waiting = self._waiting
        for record in records:
            self._records.append(record)
            size = len(record)
            self.bytes += size + _OVERHEAD
            waiting[record[0] & LAST_LEG] += size - RECORD.size
            self.offered += 1

    @property
    def empty(self) -> bool:
        return not (self._records or self._rest or self._gap)

    def write_now(self, descriptor: int, records: list[bytes]) -> None:
        """The usual way, without a look at each record: append them all at once to a backlog that is empty.

        What the disk does not take is kept. Raises OSError as ``write`` does.
        """
        if not records:
            return
        data = b"".join(records)
        try:
            count = self._write(descriptor, data)
        except OSError:
            self.extend(records)
            raise
        if count == len(data):
            self.offered += len(records)
            self.packets_written += len(records)
        else:
            self.extend(records)
            self._take_off(count)

    def end(self, at_ns: int) -> None:
        """The closing record, once."""
        if not self._ended:
            self._ended = True
            self.put(RECORD.pack(END_NOTE, 0, END.size, 0, at_ns) + END.pack(self.offered, self.dropped))

    @property
    def lost_seconds(self) -> float:
        """Audio dropped for good, of the leg that lost most."""
        return max(self._lost) / _BYTES_PER_SECOND

    @property
    def missing_seconds(self) -> float:
        """Audio that is not on disk: dropped, or waiting."""
        return max(a + b for a, b in zip(self._lost, self._waiting, strict=True)) / _BYTES_PER_SECOND

    def write(self, descriptor: int) -> None:
        """Append all of it to the file. Raises OSError where the disk refuses; what was written is then accounted."""
        while self._rest or self._gap or self._records:
            if self._rest:
                self._rest = self._rest[self._write(descriptor, self._rest) :]
                continue
            if self._gap is not None:
                first, last, packets = self._gap
                note = RECORD.pack(GAP_NOTE, 0, GAP.size, 0, last) + GAP.pack(first, last, *packets)
                self._gap = None
                self._rest = note
                continue
            batch = [self._records[n] for n in range(min(_BATCH, len(self._records)))]
            self._take_off(self._write(descriptor, b"".join(batch)))

    def _write(self, descriptor: int, data: bytes) -> int:
        count = os.write(descriptor, data)
        self.written += count
        return count

    def _take_off(self, count: int) -> None:
        """The first ``count`` bytes are on disk; the rest of a record that was cut goes first the next time."""
        while count > 0:
            record = self._records.popleft()
            self._account(record)
            if count < len(record):
                self._rest = record[count:]
            count -= len(record)

    def _account(self, record: bytes) -> None:
        size = len(record)
        self.bytes -= size + _OVERHEAD
        if record[0] <= LAST_LEG:
            self._waiting[record[0]] -= size - RECORD.size
            self.packets_written += 1

    def drop_oldest(self, enough: int) -> int:
        """Free about ``enough`` bytes from the oldest packets on; headers and notes stay. Gives the bytes freed."""
        kept: list[bytes] = []
        freed = 0
        while self._records and freed < enough:
            record = self._records.popleft()
            if record[0] > LAST_LEG:
                kept.append(record)
                continue
            freed += len(record) + _OVERHEAD
            self._drop(record)
        self._records.extendleft(reversed(kept))
        self.bytes -= freed
        return freed

    def discard(self) -> None:
        """Give everything up."""
        while self._records:
            record = self._records.popleft()
            if record[0] <= LAST_LEG:
                self._drop(record)
        self._rest = b""
        self.bytes = 0

    def note_overflow(self, packets: Sequence[int], now_ns: int) -> None:
        """Packets that never reached the backlog, by leg, 20 ms each, up to ``now_ns``."""
        self.offered += sum(packets)
        self.dropped += sum(packets)
        first = now_ns - max(packets) * 20_000_000
        for leg, count in enumerate(packets):
            if count:
                self._lost[leg] += count * 160
                self._widen(first, now_ns, leg, count)

    def _drop(self, record: bytes) -> None:
        leg, _, length, _, arrival = RECORD.unpack_from(record)
        self._waiting[leg] -= length
        self._lost[leg] += length
        self.dropped += 1
        self._widen(arrival, arrival, leg, 1)

    def _widen(self, first: int, last: int, leg: int, packets: int) -> None:
        counts = [0] * LEGS
        if self._gap is not None:
            first, last, counts = min(first, self._gap[0]), max(last, self._gap[1]), self._gap[2]
        counts[leg] += packets
        self._gap = (first, last, counts)
