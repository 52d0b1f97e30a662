"""What logs may show."""

from __future__ import annotations

import pytest

from console.logs import mask_numbers, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call from 13812345678", "call from 138****5678"),
        ("to +8613812345678 now", "to +86****5678 now"),
        ("sip:13812345678@192.0.2.1", "sip:138****5678@192.0.2.1"),
        ("tel:88886666", "tel:88****66"),
        ("number 88886666.", "number 88886666."),
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
