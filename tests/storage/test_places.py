"""The table of places says what libphonenumber's geocoder says."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType, geocoder

from storage.places import NOWHERE, place_of, places

#: of numbers, when phonenumbers is newer than the table
ALIKE = 0.98


def geocoded(number: phonenumbers.PhoneNumber) -> tuple[str, str]:
    return tuple(geocoder.description_for_number(number, language) for language in ("zh", "en"))  # type: ignore[return-value]


def examples() -> list[phonenumbers.PhoneNumber]:
    """Of every region and kind, and around each with other last digits."""
    chance = random.Random(12)
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            found.append(phonenumbers.parse(e164))
            for _ in range(2):
                found.append(phonenumbers.parse(e164[:-4] + "".join(chance.choices("0123456789", k=4))))
    return found


def chinese() -> list[phonenumbers.PhoneNumber]:
    chance = random.Random(86)
    mobiles = [f"+861{chance.randrange(3 * 10**9, 10**10)}" for _ in range(3000)]
    landlines = [
        f"+86{chance.choice((10, *range(20, 30), *range(310, 1000)))}8{chance.randrange(10**7)}" for _ in range(3000)
    ]
    return [phonenumbers.parse(number) for number in (*mobiles, *landlines)]


@pytest.mark.parametrize("asked", [examples(), chinese()], ids=["everywhere", "china"])
def test_places_are_those_of_the_geocoder(asked: list[phonenumbers.PhoneNumber]) -> None:
    others = [(number, place_of(number), geocoded(number)) for number in asked if place_of(number) != geocoded(number)]
    same_tables = places().about.made_from == phonenumbers.__version__
    assert len(others) <= (0 if same_tables else (1 - ALIKE) * len(asked)), others[:10]
    assert sum(place_of(number) != NOWHERE for number in asked) > len(asked) / 3
