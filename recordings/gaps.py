"""Where a finished recording holds no audio of a party, why, and whether every second of talk is covered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from recordings.talk import TalkWindow
from recordings.timeline import RATE, Timeline

#: shorter silences of a party (single lost packets) are summed up, not listed (seconds)
LISTED_SECONDS = 0.1
#: the log and the audio may differ by this about when something began (seconds): an answer, a hold
SLACK_SECONDS = 0.5
#: a gap that nothing explains and that is this long leaves a second of talk without audio
ALARM_SECONDS = 1.0
#: entries in the list; more are summed up only
MOST_LISTED = 1000

NO_PACKETS = "no_packets"
RECORDER = "recorder"
HOLD = "hold"
UNHEARD = "unheard"

#: reasons that leave no second of talk without audio
EXPLAINED = (HOLD, UNHEARD)


class Gap(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """``leg`` is the party's number; ``start`` (JSON ``from``) and ``seconds`` on the recording's own clock.

    ``reason``: ``no_packets`` (none came), ``recorder`` (the disk refused them), ``hold`` (the call was held),
    ``unheard`` (nobody was to hear this party: not in the call, muted, or apart).
    """

    leg: int
    start: float
    seconds: float
    reason: str = NO_PACKETS


class Completeness(msgspec.Struct, frozen=True):
    """The proof that goes into the manifest. ``complete``: no unexplained gap of a second or more, nothing dropped.

    Lists are by track, in seconds; ``missing_seconds`` counts every silence, ``unexplained_seconds`` what nothing
    explains. ``talk_seconds`` is the call log's, when it is known.
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
    """Every stretch of ``LISTED_SECONDS`` or more without audio of a party, by time; cut where the reason changes."""
    window = window or TalkWindow()
    total = _expected_samples(timeline, window)
    gaps = []
    for party, pieces in zip(timeline.parties, timeline.legs, strict=True):
        dropped = [(first, last + 1) for which, first, last in timeline.dropped if which == party]
        holds, heard = _in_samples(timeline, window, party)
        for start, end in _uncovered([(piece.at, piece.end) for piece in pieces], 0, total):
            if end - start < LISTED_SECONDS * RATE:
                continue
            for first, last, explained in _explained(start, end, holds, heard):
                reason = explained or (RECORDER if _overlap(first, last, dropped) else NO_PACKETS)
                gaps.append(Gap(party, round(first / RATE, 3), round((last - first) / RATE, 3), reason))
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
    unexplained = [
        [gap.seconds for gap in gaps if gap.leg == party and gap.reason not in EXPLAINED] for party in timeline.parties
    ]
    longest = max((seconds for track in unexplained for seconds in track), default=0.0)
    talk = window.ended_at - window.answered_at if window.answered_at and window.ended_at else None
    return Completeness(
        complete=longest < ALARM_SECONDS and not timeline.dropped and damaged_bytes == 0,
        audio_seconds=[round(samples / RATE, 3) for samples in audio],
        missing_seconds=[round((total - samples) / RATE, 3) for samples in audio],
        unexplained_seconds=[round(sum(track), 3) for track in unexplained],
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


_Samples = list[tuple[int, int]]


def _in_samples(timeline: Timeline, window: TalkWindow, party: int) -> tuple[_Samples, _Samples | None]:
    """When the call was held, and when the party was to be heard (``None``: always), on the recording's clock."""

    def samples(at: float) -> int:
        return round((at - timeline.started_at) * RATE)

    holds = [(samples(begin), samples(end)) for begin, end in window.holds]
    if window.heard is None:
        return holds, None
    return holds, [(samples(begin), samples(end)) for begin, end in window.heard.get(party, ())]


def _explained(start: int, end: int, holds: _Samples, heard: _Samples | None) -> Iterator[tuple[int, int, str]]:
    """The silence cut up by what explains it, the rest with an empty reason. A rest of ``SLACK_SECONDS`` beside what is
    explained belongs to that: log and audio are not told in the same instant."""
    if heard is None:
        quiet = [(max(start, first), min(end, last), HOLD) for first, last in holds if first < end and last > start]
    else:
        quiet = [
            (first, last, HOLD if _overlap(first, last, holds) * 2 > last - first else UNHEARD)
            for first, last in _uncovered(heard, start, end)
        ]
    cuts: list[tuple[int, int, str]] = []
    at = start
    for first, last, reason in [*quiet, (end, end, "")]:
        if first > at:
            cuts.append((at, first, ""))
        if last > first:
            cuts.append((first, last, reason))
        at = last
    yield from _absorbed(cuts, round(SLACK_SECONDS * RATE))


def _absorbed(cuts: Iterable[tuple[int, int, str]], slack: int) -> list[tuple[int, int, str]]:
    """Short stretches that nothing explains go to the neighbour that something does."""
    kept: list[tuple[int, int, str]] = []
    for first, last, reason in cuts:
        if kept:
            before, until, why = kept[-1]
            if (not reason and last - first <= slack) or (not why and until - before <= slack):
                kept[-1] = (before, last, why or reason)
                continue
        kept.append((first, last, reason))
    return kept


def _uncovered(covered: Iterable[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """What ``covered`` (in order of time) leaves of a stretch."""
    for first, last in covered:
        if first > start:
            yield start, min(first, end)
        start = max(start, last)
        if start >= end:
            return
    if start < end:
        yield start, end


def _overlap(start: int, end: int, stretches: Iterable[tuple[int, int]]) -> int:
    return sum(max(0, min(end, last) - max(start, first)) for first, last in stretches)
