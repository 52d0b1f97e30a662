"""What agents may dial: any telephone number, and SIP addresses of the lines' own domains or what the settings add."""

from __future__ import annotations

import pytest

from telephony.calls.refusal import CallRefused
from telephony.dialling import diallable, uri_domains
from telephony.settings import LineSettings, PhoneSettings

LINES = (
    LineSettings(name="trunk", proxy="sip:PBX.example.cn:5070"),
    LineSettings(name="desk", mode="register", proxy="[2001:db8::1]:5060", domain="hospital.example"),
)
house = uri_domains(PhoneSettings(lines=LINES))


def refused(number: str, domains: frozenset[str] = house) -> str:
    with pytest.raises(CallRefused) as caught:
        diallable(number, domains)
    return caught.value.code


def test_the_lines_own_domains_and_proxies_are_the_house() -> None:
    assert house == {"pbx.example.cn", "hospital.example", "2001:db8::1"}


@pytest.mark.parametrize(
    "number",
    [
        *("sip:8001@pbx.example.cn", "sip:8001@PBX.Example.CN:5099", "sips:8001@hospital.example."),
        *("sip:+8657188886666@[2001:db8::1]:5060", "sip:8001@[2001:db8::1]"),
    ],
)
def test_an_address_in_the_house_is_dialled_as_it_is(number: str) -> None:
    assert diallable(f" {number} ", house) == number


@pytest.mark.parametrize(
    "number",
    [
        *("sip:1900@premium.example", "sip:1900@192.0.2.9:5060", "sips:1900@pbx.example.cn.premium.example"),
        *("sip:1@xpbx.example.cn", "sip:1@example.cn", "ｓｉｐ：1900@premium.example", "sip:1@localhost"),
    ],
)
def test_an_address_elsewhere_is_refused_until_the_settings_allow_it(number: str) -> None:
    assert refused(number) == "foreign_address"
    assert diallable(number, frozenset({"*"})).startswith("sip")


def test_the_settings_add_domains_or_allow_any() -> None:
    wider = uri_domains(PhoneSettings(lines=LINES, uri_domains=("Partner.example",)))
    assert diallable("sip:7@partner.example", wider) == "sip:7@partner.example"
    assert refused("sip:7@other.example", wider) == "foreign_address"
    assert diallable("sip:7@other.example", uri_domains(PhoneSettings(uri_domains=("*",)))) == "sip:7@other.example"


def test_telephone_numbers_are_dialled_without_what_only_pleases_the_eye() -> None:
    assert diallable("（０５７１）8888-6666", frozenset()) == "057188886666"
    assert diallable("+86 138 1234 5678", frozenset()) == "+8613812345678"


@pytest.mark.parametrize(
    "number",
    [
        *("", "sip:", "sip:1@", "sip:@pbx.example.cn", "sip:1@pbx.example.cn;x=y", "sip:1@pbx.example.cn?Route=x"),
        *("sip:1@pbx.example.cn:0", "sip:a@b", "12 34\r\nVia: x", "tel:+8613812345678", "9" * 41),
        "sip:1@pbx.example.cn@premium.example",
    ],
)
def test_what_is_neither_is_no_number(number: str) -> None:
    assert refused(number) == "bad_number"
