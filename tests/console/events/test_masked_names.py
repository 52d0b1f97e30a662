"""A caller's display name must not tell the number that is masked beside it."""

from __future__ import annotations

import pytest

from console.events.visibility import masked_name, masked_numbers


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("13812340001", "138****0001"),
        ("+86 138 1234 0001", "138****0001"),
        ("138-1234-0001", "138****0001"),
        ("张三 (138)12340001", "张三 (138****0001"),
        ("8001", "138****0001"),
        ("张三", "张三"),
        ("3号诊室 2楼", "3号诊室 2楼"),
        ("", ""),
    ],
)
def test_a_number_in_a_display_name_is_masked_however_it_is_written(name: str, shown: str) -> None:
    assert masked_name(name, "138****0001") == shown
    event = masked_numbers({"number": "13812340001", "display_name": name}, "0571")
    assert event["display_name"] == shown
