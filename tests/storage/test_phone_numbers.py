from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.phone_numbers import KINDS, mask, normalise

HANGZHOU = "0571"

SPELLINGS = {
    "+8613812345678": [
        *("13812345678", "+8613812345678", "8613812345678", "008613812345678", "013812345678", "+86 138-1234-5678"),
        *("138 1234 5678", "(+86)13812345678", "9013812345678", "913812345678", "sip:13812345678@10.0.0.1;user=phone"),
        *(
            '"张三" <sip:+8613812345678@pbx>',
            "tel:+86-138-1234-5678",
            "%2B8613812345678",
            "13812345678",
            "+86013812345678",
        ),
        *("<sip:008613812345678;phone-context=+86@h:5060>", "13812345678@example.org", "0086-13812345678"),
    ],
    "+8657188886666": [
        *("0571-88886666", "057188886666", "88886666", "8888-6666", "+8657188886666", "+86 571 8888 6666"),
        *("0086 571 88886666", "8657188886666", "(0571)88886666", "0571-8888-6666", "9057188886666", "988886666"),
        *("0571—88886666", "+86(0571)88886666"),
    ],
    "+861065551234": ["010-65551234", "01065551234", "+86 10 6555 1234", "0086-10-65551234"],
    "+864008001234": ["4008001234", "400-800-1234", "400 8001234", "+864008001234"],
    "+868008101234": ["800-810-1234"],
    "+12125551234": ["+1 212 555 1234", "0012125551234", "+1-212-555-1234"],
    "+85223456789": ["+852 2345 6789", "0085223456789"],
    "+442079460958": ["+44 20 7946 0958"],
}


@pytest.mark.parametrize(("e164", "raw"), [(key, raw) for key, raws in SPELLINGS.items() for raw in raws])
def test_every_spelling_of_a_number_gives_the_same_key(e164: str, raw: str) -> None:
    assert normalise(raw, "CN", HANGZHOU).e164 == e164


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        *[
            ("13812345678", "mobile"),
            ("19912345678", "mobile"),
            ("0571-88886666", "landline"),
            ("88886666", "landline"),
        ],
        *[
            ("4008001234", "tollfree"),
            ("8008101234", "tollfree"),
            ("110", "short"),
            ("120", "short"),
            ("10086", "short"),
        ],
        *[("12345", "short"), ("95588", "short"), ("95105555", "short"), ("96120", "short"), ("12320", "short")],
        *[("8012", "extension"), ("601", "extension"), ("+12125551234", "foreign"), ("+85223456789", "foreign")],
        *[("anonymous", "anonymous"), ("Anonymous", "anonymous"), ("unknown", "anonymous"), ("", "anonymous")],
        *[("Restricted", "anonymous"), ("sip:anonymous@anonymous.invalid", "anonymous"), ("  ", "anonymous")],
        *[
            ("alice", "unknown"),
            ("sip:alice@example.org", "unknown"),
            ("1", "unknown"),
            ("99999999999999999999", "unknown"),
        ],
        *[
            ("+", "unknown"),
            ("+86", "unknown"),
            ("+8613812", "unknown"),
            ("💥", "unknown"),
            ("'; DROP TABLE", "unknown"),
        ],
    ],
)
def test_the_kind_of_a_number_is_told(raw: str, kind: str) -> None:
    assert normalise(raw, "CN", HANGZHOU).kind == kind


@pytest.mark.parametrize(
    "raw",
    [
        *("0571-88886666-8012", "88886666转8012", "0571-88886666,8012", "0571 88886666 转 8012", "057188886666#8012"),
        *("0571-88886666 ext. 8012", "tel:+86-571-88886666;ext=8012", "0571-88886666分机8012", "057188886666x8012"),
    ],
)
def test_an_extension_is_kept_apart_from_its_number(raw: str) -> None:
    number = normalise(raw, "CN", HANGZHOU)
    assert (number.e164, number.extension, number.kind) == ("+8657188886666", "8012", "landline")
    assert number.display == "0571-88886666-8012"


