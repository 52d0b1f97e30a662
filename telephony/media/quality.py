"""What a leg's receiver saw: packets received, lost and late, and interarrival jitter (RFC 3550 A.1, A.3, A.8)."""

from __future__ import annotations

from dataclasses import dataclass

from telephony.media.packet_path import Reception

#: RFC 3550 A.1: a jump forward of more than this, or back of more than MISORDER, is a source that started anew
MOST_DROPOUT = 3000
MOST_MISORDER = 100


@dataclass(frozen=True, slots=True)
class LegQuality:
    """Counts over a whole leg, all sources (SSRCs) of it together.

    ``late``: packets that came after one with a greater sequence number; ``ignored``: malformed packets and payload
    types nobody agreed on; ``foreign``: packets from elsewhere than the negotiated peer; ``sent``: packets of ours.
    """

    received: int
    lost: int
    late: int
    jitter_ms: float
    ignored: int
    foreign: int = 0
    sent: int = 0


class ReceiverQuality(Reception):
    """Feed ``packet`` each packet of a leg in the order of arrival."""

    __slots__ = ()

    def __init__(self) -> None:
        self._ssrc = -1
        self._base = 0
        #: highest extended sequence number of this source (RFC 3550 A.1: cycles in the upper bits)
        self._highest = 0
        #: what comes next if nothing goes wrong (16 bits); -1: nothing came yet
        self._next = -1
        #: packets expected of the sources before this one
        self._expected_before = 0
        #: of the packet before
        self._arrival = 0
        self._timestamp = 0
        self._jitter = 0.0
        self.received = 0
        self.late = 0

    def _unusual(self, sequence: int, ssrc: int) -> bool:
        if self._next < 0 or ssrc != self._ssrc:
            self._begin(sequence, ssrc)
            return True
        forward = (sequence - self._next) & 0xFFFF
        if forward < MOST_DROPOUT:
            self._highest += forward + 1
            self._next = (sequence + 1) & 0xFFFF
            return False
        if forward >= 0x10000 - MOST_MISORDER:
            self.late += 1
            return False
        self._begin(sequence, ssrc)
        return True

    def _begin(self, sequence: int, ssrc: int) -> None:
        self._expected_before = self.expected
        self._ssrc = ssrc
        self._base = self._highest = sequence
        self._next = (sequence + 1) & 0xFFFF

    @property
    def expected(self) -> int:
        if self._next < 0:
            return 0
        return self._expected_before + self._highest - self._base + 1

    @property
    def lost(self) -> int:
        """Never below 0: duplicates would make it so (RFC 3550 A.3)."""
        return max(0, self.expected - self.received)

    @property
    def jitter_ms(self) -> float:
        return self._jitter / 1e6
