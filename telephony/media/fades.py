"""Ramps of a few milliseconds, so that a change of what an ear hears makes no click. 16-bit PCM, 8 kHz."""

from __future__ import annotations

from array import array

from telephony.media import g711

#: samples of a ramp: 5 ms
RAMP = 40


def fade_in(pcm: bytes) -> bytes:
    """``pcm`` rising from silence."""
    samples = array("h", pcm)
    for at in range(min(RAMP, len(samples))):
        samples[at] = samples[at] * at // RAMP
    return samples.tobytes()


def fade_out(pcm: bytes) -> bytes:
    """The beginning of ``pcm`` sinking to silence, and silence for the rest of its length."""
    samples = array("h", pcm)
    size = min(RAMP, len(samples))
    for at in range(size):
        samples[at] = samples[at] * (size - at) // RAMP
    return samples[:size].tobytes() + bytes(2 * (len(samples) - size))


def sinking(pcm: bytes, begin: float, end: float) -> bytes:
    """``pcm`` with its loudness going from ``begin`` to ``end`` (1: as it is)."""
    samples = array("h", pcm)
    slope = (end - begin) / max(1, len(samples))
    return array("h", (int(sample * (begin + slope * at)) for at, sample in enumerate(samples))).tobytes()


def cross_fade(before: bytes, after: bytes) -> bytes:
    """``after``, but beginning as ``before``."""
    old, new = array("h", before[: 2 * RAMP]), array("h", after)
    for at in range(min(RAMP, len(old), len(new))):
        new[at] = (old[at] * (RAMP - at) + new[at] * at) // RAMP
    return new.tobytes()


def fade_in_payload(payload: bytes, payload_type: int) -> bytes:
    """As ``fade_in``, of G.711."""
    head = g711.encode(fade_in(g711.decode(payload[:RAMP], payload_type)), payload_type)
    return head + payload[RAMP:]
