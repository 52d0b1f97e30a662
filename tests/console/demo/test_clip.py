"""The spoken clips: those that are shipped, and files that are no clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.demo.callers import clip
from console.demo.callers.conversation import ALL


def wav(form: int = 6, channels: int = 1, rate: int = 8000, sound: bytes = b"\x55" * 320) -> bytes:
    head = b"".join(number.to_bytes(size, "little") for number, size in ((form, 2), (channels, 2), (rate, 4)))
    head += (rate * channels).to_bytes(4, "little") + channels.to_bytes(2, "little") + b"\x08\x00"
    body = b"WAVEfmt " + len(head).to_bytes(4, "little") + head + b"data" + len(sound).to_bytes(4, "little") + sound
    return b"RIFF" + len(body).to_bytes(4, "little") + body


@pytest.mark.parametrize("name", [name for conversation in ALL for name in conversation.clip_names()])
def test_every_sentence_has_a_clip_of_one_to_six_seconds_that_can_be_heard(name: str) -> None:
    frames = clip.frames(clip.FOLDER / name)

    assert 50 <= len(frames) <= 300
    assert {len(frame) for frame in frames} == {clip.FRAME}
    loud = sum(frame != clip.SILENCE for frame in frames)
    assert loud > len(frames) / 2


def test_all_clips_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in clip.FOLDER.glob("*.wav")) < 600_000


def test_a_clip_that_ends_within_a_packet_is_filled_with_silence(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    path.write_bytes(wav(sound=b"\x55" * 200))

    first, last = clip.frames(path)

    assert first == b"\x55" * 160
    assert last == b"\x55" * 40 + b"\xd5" * 120


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a WAV file"),
        (b"RIFF\x04\x00\x00\x00AVI ", "not a WAV file"),
        (wav(form=1), "format"),
        (wav(channels=2), "format"),
        (wav(rate=16000), "format"),
        (wav(sound=b""), "no sound"),
        (wav()[:-10], "cut short"),
        (wav()[:12], "format"),
    ],
)
def test_a_file_that_is_no_clip_is_refused_with_its_name(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(data)

    with pytest.raises(clip.BadClipError, match=rf"odd\.wav: .*{words}"):
        clip.frames(path)
