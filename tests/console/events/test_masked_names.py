"""A caller's display name must not tell the number that is masked beside it."""

from __future__ import annotations

import pytest

from console.events.visibility import masked_name, masked_numbers, masked_way


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


@pytest.mark.parametrize("dialled", ["13812340001", "+8613812340001"])
def test_an_offer_of_a_call_that_we_dialled_tells_the_number_nowhere(dialled: str) -> None:
    offered = {"type": "call.offered", "number": "138-1234-0001", "dialled": dialled}
    assert masked_numbers(offered, "0571")["dialled"] == "138****0001"


@pytest.mark.parametrize("caller", ["13812340001", "anonymous"])
def test_the_number_of_ours_that_a_caller_dialled_stays_whole(caller: str) -> None:
    offered = {"type": "call.offered", "number": caller, "dialled": "057188000000"}
    assert masked_numbers(offered, "0571")["dialled"] == "057188000000"


@pytest.mark.parametrize(
    ("way", "shown"),
    [
        ("number:13812340001", "number:138****0001"),
        ("number:8001", "number:8001"),
        ("queue:vip", "queue:vip"),
        ("hang_up", "hang_up"),
        ("", ""),
    ],
)
def test_a_number_that_a_call_was_forwarded_to_is_masked(way: str, shown: str) -> None:
    assert masked_way(way) == shown
    assert masked_numbers({"type": "call.dequeued", "to": way}, "0571")["to"] == shown
