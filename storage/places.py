"""The place that a number belongs to, in Chinese and English.

What libphonenumber's geocoder says, from a table of our own: the geocoder's takes half a second and 110 MB to load.
The table (``places.dat``, made by ``scripts/make_places.py``) is a count (4 bytes, little endian), then compressed with
zlib the distance of each area's first number from the one before (4 bytes each), each area's place (2 bytes each), and
JSON with the names. Numbers are cut or filled to ``DIGITS`` digits, country code first.
"""

from __future__ import annotations

import array
import contextlib
import sys
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import msgspec
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

TABLE = Path(__file__).parent / "places.dat"
#: the longest prefix of the table; numbers of so many digits fit in 4 bytes
DIGITS = 9

NOWHERE = ("", "")


class About(msgspec.Struct):
    """``made_from``: version of phonenumbers. Names: Chinese, tab, English. ``countries`` by ISO 3166 code."""

    made_from: str
    areas: int
    names: list[str]
    countries: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Places:
    #: first number of each area, ascending, and the index of its name
    starts: array.array[int]
    which: array.array[int]
    about: About

    def area(self, e164: str) -> tuple[str, str]:
        """Chinese and English name of the smallest area that has one, each empty where none has."""
        at = bisect_right(self.starts, int(e164[1 : 1 + DIGITS].ljust(DIGITS, "0"))) - 1
        if at < 0:
            return NOWHERE
        chinese, _, english = self.about.names[self.which[at]].partition("\t")
        return chinese, english

    def country(self, number: PhoneNumber) -> tuple[str, str]:
        """Nothing where the number could be of several."""
        regions = list(phonenumbers.region_codes_for_country_code(number.country_code or 0))
        if len(regions) > 1:
            regions = [region for region in regions if phonenumbers.is_valid_number_for_region(number, region)]
        return self.about.countries.get(regions[0], NOWHERE) if len(regions) == 1 else NOWHERE


@cache
def places() -> Places:
    """The table; the first call loads it."""
    raw = TABLE.read_bytes()
    count = int.from_bytes(raw[:4], "little")
    body = zlib.decompress(raw[4:])
    steps = array.array("I", body[: 4 * count])
    which = array.array("H", body[4 * count : 6 * count])
    if sys.byteorder == "big":
        steps.byteswap()
        which.byteswap()
    about = msgspec.json.decode(body[6 * count :], type=About)
    return Places(array.array("I", accumulate(steps)), which, about)


def place_of(number: PhoneNumber) -> tuple[str, str]:
    """Chinese and English name of the number's area, else of its country; empty where neither is known."""
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return NOWHERE
    table = places()
    if not phonenumbers.is_number_type_geographical(kind, number.country_code or 0):
        return table.country(number)
    chinese, english = table.area(_without_mobile_token(number))
    if chinese and english:
        return chinese, english
    country = table.country(number)
    return chinese or country[0], english or country[1]


def _without_mobile_token(number: PhoneNumber) -> str:
    """E.164, without the digit that some countries put before the area code of their mobiles."""
    code = number.country_code or 0
    token = phonenumbers.country_mobile_token(code)
    national = phonenumbers.national_significant_number(number)
    if token and national.startswith(token):
        # else as it was
        with contextlib.suppress(NumberParseException):
            number = phonenumbers.parse(national[len(token) :], phonenumbers.region_code_for_country_code(code))
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
