import math
import struct
from array import array
from itertools import pairwise

import pytest

from telephony.media import g711
from telephony.media.fades import RAMP
from telephony.media.voice import JUDGED, MOST_WAITING, Voice

SAMPLES = 160
#: the greatest step from sample to sample of the tone
STEEPEST = 8000 * 2 * math.pi * 440 / 8000


def sine(start: int, samples: int = SAMPLES) -> bytes:
    """440 Hz from sample ``start`` on, A-law."""
    pcm = array("h", (round(8000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(start, start + samples)))
    return g711.encode(pcm.tobytes(), 8)


def peak(pcm: bytes | None) -> int:
    return max(abs(sample) for sample in struct.unpack(f"<{len(pcm) // 2}h", pcm)) if pcm else 0


def test_what_is_pushed_is_pulled_decoded_and_nothing_is_silence() -> None:
    voice = Voice()
    assert voice.pull() is None
    payload = sine(0)
    voice.push(payload, 8, 1000)
    voice.push(sine(160), 8, 1160)
    assert len(voice.pull() or b"") == 320
    assert voice.pull() == g711.decode(sine(160), 8)


@pytest.mark.parametrize("samples", [80, 240, 320, 960])
def test_packets_of_any_length_become_frames_of_20_ms(samples: int) -> None:
    voice = Voice()
    pulled = []
    pushed = 0
    for now in range(0, 48 * 160, 160):
        while pushed + samples <= now:
            voice.push(sine(pushed, samples), 8, pushed)
            pushed += samples
        if pushed:
            pulled.append(voice.pull())
    assert None not in pulled
    whole = b"".join(frame or b"" for frame in pulled)
    assert g711.decode(sine(0, 48 * 160), 8)[2 * RAMP :].startswith(whole[2 * RAMP :])
    assert voice.bridged == voice.shed == 0


def test_a_lost_packet_is_bridged_and_those_after_it_keep_their_time() -> None:
    voice = Voice()
    for number in (0, 1, 3, 4):
        voice.push(sine(number * 160), 8, number * 160)
        if number == 1:
            voice.pull()
    assert voice.waiting == 4 * 160
    assert voice.pull() == g711.decode(sine(160), 8)
    bridge = voice.pull()
    assert 7000 < peak(bridge) < 8400
    assert (voice.pull() or b"")[2 * RAMP :] == g711.decode(sine(480), 8)[2 * RAMP :]
    assert voice.bridged == 160


def test_neither_a_lost_packet_nor_an_end_makes_a_click() -> None:
    voice = Voice()
    pcm = b""
    for number in range(12):
        if number not in (4, 8, 9):
            voice.push(sine(number * 160), 8, number * 160)
        if number:
            pcm += voice.pull() or bytes(320)
    for _ in range(6):
        pcm += voice.pull() or bytes(320)
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    assert samples[-160:] == (0,) * 160
    assert max(abs(after - before) for before, after in pairwise(samples)) < 1.3 * STEEPEST


def test_a_silent_source_fades_within_three_frames() -> None:
    voice = Voice()
    voice.push(sine(0), 8, 0)
    voice.pull()
    peaks = [peak(voice.pull()) for _ in range(5)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] > 5000
    assert peaks[3:] == [0, 0]


def test_a_late_packet_is_left_out_and_one_of_another_source_is_taken() -> None:
    voice = Voice()
    voice.push(sine(160), 8, 160)
    voice.push(sine(0), 8, 0)
    assert voice.waiting == 160
    voice.push(sine(0), 8, 3_000_000_000)
    assert voice.waiting == 320


def test_timestamps_may_wrap() -> None:
    voice = Voice()
    voice.push(sine(0), 8, 0xFFFFFFFF - 159)
    voice.push(sine(160), 8, 0)
    voice.push(sine(320), 8, 160)
    assert voice.waiting == 480
    assert voice.bridged == 0


def test_a_burst_is_cut_to_its_newest_part() -> None:
    voice = Voice()
    for number in range(20):
        voice.push(sine(number * 160), 8, number * 160)
        assert voice.waiting <= MOST_WAITING + 160
    assert voice.shed > 0
    last = b""
    while voice.waiting >= 160:
        last = voice.pull() or b""
    assert last == g711.decode(sine(19 * 160), 8)


def test_delay_that_never_wears_off_is_shed() -> None:
    voice = Voice()
    for number in range(3):
        voice.push(sine(number * 160), 8, number * 160)
    for number in range(3, 3 + 3 * JUDGED):
        voice.pull()
        voice.push(sine(number * 160), 8, number * 160)
    assert voice.waiting <= 160
    assert voice.shed == 320


def test_an_uneven_source_is_neither_cut_nor_made_up_once_its_unevenness_is_known() -> None:
    voice = Voice()
    sent = 0
    for frame in range(300):
        # two packets every 40 ms
        if frame % 2 == 0:
            for _ in range(2):
                voice.push(sine(sent * 160), 8, sent * 160)
                sent += 1
        voice.pull()
    assert voice.bridged <= 320
    assert voice.shed == 0


def test_what_was_left_out_makes_no_click() -> None:
    voice = Voice()
    pcm = b""
    for number in range(8):
        voice.push(sine(number * 160), 8, number * 160)
    while voice.waiting >= 160:
        pcm += voice.pull() or b""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    steps = [abs(after - before) for before, after in pairwise(samples)]
    assert max(steps) < 1.3 * STEEPEST
