"""Makes ``storage/places.dat``, which tells the place of a number, from the tables of phonenumbers (libphonenumber,
Apache License 2.0): ``python scripts/make_places.py``. ``storage/places.py`` reads it and says how it is laid out.

Run it again for newer tables; ``tests/storage/test_places.py`` compares the two.
"""

from __future__ import annotations

import array
import sys
import zlib
from itertools import pairwise
from pathlib import Path

import msgspec
import phonenumbers
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.geodata.locale import LOCALE_DATA

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from storage.places import DIGITS, TABLE  # noqa: E402

#: Chinese and English; libphonenumber takes English for most languages, but not for Chinese
LANGUAGES = ("zh", "en")
NOWHERE = ("", "")

Place = tuple[str, ...]


def main() -> None:
    areas = borders()
    names = sorted({place for _, place in areas})
    number = {place: index for index, place in enumerate(names)}
    starts = [start for start, _ in areas]
    steps = array.array("I", [starts[0], *(after - before for before, after in pairwise(starts))])
    which = array.array("H", [number[place] for _, place in areas])
    if sys.byteorder == "big":
        steps.byteswap()
        which.byteswap()
    about = {
        "made_from": phonenumbers.__version__,
        "areas": len(areas),
        "names": ["\t".join(place) for place in names],
        "countries": {region: country(region) for region in sorted(LOCALE_DATA)},
    }
    raw = steps.tobytes() + which.tobytes() + msgspec.json.encode(about)
    TABLE.write_bytes(len(areas).to_bytes(4, "little") + zlib.compress(raw, 9))
    print(f"{len(areas)} areas, {len(names)} names, {TABLE.stat().st_size} bytes")


def borders() -> list[tuple[int, Place]]:
    """The first number of each area, and its place: the longest prefix that has one, for each language."""
    at: dict[int, Place] = {}
    # those that contain the prefix at hand, the innermost last
    around: list[tuple[int, Place]] = []
    # in this order an area comes before those inside it
    for prefix in sorted(GEOCODE_DATA):
        width = 10 ** (DIGITS - len(prefix))
        start = int(prefix) * width
        leave(around, start, at)
        outside = around[-1][1] if around else NOWHERE
        found = GEOCODE_DATA[prefix]
        here = tuple(found.get(language) or before for language, before in zip(LANGUAGES, outside, strict=True))
        at[start] = here
        around.append((start + width, here))
    leave(around, 10**DIGITS, at)
    ordered = sorted(at.items())
    return [ordered[0], *(after for before, after in pairwise(ordered) if after[1] != before[1])]


def leave(around: list[tuple[int, Place]], start: int, at: dict[int, Place]) -> None:
    """Leave the areas that end before ``start``."""
    while around and around[-1][0] <= start:
        end, _ = around.pop()
        at[end] = around[-1][1] if around else NOWHERE


def country(region: str) -> Place:
    names = LOCALE_DATA[region]
    # "*pt": as in that language
    return tuple(names.get(name[1:], "") if (name := names.get(one, "")).startswith("*") else name for one in LANGUAGES)


if __name__ == "__main__":
    main()
