import math
import struct
import wave
from pathlib import Path

import pytest

from console.headless_agent import sound
from telephony.media import g711


def write(path: Path, rate: int, channels: int, width: int, frequency: float = 600, seconds: float = 0.5) -> None:
    samples = []
    for n in range(int(rate * seconds)):
        value = 0.5 * math.sin(2 * math.pi * frequency * n / rate)
        code = {
            1: lambda v: bytes([round(v * 127) + 128]),
            2: lambda v: struct.pack("<h", round(v * 32767)),
            3: lambda v: struct.pack("<i", round(v * 8388607))[:3],
            4: lambda v: struct.pack("<i", round(v * 2147483647)),
        }[width](value)
        samples.append(code * channels)
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(b"".join(samples))


def amplitude(pcm: bytes, frequency: float) -> float:
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    sine = sum(s * math.sin(2 * math.pi * frequency * n / 8000) for n, s in enumerate(samples))
    cosine = sum(s * math.cos(2 * math.pi * frequency * n / 8000) for n, s in enumerate(samples))
    return 2 * math.hypot(sine, cosine) / len(samples)


@pytest.mark.parametrize(
    ("rate", "channels", "width"),
    [(8000, 1, 2), (44100, 2, 2), (48000, 1, 3), (16000, 1, 4), (8000, 1, 1), (22050, 2, 1), (6000, 1, 2)],
)
def test_any_pcm_wav_becomes_8_khz_with_its_tone_and_length(
    tmp_path: Path, rate: int, channels: int, width: int
) -> None:
    write(tmp_path / "in.wav", rate, channels, width)
    pcm = sound.load(tmp_path / "in.wav")
    assert abs(len(pcm) // 2 - 4000) <= 1
    assert 14500 < amplitude(pcm, 600) < 17000


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3 no wave at all", b"RIFF\x04\x00\x00\x00WAVE"])
def test_what_is_no_wav_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "in.wav"
    path.write_bytes(content)
    with pytest.raises(sound.UnreadableSound, match=r"in\.wav"):
        sound.load(path)


def test_a_wav_without_sound_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "in.wav", 8000, 1, 2, seconds=0)
    with pytest.raises(sound.UnreadableSound, match="no sound"):
        sound.load(tmp_path / "in.wav")


def test_frames_are_20_ms_and_the_last_is_filled_up() -> None:
    cut = sound.frames(bytes(2 * 250), 8)
    assert [len(frame) for frame in cut] == [160, 160]
    assert cut[1][90:] == b"\xd5" * 70
    assert len(sound.frames(b"", 0)) == 1


def test_what_was_heard_lies_where_its_timestamps_say(tmp_path: Path) -> None:
    heard = sound.Heard()
    loud = b"\x2a" * 160
    start = 0xFFFFFFFF - 200  # the timestamp wraps on the way
    for place in (0, 160, 480, 320, 960):
        heard.packet(8, (start + place) & 0xFFFFFFFF, loud)
    pcm = struct.unpack(f"<{len(heard.pcm) // 2}h", heard.pcm)
    assert len(pcm) == 1120
    assert set(pcm[:640]) == set(pcm[960:]) == {struct.unpack("<h", g711.decode(b"\x2a", 8))[0]}
    assert set(pcm[640:960]) == {0}
    heard.save(tmp_path / "out.wav")
    assert sound.load(tmp_path / "out.wav") == heard.pcm


def test_a_source_that_starts_anew_goes_on_where_the_other_ended() -> None:
    heard = sound.Heard()
    heard.packet(8, 1000, b"\x2a" * 160)
    heard.packet(8, 3_000_000_000, b"\x2a" * 160)
    heard.packet(8, 3_000_000_160, b"\x2a" * 160)
    assert len(heard.pcm) == 2 * 480
