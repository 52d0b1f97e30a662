"""Even out toward RTP what a browser sends in bursts.

A frame that comes when it is due, give or take the tolerance, passes at once: an even stream is not delayed (the
virtual scheduling form of the leaky bucket, ITU-T I.371 annex A). Frames of a burst wait in a bounded queue.
"""

from __future__ import annotations

from collections import deque

from telephony.media.packet_path import Pacing
from telephony.media.plain_path import SAMPLE, TOLERANCE
from telephony.media.silence import SILENCE_CODE

#: how late a frame may be before the peer gets silence in its place (ns)
GRACE = 40_000_000
#: frames that may wait (10 of 20 ms: 200 ms); the oldest go first
CAPACITY = 10
#: this many frames in a row had others waiting behind them: that is delay, no burst; the quietest frame is left out
SHED_AFTER = 8
#: frames that waited follow each other this much faster (of their length), so that the wait wears off
CATCH_UP = 0.1

# distance of a G.711 code from its law's silence, coarse: the three segment bits and the step (ITU-T G.711)
_LOUDNESS = {
    0: bytes(0x7F - (code & 0x7F) for code in range(256)),
    8: bytes((code ^ 0x55) & 0x7F for code in range(256)),
}


def loudness(payload: bytes, payload_type: int) -> int:
    """0 (silence) to 127, by the loudest sample."""
    return max(payload.translate(_LOUDNESS[payload_type]), default=0)


class Pacer(Pacing):
    """``now`` is monotonic ns. No sockets, no timers."""

    __slots__ = ("_payload_type", "dropped", "shed")

    def __init__(self, payload_type: int) -> None:
        if payload_type not in SILENCE_CODE:
            raise ValueError(f"payload type {payload_type} is not G.711")
        self._payload_type = payload_type
        self._queue: deque[bytes] = deque()
        #: when the next frame should go; 0: nothing was sent yet
        self._due = 0
        self._backlogged = 0
        #: silence is being sent because nothing comes
        self.in_gap = False
        #: frames lost to a full queue
        self.dropped = 0
        #: frames left out to shed delay
        self.shed = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def gap_at(self) -> int:
        """No silence is needed before this time; 0 while it is being sent."""
        return 0 if self.in_gap else self._due + GRACE

    def _wait(self, payload: bytes) -> bool:
        if len(self._queue) >= CAPACITY:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(payload)
        return False

    def pop(self, now: int) -> bytes | None:
        """A waiting frame whose time has come."""
        queue = self._queue
        due = self._due
        if not queue or now < due - TOLERANCE:
            return None
        if len(queue) > 1:
            self._backlogged += 1
            if self._backlogged >= SHED_AFTER:
                self._leave_out_quietest()
        else:
            self._backlogged = 0
        payload = queue.popleft()
        self._due = (now if now > due else due) + int(len(payload) * SAMPLE * (1 - CATCH_UP))
        self.in_gap = False
        return payload

    def gap(self, now: int) -> bool:
        """Whether a frame of silence (20 ms) should go now, because the headset has nothing."""
        if self._queue:
            return False
        due = self._due
        if self.in_gap:
            if now < due:
                return False
            # a clock that ticks late catches up, unless it was away for long
            self._due = due + 160 * SAMPLE if now - due < GRACE else now + 160 * SAMPLE
            return True
        if now < due + GRACE:
            return False
        self.in_gap = True
        self._due = now + 160 * SAMPLE
        return True

    def hold_back(self, now: int, samples: int) -> None:
        """Something else (a DTMF event) took the line for ``samples`` from ``now`` on."""
        self._queue.clear()
        self._due = now + samples * SAMPLE
        self.in_gap = True

    def clear(self) -> None:
        self._queue.clear()
        self._backlogged = 0

    def _leave_out_quietest(self) -> None:
        index = min(range(len(self._queue)), key=lambda at: loudness(self._queue[at], self._payload_type))
        del self._queue[index]
        self._backlogged = 0
        self.shed += 1
