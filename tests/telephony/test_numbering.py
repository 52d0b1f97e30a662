"""One subscriber under many spellings, and the same by the rules that the call log's numbers are read by."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.phone_numbers import LANDLINE, MOBILE, TOLLFREE, normalise
from telephony.numbering import subscriber


@pytest.mark.parametrize(
    "spelling",
    [
        *("13812345678", "+8613812345678", "008613812345678", "8613812345678", "013812345678", "9013812345678"),
        *("913812345678", "+86 138-1234-5678", "138 1234 5678", "sip:+8613812345678@carrier.example;user=phone"),
        *("tel:+86-138-1234-5678;phone-context=x", "１３８１２３４５６７８", "+86 (0)138 1234 5678"),
    ],
)
def test_a_mobile_is_one_however_it_is_signalled(spelling: str) -> None:
    assert subscriber(spelling) == "13812345678"


@pytest.mark.parametrize(
    "spelling",
    [
        *("057188886666", "0571-8888 6666", "+8657188886666", "+86057188886666", "0086 571 88886666", "8657188886666"),
        *("88886666", "8888-6666", "988886666", "9057188886666"),
    ],
)
def test_a_number_of_the_own_town_is_one_with_and_without_its_area_code(spelling: str) -> None:
    assert subscriber(spelling, "0571") == "57188886666"


def test_numbers_that_differ_stay_different() -> None:
    assert subscriber("88886666", "0571") != subscriber("88886666", "010")
    assert subscriber("88886666") == "88886666"
    assert subscriber("01088886666") == "1088886666" != subscriber("057188886666")
    assert subscriber("+85221234567") == subscriber("0085221234567") == "+85221234567" != subscriber("21234567", "021")
    assert subscriber("86123456", "0571") == "57186123456", "a local number may begin with 86"
    assert (subscriber("8001"), subscriber("95588"), subscriber("+8695588")) == ("8001", "95588", "95588")
    assert subscriber("4001234567") == subscriber("+864001234567") == "4001234567"


@pytest.mark.parametrize("junk", ["", "anonymous", "12", "+", "sip:anonymous@anon.invalid", "匿名", "\x00", "@1234"])
def test_what_is_no_number_is_nobodys(junk: str) -> None:
    assert subscriber(junk, "0571") == ""


_NATIONAL = st.from_regex(r"1[3-9][0-9]{9}|(10|21|571|755)[2-8][0-9]{7}|400[0-9]{7}", fullmatch=True)


@settings(deadline=None)
@given(_NATIONAL, st.sampled_from(["+86", "0086", "86", "0", ""]), st.sampled_from(["", "0571", "010", "021"]))
def test_it_agrees_with_the_numbers_of_the_call_log(national: str, prefix: str, area: str) -> None:
    read = normalise(prefix + national, home_area_code=area)
    if read.kind in (MOBILE, LANDLINE, TOLLFREE):
        assert f"+86{subscriber(prefix + national, area)}" == read.e164


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "0571", "x"]))
def test_nothing_raises(text: str, area: str) -> None:
    assert subscriber(text, area).removeprefix("+").isdigit() or not subscriber(text, area)