def test_a_local_number_needs_the_hospitals_area_code() -> None:
    assert normalise("88886666").e164 == ""
    assert normalise("88886666", "CN", "571").e164 == "+8657188886666"
    assert normalise("65551234", "CN", "010").e164 == "+861065551234"
    assert normalise("3456789", "CN", "0572").e164 == "+865723456789"


def test_short_codes_and_extensions_are_their_own_key() -> None:
    assert normalise("10086", "CN", HANGZHOU).e164 == "10086"
    assert normalise("+8610086", "CN", HANGZHOU).e164 == "10086"
    assert normalise("8012", "CN", HANGZHOU).e164 == "8012"


def test_masked_forms_hide_the_middle() -> None:
    masked = {raw: normalise(raw, "CN", HANGZHOU).masked for raw in ("13812345678", "88886666", "4008001234", "10086")}
    assert masked == {
        "13812345678": "138****5678",
        "88886666": "0571-****6666",
        "4008001234": "400***1234",
        "10086": "10086",
    }
    assert mask("+12125551234") == "+121****34"


def test_places_are_named_in_chinese_and_in_english() -> None:
    hangzhou = normalise("0571-88886666")
    assert (hangzhou.region_name, hangzhou.region_name_en) == ("浙江省杭州市", "Hangzhou, Zhejiang")
    assert normalise("+12125551234").region_name == "美国"
    assert normalise("+85223456789").region_name_en == "Hong Kong"
    assert normalise("10086").region_name_en == ""


def test_a_hospital_elsewhere_reads_its_own_plan() -> None:
    number = normalise("020 7946 0958", "GB")
    assert (number.e164, number.kind) == ("+442079460958", "landline")
    assert normalise("+8613812345678", "GB").kind == "foreign"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_whatever_raises_and_masked_forms_never_show_a_whole_number(raw: str) -> None:
    number = normalise(raw, "CN", HANGZHOU)
    assert number.kind in KINDS
    assert number.e164 == "" or number.e164.lstrip("+").isascii()
    if number.kind in ("mobile", "landline", "foreign", "tollfree"):
        assert number.e164.startswith("+")
        assert number.e164[1:] not in number.masked
        assert "*" in number.masked


@settings(deadline=None)
@given(st.text(alphabet="0123456789+-()# ,转x.;=@<>:siptel", max_size=40))
def test_no_mixture_of_digits_and_signs_raises(raw: str) -> None:
    number = normalise(raw, "CN", HANGZHOU)
    assert number.kind in KINDS
    assert bool(number.e164) == (number.kind not in ("anonymous", "unknown"))


@settings(deadline=None)
@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_every_mobile_is_read_back_from_its_own_key_and_display(raw: str) -> None:
    number = normalise(raw, "CN", HANGZHOU)
    assert number.e164 == f"+86{raw}"
    assert number.masked == f"{raw[:3]}****{raw[7:]}"
    for spelling in (number.e164, number.display, f"0086{raw}", f"0{raw}", f"sip:{raw}@host"):
        assert normalise(spelling, "CN", HANGZHOU).e164 == number.e164


@settings(deadline=None)
@given(st.sampled_from(["10", "21", "571", "755", "572"]), st.from_regex(r"[2-8][0-9]{7}", fullmatch=True))
def test_every_landline_is_read_back_from_its_own_key_and_display(area: str, local: str) -> None:
    number = normalise(f"0{area}-{local}", "CN", HANGZHOU)
    assert (number.e164, number.kind) == (f"+86{area}{local}", "landline")
    for spelling in (number.e164, number.display, f"0{area}{local}", f"86{area}{local}", f"0{area} {local} 转 12"):
        assert normalise(spelling, "CN", HANGZHOU).e164 == number.e164
