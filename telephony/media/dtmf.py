"""DTMF as RTP telephone events (RFC 4733), received and sent."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass

#: event codes 0 to 15 (RFC 4733 §3.2)
DIGITS = "0123456789*#ABCD"

#: 8 kHz samples by which an event grows from packet to packet (20 ms)
STEP = 160
#: how long a digit sounds, and the pause after it: 100 ms and 80 ms, above the 40 ms that ITU-T Q.24 asks for
TONE_STEPS = 5
PAUSE_STEPS = 4
#: the end is sent three times (RFC 4733 §2.5.1.4)
END_PACKETS = 3
#: power level of our events, -dBm0 (RFC 4733 §2.3.3)
VOLUME = 10

_EVENT = struct.Struct("!BBH")


class MalformedEvent(ValueError):
    """A telephone-event payload of fewer than four bytes."""


class DtmfReceiver:
    """Turns the packets of a leg into digits: one digit an event, however often its packets come.

    An event is known by its RTP timestamp (RFC 4733 §2.5.1.2). It counts from its first packet on, so that a lost
    end bit loses no digit; packets of it that are late or repeated change nothing.
    """

    def __init__(self) -> None:
        #: timestamps of the latest events, so that a straggler of the one before is still known
        self._seen: deque[tuple[int, int]] = deque(maxlen=8)

    def packet(self, timestamp: int, payload: bytes) -> str | None:
        """The digit that begins here, or None (also for events that are no digits). Raises MalformedEvent."""
        if len(payload) < 4:
            raise MalformedEvent(f"{len(payload)} bytes, a telephone event has four")
        event, _flags, _duration = _EVENT.unpack_from(payload)
        if event >= len(DIGITS) or (timestamp, event) in self._seen:
            return None
        self._seen.append((timestamp, event))
        return DIGITS[event]


@dataclass(frozen=True, slots=True)
class EventPacket:
    """What to send in one 20 ms step. ``offset`` is the event's begin, in samples before this step (its timestamp)."""

    payload: bytes
    offset: int
    marker: bool


class DtmfSender:
    """Digits on their way out; one ``step`` each 20 ms while ``active``."""

    def __init__(self) -> None:
        self._steps: deque[EventPacket | None] = deque()

    @property
    def active(self) -> bool:
        return bool(self._steps)

    def add(self, digits: str) -> None:
        """Raises ValueError, and sends nothing, when one of them is no DTMF digit."""
        events = []
        for digit in digits.upper():
            event = DIGITS.find(digit)
            if event < 0:
                raise ValueError(f"{digit!r} is no DTMF digit")
            events.append(event)
        for event in events:
            self._steps.extend(_steps(event))

    def clear(self) -> None:
        """Forget what was not sent."""
        self._steps.clear()

    def step(self) -> EventPacket | None:
        """The next packet, or None for a step of pause. Call only while ``active``."""
        return self._steps.popleft()


def _steps(event: int) -> list[EventPacket | None]:
    steps: list[EventPacket | None] = []
    for number in range(TONE_STEPS):
        payload = _EVENT.pack(event, VOLUME, STEP * (number + 1))
        steps.append(EventPacket(payload, STEP * number, marker=number == 0))
    for number in range(END_PACKETS):
        payload = _EVENT.pack(event, 0x80 | VOLUME, STEP * TONE_STEPS)
        steps.append(EventPacket(payload, STEP * (TONE_STEPS + number), marker=False))
    steps.extend([None] * PAUSE_STEPS)
    return steps
