"""From raw capture to finished file: what is heard, what is proved, and what a crash leaves behind."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from recordings import ffmpeg
from recordings import finish as finishing
from recordings.capture_format import CaptureUnreadable
from recordings.finish import NothingRecorded, RawMissing, discard_raw, finish
from recordings.peaks import read_peaks
from recordings.verify import NotTheSame, verify


def test_each_voice_is_on_its_own_channel_with_its_pitch_and_level(
    tmp_path: Path, made: Any, make_tone: Any, hear: Any
) -> None:
    made.leg(0, 8, make_tone(440, 6, 0.3, 8))
    made.leg(1, 0, make_tone(1000, 4, 0.1, 0), starts=1.0)
    done = finish(tmp_path, made.write(tmp_path, ended_at=6.0))
    heard = hear(tmp_path / done.path)
    assert (done.channels, done.seconds) == (2, 6.0)
    assert heard.seconds == pytest.approx(6.0, abs=0.025)
    assert heard.loudest(0, 1.5, 4.5) == pytest.approx(440, abs=2)
    assert heard.loudest(1, 1.5, 4.5) == pytest.approx(1000, abs=2)
    assert heard.level(0, 440, 1.5, 4.5) == pytest.approx(-10.5, abs=1.5)
    assert heard.level(1, 1000, 1.5, 4.5) == pytest.approx(-20, abs=2.0)
    # the other voice is not there
    assert heard.level(0, 1000, 1.5, 4.5) < -60
    assert heard.level(1, 440, 1.5, 4.5) < -60
    assert heard.rms(1, 0.1, 0.9) < -60
    assert heard.rms(1, 5.2, 5.9) < -60


def test_a_gap_stays_a_gap_of_the_same_length(tmp_path: Path, made: Any, make_tone: Any, hear: Any) -> None:
    made.leg(0, 8, make_tone(600, 8, 0.3, 8), keep=lambda n: not 150 <= n < 250)
    made.leg(1, 8, make_tone(900, 8, 0.2, 8))
    done = finish(tmp_path, made.write(tmp_path, ended_at=8.0))
    heard = hear(tmp_path / done.path)
    assert heard.rms(0, 3.1, 4.9) < -50
    assert heard.level(0, 600, 2.0, 2.95) > -13
    assert heard.level(0, 600, 5.05, 6.0) > -13
    assert [(gap.leg, gap.start, gap.seconds) for gap in done.gaps] == [(0, 3.0, 2.0)]
    assert not done.complete


def test_the_manifest_tells_and_proves_what_was_made(tmp_path: Path, made: Any, make_speech: Any) -> None:
    made.leg(0, 8, make_speech(5, 8, 1))
    made.leg(1, 0, make_speech(5, 0, 2))
    raw = made.write(tmp_path, ended_at=5.0)
    done = finish(tmp_path, raw)
    manifest = json.loads((tmp_path / done.manifest_path).read_text())
    file = (tmp_path / done.path).read_bytes()
    assert done.path == "recordings/finished/2026/03/01/0195-call.webm"
    assert manifest["sha256"] == done.sha256 == hashlib.sha256(file).hexdigest()
    assert manifest["bytes"] == done.bytes == len(file)
    assert manifest["source"]["sha256"] == hashlib.sha256((tmp_path / raw).read_bytes()).hexdigest()
    assert manifest["source"]["packets"] == 500
    assert manifest["call"] == "0195-call"
    assert manifest["channels"] == ["caller", "agent"]
    assert manifest["seconds"] == 5.0
    assert manifest["gaps"] == []
    assert manifest["completeness"]["complete"]
    assert manifest["completeness"]["audio_seconds"] == [5.0, 5.0]
    assert manifest["started_at"] == made.wall_ns / 1e9
    assert min(manifest["verification"]["correlation"]) > 0.95
    assert not list(tmp_path.rglob("*.part"))


def test_the_file_can_be_sought_from_its_first_bytes(tmp_path: Path, made: Any, make_speech: Any) -> None:
    """The index (Cues, EBML id 1C53BB6B) stands before the first cluster (1F43B675), one entry a second."""
    made.leg(0, 8, make_speech(30, 8, 1))
    done = finish(tmp_path, made.write(tmp_path))
    file = (tmp_path / done.path).read_bytes()
    cues, cluster = file.index(b"\x1c\x53\xbb\x6b"), file.index(b"\x1f\x43\xb6\x75")
    assert cues < cluster
    head = file.index(b"OpusHead")
    assert tuple(file[head + 18 : head + 23]) == (1, 2, 0, 0, 1), "left and right, each a stream of its own"
    assert file.count(b"\x1f\x43\xb6\x75") >= 29


def test_peaks_follow_the_loudness_of_each_channel(tmp_path: Path, made: Any, make_tone: Any) -> None:
    made.leg(0, 8, make_tone(500, 2, 0.5, 8))
    made.leg(1, 0, make_tone(500, 2, 0.05, 0), starts=1.0)
    done = finish(tmp_path, made.write(tmp_path, ended_at=3.0))
    peaks = read_peaks(tmp_path / done.peaks_path)
    caller, agent = peaks.linear()
    assert (peaks.rate, peaks.samples_per_peak, len(caller), len(agent)) == (8000, 160, 150, 150)
    assert all(abs(peak - 0.5) < 0.02 for peak in caller[:100])
    assert all(peak == 0 for peak in caller[100:])
    assert all(peak == 0 for peak in agent[:50])
    assert all(abs(peak - 0.05) < 0.005 for peak in agent[50:])


def test_finishing_again_changes_nothing(tmp_path: Path, made: Any, make_speech: Any) -> None:
    made.leg(0, 8, make_speech(3, 8, 1))
    raw = made.write(tmp_path, ended_at=3.0)
    done = finish(tmp_path, raw)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert finish(tmp_path, raw) == done
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    shutil.rmtree(tmp_path / "recordings/finished")
    assert finish(tmp_path, raw).sha256 == done.sha256, "the same capture gives the same file"


@pytest.mark.parametrize("lost", [".webm", ".peaks", ".json"])
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_finished_file_that_was_damaged_is_made_again(
    tmp_path: Path, made: Any, make_speech: Any, lost: str, how: str
) -> None:
    made.leg(0, 8, make_speech(1, 8, 1))
    raw = made.write(tmp_path, ended_at=1.0)
    done = finish(tmp_path, raw)
    file = (tmp_path / done.path).with_suffix(lost)
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-10])
    assert not discard_raw(tmp_path, raw)
    assert finish(tmp_path, raw) == done
    assert discard_raw(tmp_path, raw)


def test_the_capture_is_deleted_only_once_its_finished_file_is_there(
    tmp_path: Path, made: Any, make_speech: Any
) -> None:
    made.leg(0, 8, make_speech(1, 8, 1))
    raw = made.write(tmp_path, ended_at=1.0)
    assert not discard_raw(tmp_path, raw)
    done = finish(tmp_path, raw)
    made.leg(0, 8, make_speech(1, 8, 2), starts=1.0)
    made.write(tmp_path, ended_at=2.0)
    assert not discard_raw(tmp_path, raw), "the capture grew after it was finished"
    again = finish(tmp_path, raw)
    assert again.seconds == 2.0
    assert again.sha256 != done.sha256
    assert discard_raw(tmp_path, raw)
    assert not (tmp_path / raw).exists()
    assert finish(tmp_path, raw) == again, "found without its capture"


def test_a_capture_of_a_killed_process_is_finished_up_to_its_last_packet(
    tmp_path: Path, made: Any, make_tone: Any, hear: Any
) -> None:
    made.leg(0, 8, make_tone(700, 4, 0.3, 8))
    made.leg(1, 8, make_tone(900, 4, 0.3, 8))
    raw = made.write(tmp_path)
    (tmp_path / raw).write_bytes((tmp_path / raw).read_bytes()[:-100])
    done = finish(tmp_path, raw)
    manifest = json.loads((tmp_path / done.manifest_path).read_text())
    assert done.seconds == 4.0
    assert manifest["source"]["torn_bytes"] == 76
    assert not manifest["source"]["closed_in_order"]
    assert hear(tmp_path / done.path).level(0, 700, 3.0, 3.9) > -13


def test_what_the_speech_coder_cannot_follow_is_encoded_with_more(tmp_path: Path, made: Any, make_tone: Any) -> None:
    """A 50 Hz hum is filtered out as no speech; the check notices, and the other coder carries it."""
    made.leg(0, 8, make_tone(50, 5, 0.5, 8))
    made.leg(1, 8, make_tone(440, 5, 0.3, 8))
    done = finish(tmp_path, made.write(tmp_path, ended_at=5.0))
    assert done.codec == ffmpeg.ANYTHING.name(2) == "opus-64k"


def test_a_file_that_is_not_the_capture_is_found_out(tmp_path: Path, made: Any, make_speech: Any) -> None:
    made.leg(0, 8, make_speech(10, 8, 1))
    made.leg(1, 8, make_speech(10, 8, 2))
    done = finish(tmp_path, made.write(tmp_path, ended_at=10.0))
    pcm = b"".join(_decode(tmp_path / done.path))
    verify(tmp_path / done.path, [pcm], 2, 10.0, 60)
    swapped = b"".join(pcm[n + 2 : n + 4] + pcm[n : n + 2] for n in range(0, len(pcm), 4))
    quieter = b"".join(pcm[n : n + 2] + bytes(2) for n in range(0, len(pcm), 4))
    late = bytes(32000) + pcm[:-32000]
    for other in (swapped, quieter, late):
        with pytest.raises(NotTheSame):
            verify(tmp_path / done.path, [other], 2, 10.0, 60)
    with pytest.raises(NotTheSame, match=r"10\.0.* s, the capture 11"):
        verify(tmp_path / done.path, [pcm + bytes(32000)], 2, 11.0, 60)


def _decode(file: Path) -> list[bytes]:
    with ffmpeg.decoding(file, 2, 60) as blocks:
        return list(blocks)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", CaptureUnreadable),
        (b"RIFF....WAVE", CaptureUnreadable),
        (bytes(5000), CaptureUnreadable),
    ],
)
def test_what_is_no_capture_is_refused_and_left_alone(tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    raw = tmp_path / "recordings/raw/2026/03/01/x.cap"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(content)
    with pytest.raises(error):
        finish(tmp_path, "recordings/raw/2026/03/01/x.cap")
    assert raw.read_bytes() == content
    assert not list(tmp_path.glob("recordings/finished/**/*.*"))


def test_a_capture_without_a_packet_is_refused(tmp_path: Path, made: Any) -> None:
    raw = made.write(tmp_path, ended_at=1.0)
    with pytest.raises(NothingRecorded):
        finish(tmp_path, raw)


def test_a_capture_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RawMissing):
        finish(tmp_path, "recordings/raw/2026/03/01/x.cap")


@pytest.mark.parametrize("path", ["/etc/passwd", "recordings/raw/../../x.cap", "elsewhere/x.cap", "recordings/rawer/x"])
def test_nothing_outside_the_capture_folder_is_touched(tmp_path: Path, path: str) -> None:
    with pytest.raises(CaptureUnreadable, match="not below"):
        finish(tmp_path, path)


def test_an_encoder_that_fails_leaves_the_capture_and_no_rest(
    tmp_path: Path, made: Any, make_speech: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.leg(0, 8, make_speech(2, 8, 1))
    raw = made.write(tmp_path, ended_at=2.0)
    broken = ffmpeg.Codec("broken", 16, ("-c:a", "no-such-codec", "-f", "webm"))
    with monkeypatch.context() as patch:
        patch.setattr(finishing.ffmpeg, "SPEECH", broken)
        with pytest.raises(ffmpeg.CodecFailed, match="no-such-codec"):
            finish(tmp_path, raw)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["0195-call.cap"]
    assert finish(tmp_path, raw).seconds == 2.0
