"""What a recording does with each packet, fifty times a second for each party: it becomes a record and waits.

``_packet_tap.c`` is the same in C; ``packet_tap`` says which of the two is used.
"""

from __future__ import annotations

import struct

from recordings.capture_format import RECORD

_pack = RECORD.pack


class PacketTap:
    """The part of ``capture.CaptureTap`` that every packet passes. ``limit``: records that may wait; 0 once closed.
    ``refused``: packets that were no packets."""

    __slots__ = ("_records", "limit", "refused")

    _records: list[bytes]
    limit: int
    refused: int

    def packet(self, leg: int, payload_type: int, timestamp: int, payload: bytes, monotonic_ns: int) -> None:
        """Keep one payload. Never blocks, never raises; what cannot be a G.711 packet is counted in ``refused``."""
        if payload and len(self._records) < self.limit:
            try:
                self._records.append(_pack(leg, payload_type, len(payload), timestamp, monotonic_ns) + payload)
            except (struct.error, TypeError):
                self.refused += 1
        else:
            self._unusual(leg, payload_type, timestamp, payload, monotonic_ns)

    def _unusual(self, leg: int, payload_type: int, timestamp: int, payload: bytes, monotonic_ns: int) -> None:
        """Nothing to record, or too much waits already."""
        raise NotImplementedError
