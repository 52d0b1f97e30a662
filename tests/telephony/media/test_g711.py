import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.media import g711
from telephony.media.silence import SILENCE_CODE, silence


def one(sample: int, law: int) -> int:
    return struct.unpack("<h", g711.decode(g711.encode(struct.pack("<h", sample), law), law))[0]


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    # ends and middle of the tables 1 and 2 of ITU-T G.711, scaled to 16 bits
    [(8, 0xAA, 32256), (8, 0x2A, -32256), (8, 0xD5, 8), (8, 0x55, -8), (0, 0x80, 32124), (0, 0, -32124), (0, 0xFF, 0)],
)
def test_codes_decode_as_the_recommendation_says(law: int, code: int, sample: int) -> None:
    assert struct.unpack("<h", g711.decode(bytes([code]), law)) == (sample,)


@pytest.mark.parametrize("law", [0, 8])
def test_every_code_survives_decoding_and_encoding(law: int) -> None:
    codes = bytes(code for code in range(256) if (law, code) != (0, 0x7F))  # mu-law has a negative zero
    assert g711.encode(g711.decode(codes, law), law) == codes


@given(st.integers(-32768, 32767), st.sampled_from([0, 8]))
def test_the_error_of_a_sample_is_within_its_step(sample: int, law: int) -> None:
    assert abs(one(sample, law) - sample) <= max(16, abs(sample) // 16 + 8, abs(sample) - 32124)


@pytest.mark.parametrize("law", [0, 8])
def test_a_tone_keeps_the_signal_to_noise_of_g711(law: int) -> None:
    pcm = [round(10000 * math.sin(2 * math.pi * 1000.3 * n / 8000)) for n in range(8000)]
    raw = struct.pack("<8000h", *pcm)
    back = struct.unpack("<8000h", g711.decode(g711.encode(raw, law), law))
    noise = sum((a - b) ** 2 for a, b in zip(pcm, back, strict=True))
    assert 10 * math.log10(sum(a * a for a in pcm) / noise) > 36


@pytest.mark.parametrize("law", [0, 8])
def test_silence_is_silent(law: int) -> None:
    assert max(abs(sample) for sample in struct.unpack("<160h", g711.decode(silence(law), law))) <= 8
    assert silence(law, 80) == bytes([SILENCE_CODE[law]]) * 80


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        g711.encode(b"\x00\x01\x02", 8)
