"""Finishing: from the raw capture of an ended call to one verified file, a channel a party, with peaks and manifest.

Everything is written beside its final name, made durable, verified, and renamed, the manifest last: a manifest that is
there says that the rest is there and whole. Run again after a crash, it either finds that or starts over.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from recordings import ffmpeg
from recordings.capture import RAW_FOLDER
from recordings.capture_format import Capture, CaptureUnreadable, parse_capture, read_capture
from recordings.folder_sync import sync_folder
from recordings.gaps import Gap, find_gaps, prove
from recordings.manifest import (
    Manifest,
    ManifestUnreadable,
    Source,
    Track,
    pack_manifest,
    read_manifest,
    sha256_of,
    write_durably,
)
from recordings.pcm import render
from recordings.peaks import PeakMeter
from recordings.talk import Party, TalkWindow
from recordings.timeline import RATE, Timeline, lay_out
from recordings.verify import NotTheSame, Verification, verify

_log = logging.getLogger(__name__)

FINISHED_FOLDER = Path("recordings") / "finished"
#: what the parties of a call of two are, whatever the log knows
_OF_TWO = {0: Party("caller"), 1: Party("agent")}

#: a capture without audio is headers and closing notes; what is longer is not looked at (bytes)
_MOST_OF_EMPTY = 4096
#: no call is longer; a capture that says so has a damaged clock
MOST_SECONDS = 24 * 3600


class NothingRecorded(ValueError):
    """The capture holds no audio at all: trying again cannot help."""

    code = "nothing_recorded"


class RawMissing(ValueError):
    """The capture is not there and no finished file of it either."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What goes into the database; paths are relative to the data folder."""

    call: str
    path: str
    peaks_path: str
    manifest_path: str
    codec: str
    seconds: float
    channels: int
    sha256: str
    bytes: int
    gaps: tuple[Gap, ...]
    complete: bool


def finish(data: Path, raw_path: str, window: TalkWindow | None = None) -> Finished:
    """Finish the capture at ``raw_path`` (relative to ``data``). The capture itself is left where it is.

    Raises:
        CaptureUnreadable, NothingRecorded, RawMissing: it can never be finished.
        NotTheSame, ffmpeg.CodecFailed, OSError: this attempt failed.
    """
    target = _target(raw_path)
    raw = data / raw_path
    try:
        content = raw.read_bytes()
    except FileNotFoundError:
        done = _already(data, target, None)
        if done is None:
            raise RawMissing(f"{raw_path} is not there") from None
        return done
    digest = hashlib.sha256(content).hexdigest()
    done = _already(data, target, digest)
    if done is not None:
        return done
    capture = parse_capture(content)
    window = window or TalkWindow()
    timeline = _lay_out(capture, window)
    (data / target).parent.mkdir(parents=True, exist_ok=True)
    with _parts(data / target) as part:
        meter = PeakMeter(timeline.parties, RATE, timeline.samples)
        codec, verification = _encode(capture, timeline, part(".audio"), meter)
        peaks = meter.peaks().pack()
        write_durably(part(".peaks"), peaks)
        gaps = find_gaps(timeline, window)
        manifest = Manifest(
            call=capture.call,
            started_at=timeline.started_at,
            path=target.with_suffix(codec.suffix).as_posix(),
            media_type=codec.media_type,
            codec=codec.name(len(timeline.parties)),
            bytes=part(".audio").stat().st_size,
            sha256=sha256_of(part(".audio")),
            seconds=round(timeline.seconds, 3),
            sample_rate=RATE,
            channels=[_channel_name(party) for party in timeline.parties],
            tracks=[_track(party, window) for party in timeline.parties],
            peaks_path=target.with_suffix(".peaks").as_posix(),
            peaks_sha256=hashlib.sha256(peaks).hexdigest(),
            gaps=gaps,
            completeness=prove(
                timeline, gaps, window, closed_in_order=capture.ended, damaged_bytes=capture.damaged_bytes
            ),
            verification=verification,
            source=_source(capture, timeline, raw_path, digest),
        )
        write_durably(part(".json"), pack_manifest(manifest))
        part(".audio").replace(data / manifest.path)
        part(".peaks").replace(data / manifest.peaks_path)
        part(".json").replace(data / target.with_suffix(".json"))
        sync_folder((data / target).parent)
    return _finished(manifest, target)


def discard_raw(data: Path, raw_path: str) -> bool:
    """Delete the capture, if its finished file is there, whole, and made from exactly this capture.

    False (and nothing deleted) when that cannot be shown.
    """
    raw = data / raw_path
    if not raw.is_file() or _already(data, _target(raw_path), sha256_of(raw)) is None:
        return False
    raw.unlink()
    return True


