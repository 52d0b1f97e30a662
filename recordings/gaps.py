"""Where a finished recording holds no audio of a leg, why, and whether every second of talk is covered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from recordings.timeline import LEGS, RATE, Timeline

#: shorter silences of a leg (single lost packets) are summed up, not listed (seconds)
LISTED_SECONDS = 0.1
#: a gap that nothing explains and that is this long leaves a second of talk without audio
ALARM_SECONDS = 1.0
#: entries in the list; more are summed up only
MOST_LISTED = 1000

NO_PACKETS = "no_packets"
RECORDER = "recorder"
HOLD = "hold"


class Gap(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """``leg`` 0 caller, 1 agent; ``start`` (JSON ``from``) and ``seconds`` on the recording's own clock.

    ``reason``: ``no_packets`` (none came), ``recorder`` (the disk refused them), ``hold`` (the call was held).
    """

    leg: int
    start: float
    seconds: float
    reason: str = NO_PACKETS


@dataclass(frozen=True, slots=True)
class TalkWindow:
    """What the call log says of the same call, Unix seconds: when the parties were joined, and when they were held."""

    answered_at: float | None = None
    ended_at: float | None = None
    holds: tuple[tuple[float, float], ...] = ()


class Completeness(msgspec.Struct, frozen=True):
    """The proof that goes into the manifest. ``complete``: no unexplained gap of a second or more, nothing dropped.

    Lists are by leg (0 caller, 1 agent), in seconds. ``talk_seconds`` is the call log's, when it is known.
    """

    complete: bool
    audio_seconds: list[float]
    missing_seconds: list[float]
    unexplained_seconds: list[float]
    longest_unexplained: float
    dropped_by_recorder: bool
    closed_in_order: bool
    damaged_bytes: int
    talk_seconds: float | None


def find_gaps(timeline: Timeline, window: TalkWindow | None = None) -> list[Gap]:
    """Every stretch of ``LISTED_SECONDS`` or more without audio of a leg, by time."""
    window = window or TalkWindow()
    total = _expected_samples(timeline, window)
    holds = [
        (round((begin - timeline.started_at) * RATE), round((end - timeline.started_at) * RATE))
        for begin, end in window.holds
    ]
    gaps = []
    for leg in LEGS:
        dropped = [(first, last) for which, first, last in timeline.dropped if which == leg]
        for start, end in _silent(timeline, leg, total):
            if end - start < LISTED_SECONDS * RATE:
                continue
            reason = RECORDER if _overlap(start, end, dropped) else NO_PACKETS
            if reason == NO_PACKETS and _overlap(start, end, holds) >= (end - start) * 0.9:
                reason = HOLD
            gaps.append(Gap(leg, round(start / RATE, 3), round((end - start) / RATE, 3), reason))
    gaps.sort(key=lambda gap: (gap.start, gap.leg))
    return gaps


def prove(
    timeline: Timeline,
    gaps: Sequence[Gap],
    window: TalkWindow | None,
    *,
    closed_in_order: bool,
    damaged_bytes: int,
) -> Completeness:
    """Add up what ``find_gaps`` found."""
    window = window or TalkWindow()
    total = _expected_samples(timeline, window)
    audio = [sum(piece.length for piece in pieces) for pieces in timeline.legs]
    unexplained = [[gap.seconds for gap in gaps if gap.leg == leg and gap.reason != HOLD] for leg in LEGS]
    longest = max((seconds for leg in unexplained for seconds in leg), default=0.0)
    talk = window.ended_at - window.answered_at if window.answered_at and window.ended_at else None
    return Completeness(
        complete=longest < ALARM_SECONDS and not timeline.dropped and damaged_bytes == 0,
        audio_seconds=[round(samples / RATE, 3) for samples in audio],
        missing_seconds=[round((total - samples) / RATE, 3) for samples in audio],
        unexplained_seconds=[round(sum(leg), 3) for leg in unexplained],
        longest_unexplained=longest,
        dropped_by_recorder=bool(timeline.dropped),
        closed_in_order=closed_in_order,
        damaged_bytes=damaged_bytes,
        talk_seconds=None if talk is None else round(talk, 3),
    )


def _expected_samples(timeline: Timeline, window: TalkWindow) -> int:
    """To the end of the recording, or of the talk where that went on longer."""
    talk_end = round(((window.ended_at or 0.0) - timeline.started_at) * RATE)
    return max(timeline.samples, talk_end)


def _silent(timeline: Timeline, leg: int, total: int) -> Iterable[tuple[int, int]]:
    end = 0
    for piece in timeline.legs[leg]:
        if piece.at > end:
            yield end, piece.at
        end = piece.end
    if end < total:
        yield end, total


def _overlap(start: int, end: int, stretches: Iterable[tuple[int, int]]) -> int:
    return sum(max(0, min(end, last + 1) - max(start, first)) for first, last in stretches)
