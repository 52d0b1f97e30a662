"""Reading raw captures back: cut anywhere, damaged anywhere, or not captures at all."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings.capture_format import (
    GAP,
    GAP_NOTE,
    LEGS,
    RECORD,
    CaptureGap,
    CaptureHeader,
    CaptureUnreadable,
    parse_capture,
)


def test_a_capture_cut_at_any_byte_keeps_every_whole_record(made: Any, make_speech: Any) -> None:
    made.leg(0, 8, make_speech(0.2, 8, 1))
    made.leg(1, 0, make_speech(0.2, 0, 2))
    whole = made.pack(ended_at=0.3)
    header = len(CaptureHeader(made.call, made.wall_ns, 0).pack())
    for cut in range(header, len(whole)):
        capture = parse_capture(whole[:cut])
        complete = min((cut - header) // 176, 20)
        assert capture.packets == complete
        assert not capture.ended
        assert capture.damaged_bytes == 0
        assert capture.torn_bytes == cut - header - complete * 176
    assert parse_capture(whole).ended


@pytest.mark.parametrize("size", range(0, 40, 3))
def test_a_file_without_a_whole_header_is_unreadable(made: Any, size: int) -> None:
    with pytest.raises(CaptureUnreadable):
        parse_capture(made.pack()[:size])


def test_a_header_with_a_flipped_bit_is_not_trusted(made: Any) -> None:
    whole = bytearray(made.pack())
    for place in range(len(whole)):
        whole[place] ^= 4
        with pytest.raises(CaptureUnreadable):
            parse_capture(bytes(whole))
        whole[place] ^= 4


@pytest.mark.parametrize("filling", [b"\0", b"\xff", b"\x89", b"\xf0", b"random"])
def test_a_lost_disk_block_costs_only_the_records_in_it(made: Any, make_speech: Any, filling: bytes) -> None:
    made.leg(0, 8, make_speech(4, 8, 1))
    whole = bytearray(made.pack(ended_at=5))
    block = random.Random(7).randbytes(4096) if filling == b"random" else filling * 4096
    whole[8192:12288] = block
    capture = parse_capture(bytes(whole))
    assert 200 - 4096 // 176 - 3 <= capture.packets <= 200 - 4096 // 176 + 1
    assert capture.damaged_bytes >= 4000
    assert capture.ended


def test_notes_of_dropped_packets_are_read(made: Any, make_speech: Any) -> None:
    made.leg(0, 8, make_speech(0.1, 8, 1))
    counts = tuple(range(LEGS))
    note = RECORD.pack(GAP_NOTE, 0, GAP.size, 0, 5_000_000_000_000) + GAP.pack(1, 2, *counts)
    of_two = RECORD.pack(GAP_NOTE, 0, 24, 0, 5_000_000_000_000) + struct.pack(">QQII", 5, 6, 7, 8)
    (segment,) = parse_capture(made.pack() + note + of_two).segments
    assert segment.gaps == [CaptureGap(1, 2, counts), CaptureGap(5, 6, (7, 8))]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_whatever_break_the_reader(noise: bytes, with_header: bool) -> None:
    header = CaptureHeader("call", 1, 10**12).pack() if with_header else b""
    try:
        capture = parse_capture(header + noise)
    except CaptureUnreadable:
        assert not with_header
    else:
        assert capture.torn_bytes + capture.damaged_bytes <= len(noise)
