import contextlib
import math
import struct
import wave
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tones import hear_pcm

from telephony.media import g711
from telephony.media.sound import SHIPPED, BadSound, NoSuchSound, Sound, SoundLibrary, beep, ringback
from telephony.media.wav import parse_wav

PCM = struct.pack("<800h", *(round(6000 * math.sin(n / 5)) for n in range(800)))


def riff(tag: int, data: bytes, *, channels: int = 1, rate: int = 8000, bits: int = 8, extra: bytes = b"") -> bytes:
    format_ = struct.pack("<HHIIHH", tag, channels, rate, rate * bits // 8, bits // 8, bits) + extra
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(format_)) + format_
    body += b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_wav_files_of_each_form_sound_the_same(tmp_path: Path) -> None:
    library = SoundLibrary(tmp_path)
    (tmp_path / "a.wav").write_bytes(riff(6, g711.encode(PCM, 8)))
    (tmp_path / "u.wav").write_bytes(riff(7, g711.encode(PCM, 0)))
    extensible = struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    (tmp_path / "e.wav").write_bytes(riff(0xFFFE, PCM, bits=16, extra=extensible))
    with wave.open(str(tmp_path / "p.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(PCM)
    library.use({name: f"{name}.wav" for name in "auep"})
    for name in "auep":
        sound = library.sound(name)
        assert len(sound) == 800
        assert sound.seconds == 0.1
        for law in (0, 8):
            levels = hear_pcm(g711.decode(sound.coded(law), law), 0).level
            assert levels == pytest.approx(hear_pcm(PCM, 0).level, abs=0.2)
            assert sound.coded(law) is sound.coded(law)
        assert library.sound(name) is sound
    assert library.sound("a").coded(8) == g711.encode(PCM, 8)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a WAV"),
        (b"ID3\x04" + bytes(100), "not a WAV"),
        (b"RIFF\0\0\0\0WAVE", "no audio"),
        (riff(6, b"x" * 100)[:-1], "cut short"),
        (riff(6, b"x" * 100)[:60], "cut short"),
        (riff(6, b"x" * 100)[:50], "no audio"),
        (riff(6, b""), "no audio"),
        (riff(1, b"x", bits=16), "no audio"),
        (riff(6, b"x" * 100, channels=2), "2 channels"),
        (riff(1, b"x" * 100, rate=44100, bits=16), "44100 samples a second"),
        (riff(1, b"x" * 100, bits=8), "format 1 with 8 bits"),
        (riff(85, b"x" * 100), "format 85"),
        (b"RIFF\0\0\0\0WAVEfmt \4\0\0\0abcd", "format of 4 bytes"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "before its format"),
        (riff(6, b"x" * (600 * 8000 + 1)), "at most 600"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused_with_a_reason(tmp_path: Path, content: bytes, says: str) -> None:
    library = SoundLibrary(tmp_path)
    (tmp_path / "bad.wav").write_bytes(content)
    library.use({"bad": "bad.wav"})
    with pytest.raises(BadSound, match=says) as refusal:
        library.sound("bad")
    assert "'bad'" in str(refusal.value)


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_make_the_parser_fail_otherwise(noise: bytes, at: int) -> None:
    sound = riff(6, b"\x55" * 100)
    for content in (noise, sound[:at] + noise, sound[:at] + noise + sound[at + len(noise) :]):
        with contextlib.suppress(BadSound):
            assert len(parse_wav(content).data) > 0


@pytest.mark.parametrize("name", ["", "..", "../secrets", "a/b", "nobody-said-this", "hold-music.wav", "x" * 100])
def test_names_of_nothing_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoSuchSound):
        SoundLibrary(tmp_path).sound(name)


def test_the_houses_own_prompts_go_first_and_stay_in_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "prompts").mkdir(parents=True)
    (tmp_path / "outside.wav").write_bytes(riff(6, b"\x55" * 320))
    (data / "prompts" / "own.wav").write_bytes(riff(6, b"\x55" * 320))
    library = SoundLibrary(data)
    shipped = library.sound("closed")
    assert len(shipped) > 8000
    library.use({"closed": "prompts/own.wav", "beep": "../outside.wav", "gone": "prompts/gone.wav"})
    assert len(library.sound("closed")) == 320
    for name in ("beep", "gone"):
        with pytest.raises(NoSuchSound):
            library.sound(name)
    library.use({})
    assert library.sound("closed") is shipped


def test_the_ring_back_tone_is_450_hz_one_second_of_five() -> None:
    assert ringback().seconds == 5.0
    pcm = g711.decode(ringback().coded(8), 8)
    # -13 dBm0 is 16.1 dB below a full-scale sine, which is 3 dB below full scale
    assert hear_pcm(pcm[:16000], 0.05).tone(450) == pytest.approx(-19.3, abs=0.3)
    assert hear_pcm(pcm[16000:], 0).level < -65
    assert beep().seconds == 0.4
    assert ringback() is ringback()


SHIPPED_NAMES = sorted(path.stem for path in SHIPPED.glob("*.wav"))


def test_all_prompts_that_the_documents_name_ship_and_are_small(tmp_path: Path) -> None:
    table = (
        (Path(__file__).parents[3] / "docs" / "routing.md").read_text(encoding="utf-8").split("## Prompts that ship")[1]
    )
    for name in SHIPPED_NAMES:
        assert f"`{name}`" in table or name.startswith("num-"), name
    assert {f"num-{value}" for value in (*range(11), 100)} <= set(SHIPPED_NAMES)
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 700_000


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_a_shipped_prompt_is_a_law_and_as_loud_as_the_others(tmp_path: Path, name: str) -> None:
    content = (SHIPPED / f"{name}.wav").read_bytes()
    assert parse_wav(content).law == 8
    pcm = g711.decode(SoundLibrary(tmp_path).sound(name).coded(8), 8)
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    loudest = max(
        sum(sample * sample for sample in samples[at : at + 800]) / 800 for at in range(0, len(samples) - 799, 400)
    )
    assert -24 < 10 * math.log10(loudest / 32768**2) < -10
    assert max(abs(sample) for sample in samples) < 31000


def test_the_hold_music_has_no_seam(tmp_path: Path) -> None:
    music: Any = SoundLibrary(tmp_path).sound("hold-music")
    assert 20 <= music.seconds <= 30
    pcm = g711.decode(music.coded(8), 8)
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    steps = sorted(abs(samples[n] - samples[n - 1]) for n in range(len(samples)))
    # from the last sample to the first (n = 0) it steps as it does elsewhere
    assert abs(samples[0] - samples[-1]) <= steps[len(steps) * 99 // 100]
    assert hear_pcm(pcm, 0).level == pytest.approx(-22, abs=1.5)


def test_a_sound_without_samples_is_empty() -> None:
    assert len(Sound("nothing")) == 0
    assert Sound("nothing").coded(0) == b""