def discard_empty(data: Path, raw_path: str) -> bool:
    """Delete a capture of a call that never had audio: every byte of it is understood, and none is a packet, or tells
    of packets that could not be kept.

    False (and nothing deleted) when that cannot be shown.
    """
    _target(raw_path)
    raw = data / raw_path
    try:
        if raw.stat().st_size > _MOST_OF_EMPTY:
            return False
        capture = read_capture(raw)
    except (FileNotFoundError, CaptureUnreadable):
        return False
    lost = any(segment.gaps for segment in capture.segments)
    if capture.packets or lost or capture.torn_bytes or capture.damaged_bytes:
        return False
    raw.unlink()
    return True


def _target(raw_path: str) -> Path:
    """Where the finished file goes, without suffix: the raw file's place in the other tree."""
    path = PurePosixPath(raw_path)
    if path.is_absolute() or ".." in path.parts or not path.is_relative_to(RAW_FOLDER.as_posix()):
        raise CaptureUnreadable(f"{raw_path!r} is not below {RAW_FOLDER.as_posix()}")
    return FINISHED_FOLDER / path.relative_to(RAW_FOLDER.as_posix()).with_suffix("")


def _channel_name(party: int) -> str:
    return _OF_TWO[party].role if party in _OF_TWO else f"party {party}"


def _track(party: int, window: TalkWindow) -> Track:
    known = window.parties.get(party) or _OF_TWO.get(party) or Party("")
    return Track(party, known.role, known.agent)


def _lay_out(capture: Capture, window: TalkWindow) -> Timeline:
    if capture.packets == 0:
        raise NothingRecorded("the capture holds no audio")
    timeline = lay_out(capture, window.speakers)
    if not any(timeline.legs):
        raise NothingRecorded("the capture holds no audio of a codec that can be decoded")
    if timeline.seconds > MOST_SECONDS:
        raise CaptureUnreadable(f"the capture claims to last {timeline.seconds:.0f} s")
    return timeline


def _encode(capture: Capture, timeline: Timeline, target: Path, meter: PeakMeter) -> tuple[ffmpeg.Codec, Verification]:
    """Encode and verify; what the speech coder cannot carry is encoded again with one for anything."""
    channels = len(timeline.parties)
    patience = 60.0 + timeline.seconds * channels / 2
    ffmpeg.encode(render(timeline, capture.data, meter), channels, target, ffmpeg.SPEECH, patience)
    try:
        return ffmpeg.SPEECH, _check(capture, timeline, target, patience)
    except NotTheSame as difference:
        _log.info("recording of call %s: %s; encoded again", capture.call, difference)
    ffmpeg.encode(render(timeline, capture.data), channels, target, ffmpeg.ANYTHING, patience)
    return ffmpeg.ANYTHING, _check(capture, timeline, target, patience)


def _check(capture: Capture, timeline: Timeline, target: Path, patience: float) -> Verification:
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return verify(target, render(timeline, capture.data), len(timeline.parties), timeline.seconds, patience)


def _source(capture: Capture, timeline: Timeline, raw_path: str, digest: str) -> Source:
    return Source(
        path=raw_path,
        sha256=digest,
        bytes=len(capture.data),
        packets=capture.packets,
        unused=list(timeline.unused),
        closed_in_order=capture.ended,
        torn_bytes=capture.torn_bytes,
        damaged_bytes=capture.damaged_bytes,
    )


def _already(data: Path, target: Path, source_sha256: str | None) -> Finished | None:
    """An earlier run's result, if it is whole (and was made from this very capture)."""
    try:
        manifest = read_manifest(data / target.with_suffix(".json"))
        whole = (
            source_sha256 in (None, manifest.source.sha256)
            and sha256_of(data / manifest.path) == manifest.sha256
            and sha256_of(data / manifest.peaks_path) == manifest.peaks_sha256
        )
    except FileNotFoundError:
        return None
    except ManifestUnreadable as error:
        _log.warning("finished again: %s", error)
        return None
    return _finished(manifest, target) if whole else None


def _finished(manifest: Manifest, target: Path) -> Finished:
    return Finished(
        call=manifest.call,
        path=manifest.path,
        peaks_path=manifest.peaks_path,
        manifest_path=target.with_suffix(".json").as_posix(),
        codec=manifest.codec,
        seconds=manifest.seconds,
        channels=len(manifest.channels),
        sha256=manifest.sha256,
        bytes=manifest.bytes,
        gaps=tuple(manifest.gaps),
        complete=manifest.completeness.complete,
    )


class _Parts:
    def __init__(self, target: Path) -> None:
        self._target = target
        self.made: dict[str, Path] = {}

    def __call__(self, suffix: str) -> Path:
        return self.made.setdefault(suffix, self._target.with_name(f".{self._target.name}{suffix}.part"))


@contextmanager
def _parts(target: Path) -> Iterator[_Parts]:
    """Names for files that are not finished; whatever is left of them at the end is removed."""
    parts = _Parts(target)
    try:
        yield parts
    finally:
        for path in parts.made.values():
            path.unlink(missing_ok=True)
