import random

import pytest

from telephony.media.quality import ReceiverQuality

FRAME = 20_000_000


def feed(quality: ReceiverQuality, sequences: list[int], ssrc: int = 1) -> None:
    for place, sequence in enumerate(sequences):
        quality.packet(sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, ssrc, place * FRAME)


def test_a_whole_stream_loses_nothing() -> None:
    quality = ReceiverQuality()
    feed(quality, list(range(500)))
    assert (quality.received, quality.lost, quality.late) == (500, 0, 0)


def test_missing_packets_are_lost() -> None:
    quality = ReceiverQuality()
    feed(quality, [n for n in range(500) if n % 10])
    # the first of all was never expected: nobody saw it
    assert (quality.received, quality.lost) == (450, 49)


def test_a_packet_out_of_order_is_late_and_not_lost() -> None:
    quality = ReceiverQuality()
    feed(quality, [0, 1, 3, 2, 4, 5])
    assert (quality.received, quality.lost, quality.late) == (6, 0, 1)


def test_a_wrap_of_the_sequence_number_is_no_loss() -> None:
    quality = ReceiverQuality()
    feed(quality, list(range(65000, 67000)))
    assert (quality.received, quality.lost) == (2000, 0)


def test_loss_across_the_wrap_is_counted() -> None:
    quality = ReceiverQuality()
    feed(quality, [n for n in range(65500, 65600) if n not in (65535, 65536, 65540)])
    assert quality.lost == 3


def test_a_new_source_is_told_and_its_numbers_are_no_loss() -> None:
    quality = ReceiverQuality()
    assert quality.packet(10, 0, 1, 0)
    assert not quality.packet(11, 160, 1, FRAME)
    assert quality.packet(40000, 9, 2, 2 * FRAME)
    assert not quality.packet(40002, 329, 2, 4 * FRAME)
    assert (quality.received, quality.lost) == (4, 1)


def test_a_source_that_numbers_anew_is_no_loss_of_thousands() -> None:
    quality = ReceiverQuality()
    feed(quality, list(range(100)))
    feed(quality, list(range(30000, 30100)))
    assert (quality.received, quality.lost) == (200, 0)


def test_duplicates_never_make_the_loss_negative() -> None:
    quality = ReceiverQuality()
    feed(quality, [0, 0, 0, 1, 1])
    assert quality.lost == 0


def test_an_even_stream_has_no_jitter() -> None:
    quality = ReceiverQuality()
    feed(quality, list(range(300)))
    assert quality.jitter_ms == pytest.approx(0)


def test_jitter_is_the_rfcs_running_mean_of_transit_changes() -> None:
    quality = ReceiverQuality()
    chance = random.Random(5)
    expected, transit_before = 0.0, None
    for n in range(1000):
        now = n * FRAME + chance.randrange(8_000_000)
        quality.packet(n, n * 160, 1, now)
        transit = now / 1e6 - n * 20
        if transit_before is not None:
            expected += (abs(transit - transit_before) - expected) / 16
        transit_before = transit
    assert quality.jitter_ms == pytest.approx(expected, rel=0.01)
    assert 1 < expected < 6


def test_a_timestamp_that_wraps_makes_no_jitter() -> None:
    quality = ReceiverQuality()
    for n in range(100):
        quality.packet(n, (0xFFFFFFFF - 50 * 160 + n * 160) & 0xFFFFFFFF, 1, n * FRAME)
    assert quality.jitter_ms == pytest.approx(0)


def test_nothing_received_is_nothing_lost() -> None:
    quality = ReceiverQuality()
    assert (quality.expected, quality.lost, quality.jitter_ms) == (0, 0, 0)
