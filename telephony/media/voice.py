"""What one party says, on its way into mixes: packets in, 20 ms of PCM out at each beat of the mixer."""

from __future__ import annotations

import audioop

from telephony.media import g711
from telephony.media.fades import RAMP, cross_fade, fade_in, sinking
from telephony.media.silence import FRAME_SAMPLES

_FRAME = 2 * FRAME_SAMPLES
_RAMP = 2 * RAMP

#: samples that may wait beside the packet that comes in (60 ms); what is older goes
MOST_WAITING = 480
#: after shedding so many samples wait (40 ms)
_KEPT = 320
#: over how many frames the least depth is judged (1 s): what always waits beyond one frame is delay, no jitter
JUDGED = 50
#: frames in which what was last heard sinks to silence while nothing comes
_REPEATS = 3
#: samples a timestamp may run ahead and be taken for packets lost (60 ms), or back for one that comes late (120 ms)
_LOST = 480
_LATE = 960


class Voice:
    """``push`` decodes as packets come, ``pull`` gives the next frame, or None for silence.

    Lost packets are bridged by what was last heard, backwards and forwards, so that the wave has no step; a late one is
    left out. ``shed`` counts samples that were left out to keep the delay small, ``bridged`` samples that were made up.
    """

    __slots__ = ("_buffer", "_dry", "_judged", "_last", "_least", "_missing", "_next", "bridged", "shed")

    def __init__(self) -> None:
        self._buffer = bytearray()
        #: RTP timestamp that should come next; -1: nothing came yet
        self._next = -1
        self._last = bytes(_FRAME)
        #: frames made up since the buffer ran dry
        self._dry = _REPEATS
        #: samples lost before the packet that comes in
        self._missing = 0
        self._least = 1 << 30
        self._judged = 0
        self.bridged = 0
        self.shed = 0

    @property
    def waiting(self) -> int:
        """Samples."""
        return len(self._buffer) // 2

    def push(self, payload: bytes, payload_type: int, timestamp: int) -> None:
        """One G.711 payload of any length up to 120 ms; ``timestamp`` in samples (u32)."""
        if timestamp != self._next and not self._out_of_order(timestamp):
            return
        self._next = (timestamp + len(payload)) & 0xFFFFFFFF
        pcm = g711.decode(payload, payload_type)
        if self._missing:
            pcm = self._bridge(pcm)
        self._buffer += pcm
        if len(self._buffer) > 2 * (MOST_WAITING + len(payload)):
            self._leave_out(len(self._buffer) - 2 * max(_KEPT, len(payload)))

    def pull(self) -> bytes | None:
        """320 bytes of PCM, or None."""
        waiting = len(self._buffer)
        if waiting < _FRAME:
            return self._made_up()
        self._least = min(self._least, waiting)
        self._judged += 1
        if self._judged >= JUDGED:
            if self._least >= 2 * _FRAME:
                self._leave_out(_FRAME)
            self._judged, self._least = 0, 1 << 30
        frame = bytes(self._buffer[:_FRAME])
        del self._buffer[:_FRAME]
        if self._dry:
            frame = cross_fade(self._faded(), frame) if self._dry < _REPEATS else fade_in(frame)
            self._dry = 0
        self._last = frame
        return frame

    def _out_of_order(self, timestamp: int) -> bool:
        """Whether a packet that is not the next one is taken."""
        if self._next < 0:
            return True
        step = (timestamp - self._next + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if -_LATE <= step < 0:
            return False
        if 0 < step <= _LOST and self._dry < _REPEATS:
            self._missing = max(0, step - self._dry * FRAME_SAMPLES)
        return True

    def _bridge(self, pcm: bytes) -> bytes:
        """What is missing before ``pcm``, and ``pcm``."""
        tail = (self._last + self._buffer[-_FRAME:])[-_FRAME:]
        back = audioop.reverse(tail, 2)
        size = 2 * self._missing
        bridge = (back + tail) * (size // (2 * _FRAME) + 2)
        self.bridged += self._missing
        self._missing = 0
        return bridge[:size] + cross_fade(bridge[size : size + _RAMP], pcm)

    def _made_up(self) -> bytes | None:
        if self._dry >= _REPEATS:
            return None
        frame = self._faded()
        self._dry += 1
        if self._dry == _REPEATS:
            self._buffer.clear()  # less than a frame, and stale
        self.bridged += FRAME_SAMPLES
        return frame

    def _faded(self) -> bytes:
        again = self._last if self._dry % 2 else audioop.reverse(self._last, 2)
        return sinking(again, 1 - self._dry / _REPEATS, 1 - (self._dry + 1) / _REPEATS)

    def _leave_out(self, size: int) -> None:
        """Drop the oldest ``size`` bytes; what would have come next turns into what comes instead."""
        head = bytes(self._buffer[:_RAMP])
        del self._buffer[:size]
        self._buffer[:_RAMP] = cross_fade(head, bytes(self._buffer[:_RAMP]))
        self.shed += size // 2
