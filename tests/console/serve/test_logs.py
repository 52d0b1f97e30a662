"""What logs may show."""

from __future__ import annotations

import pytest

from console.logs import mask_numbers, masked, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call from 13812345678", "call from 138****5678"),
        ("to +8613812345678 now", "to +86****5678 now"),
        ("sip:13812345678@192.0.2.1", "sip:138****5678@192.0.2.1"),
        ("tel:88886666", "tel:88****66"),
        ("sips:13812345678@desk.example.cn", "sips:138****5678@desk.example.cn"),
        ("number 88886666.", "number 88****66."),
        ("/api/patients?q=13812345678", "/api/patients?q=138****5678"),
        ("id 0192f3b4-7d1e-7cc0-8000-123456789012", "id 0192f3b4-7d1e-7cc0-8000-123456789012"),
        ("at 1795305305.1574948", "at 1795305305.1574948"),
        ("127.0.0.1:50601", "127.0.0.1:50601"),
    ],
)
def test_telephone_numbers_are_masked_and_identifiers_are_not(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_numbers_deep_in_a_record_are_masked_and_other_values_kept() -> None:
    record = {
        "event": "dialled",
        "number": "13812345678",
        "list": ["13812345678", 5],
        "map": {"n": "88886666"},
        "x": 1.5,
    }
    assert mask_numbers(None, "", dict(record)) == {
        "event": "dialled",
        "number": "138****5678",
        "list": ["138****5678", 5],
        "map": {"n": "88****66"},
        "x": 1.5,
    }


def test_nobody_can_forge_a_line_of_the_log() -> None:
    record = {"event": "call of a\r\n2026-01-01 [info] signed in user=admin", "user": "a\x00\x1b[2J张三", "n": 1}
    shown = one_line(None, "", {**record, "exception": "Traceback\n  line"})
    assert shown == {
        "event": "call of a\\r\\n2026-01-01 [info] signed in user=admin",
        "user": "a\\x00\\x1b[2J张三",
        "n": 1,
        "exception": "Traceback\n  line",
    }
