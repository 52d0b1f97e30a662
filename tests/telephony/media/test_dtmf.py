import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.media.dtmf import DIGITS, END_PACKETS, DtmfReceiver, DtmfSender, MalformedEvent


def played(digits: str) -> list[tuple[int, bytes]]:
    """The packets of ``digits`` as (RTP timestamp, payload)."""
    sender = DtmfSender()
    sender.add(digits)
    packets = []
    timestamp = 1000
    for _ in range(100 * len(digits)):
        if not sender.active:
            break
        packet = sender.step()
        if packet is not None:
            packets.append((timestamp - packet.offset, packet.payload))
        timestamp += 160
    assert not sender.active
    return packets


@given(st.text(DIGITS, min_size=1, max_size=12))
def test_digits_arrive_once_each_in_order(digits: str) -> None:
    receiver = DtmfReceiver()
    heard = [receiver.packet(timestamp, payload) for timestamp, payload in played(digits)]
    assert "".join(digit for digit in heard if digit) == digits


@given(st.text(DIGITS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_digits_survive_lost_and_repeated_packets(digits: str, chance: object) -> None:
    receiver = DtmfReceiver()
    heard = ""
    by_event: dict[int, list[bytes]] = {}
    for timestamp, payload in played(digits):
        by_event.setdefault(timestamp, []).append(payload)
    for timestamp, payloads in by_event.items():
        kept = [payload for payload in payloads if chance.random() < 0.5] or payloads[-1:]  # type: ignore[attr-defined]
        for payload in kept + kept[-1:]:
            heard += receiver.packet(timestamp, payload) or ""
    assert heard == digits


def test_an_event_ends_with_three_equal_end_packets() -> None:
    packets = played("5")
    ends = [payload for _, payload in packets if payload[1] & 0x80]
    assert len(ends) == END_PACKETS
    assert len(set(ends)) == 1
    assert ends[0] == bytes([5, 0x80 | 10, 0x03, 0x20])
    assert len({timestamp for timestamp, _ in packets}) == 1


def test_the_duration_grows_while_the_key_is_down() -> None:
    durations = [int.from_bytes(payload[2:]) for _, payload in played("#") if not payload[1] & 0x80]
    assert durations == [160, 320, 480, 640, 800]


def test_the_same_digit_pressed_twice_counts_twice() -> None:
    receiver = DtmfReceiver()
    assert receiver.packet(1000, b"\x07\x0a\x00\xa0") == "7"
    assert receiver.packet(1000, b"\x07\x8a\x03\x20") is None
    assert receiver.packet(4000, b"\x07\x0a\x00\xa0") == "7"


def test_a_straggler_of_the_digit_before_is_no_digit() -> None:
    receiver = DtmfReceiver()
    receiver.packet(1000, b"\x01\x8a\x03\x20")
    receiver.packet(3000, b"\x02\x0a\x00\xa0")
    assert receiver.packet(1000, b"\x01\x8a\x03\x20") is None


def test_events_that_are_no_digits_are_passed_over() -> None:
    assert DtmfReceiver().packet(1, b"\x10\x0a\x00\xa0") is None
    assert DtmfReceiver().packet(1, b"\x24\x0a\x00\xa0") is None


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x01\x0a\x00"])
def test_a_short_event_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedEvent):
        DtmfReceiver().packet(1, payload)


@pytest.mark.parametrize("digits", ["12x", " ", "é"])
def test_nothing_is_sent_of_digits_that_are_none(digits: str) -> None:
    sender = DtmfSender()
    with pytest.raises(ValueError, match="no DTMF digit"):
        sender.add(digits)
    assert not sender.active
