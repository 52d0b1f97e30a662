import itertools

import pytest

from telephony.media.pacer import CAPACITY, GRACE, TOLERANCE, Pacer, loudness
from telephony.media.silence import silence

MS = 1_000_000
FRAME = 20 * MS
START = 10**12


def frame(number: int) -> bytes:
    return bytes([number]) * 160


def drain(pacer: Pacer, start: int, until: int) -> list[tuple[int, bytes]]:
    """What goes out, with its time, when the clock ticks each 5 ms."""
    sent = []
    for now in range(start, until, 5 * MS):
        payload = pacer.pop(now)
        while payload is not None:
            sent.append((now, payload))
            payload = pacer.pop(now)
    return sent


def test_an_even_stream_passes_without_delay() -> None:
    pacer = Pacer(8)
    assert all(pacer.push(frame(n), START + n * FRAME) for n in range(100))


def test_ordinary_jitter_passes_without_delay() -> None:
    pacer = Pacer(8)
    jitter = [0, 5, 0, 5, 2, 7, 0, 8, 3, 1]
    assert all(pacer.push(frame(n), START + n * FRAME + late * MS) for n, late in enumerate(jitter))


def test_a_burst_leaves_in_order_and_evenly() -> None:
    pacer = Pacer(8)
    assert pacer.push(frame(0), START)
    for n in range(1, 5):
        assert not pacer.push(frame(n), START)
    sent = [(START, frame(0)), *drain(pacer, START, START + 200 * MS)]
    assert [payload for _, payload in sent] == [frame(n) for n in range(5)]
    steps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(sent)]
    assert min(steps) >= FRAME - TOLERANCE
    assert max(steps) <= 25 * MS


def test_a_full_queue_drops_the_oldest() -> None:
    pacer = Pacer(8)
    pacer.push(frame(0), START)
    for n in range(1, CAPACITY + 4):
        pacer.push(frame(n), START)
    assert pacer.waiting == CAPACITY
    assert pacer.dropped == 3
    assert drain(pacer, START, START + 30 * MS)[0][1] == frame(4)


def test_the_delay_of_a_burst_is_shed_within_three_seconds() -> None:
    pacer = Pacer(8)
    pacer.push(frame(0), START)
    # nothing for 200 ms: silence goes out; then all of it at once, and an even stream after that
    for now in range(START + FRAME, START + 200 * MS, FRAME):
        pacer.gap(now)
    for n in range(10):
        pacer.push(frame(n), START + 200 * MS)
    passed_at_once = []
    for tick in range(200 * MS, 3200 * MS, 5 * MS):
        now = START + tick
        while pacer.pop(now) is not None:
            pass
        if tick % FRAME == 0 and tick > 200 * MS:
            passed_at_once.append(pacer.push(frame(tick // FRAME % 256), now))
    assert not passed_at_once[0]
    assert all(passed_at_once[-25:])


def test_what_is_shed_is_the_quietest_frame() -> None:
    pacer = Pacer(8)
    loud = bytes([0xAA]) * 160
    pacer.push(loud, START)
    for n in range(9):
        pacer.push(silence(8) if n == 4 else loud, START)
    sent = []
    for tick in range(0, 300 * MS, 5 * MS):
        payload = pacer.pop(START + tick)
        if payload is not None:
            sent.append(payload)
            if pacer.waiting < 5:
                pacer.push(loud, START + tick)
    assert pacer.shed > 0
    assert loudness(silence(8), 8) == 0
    assert loudness(silence(0), 0) == 0
    assert loudness(loud, 8) == 127


def test_silence_fills_in_when_the_headset_has_nothing() -> None:
    pacer = Pacer(8)
    pacer.push(frame(1), START)
    filled = [now for now in range(START, START + 400 * MS, FRAME) if pacer.gap(now)]
    assert filled[0] == START + FRAME + GRACE
    assert {later - earlier for earlier, later in itertools.pairwise(filled)} == {FRAME}


def test_the_first_frame_after_silence_goes_at_once() -> None:
    pacer = Pacer(8)
    assert pacer.gap(START)
    assert pacer.push(frame(1), START + 3 * MS)
    assert pacer.push(frame(2), START + 23 * MS)


def test_frames_of_other_lengths_keep_their_own_pace() -> None:
    pacer = Pacer(0)
    assert all(pacer.push(bytes(240), START + n * 30 * MS) for n in range(50))
    pacer = Pacer(0)
    assert all(pacer.push(bytes(80), START + n * 10 * MS) for n in range(50))
    assert pacer.waiting == 0


def test_a_pacer_is_for_g711() -> None:
    with pytest.raises(ValueError, match=r"not G\.711"):
        Pacer(9)
