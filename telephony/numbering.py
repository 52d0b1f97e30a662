"""Spellings of one telephone number, as lines signal them and people type them: are two of them the same subscriber?

The Chinese numbering plan: ``+86``, ``0086`` or bare ``86``, the trunk prefix 0, area codes of two and three digits, a
prefix for the outside line (9 or 0). Nothing here raises.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SCHEME = re.compile(r"^(?:sips?|tel):", re.IGNORECASE)
_MOBILE = r"1[3-9][0-9]{9}"
_TOLL_FREE = r"[48]00[0-9]{7}"
_LANDLINE = r"(?:10|2[0-9])[2-8][0-9]{7}|[3-9][0-9]{2}[2-8][0-9]{6,7}"
_NATIONAL = re.compile(f"{_MOBILE}|{_TOLL_FREE}|{_LANDLINE}")
_WITHOUT_TRUNK_PREFIX = re.compile(f"{_MOBILE}|{_TOLL_FREE}")
_LOCAL = re.compile(r"[2-8][0-9]{6,7}")
#: shorter than this is nobody's number
_SHORTEST = 3


@lru_cache(maxsize=4096)
def subscriber(number: str, area_code: str = "") -> str:
    """What all spellings of one number have in common, for a house in ``area_code`` (``0571``; empty: local numbers
    stay what they are): the national number, ``+`` and digits of another country, or the digits of a short number.
    Empty where no number came with the call."""
    text = _SCHEME.sub("", unicodedata.normalize("NFKC", number).strip()).partition("@")[0].partition(";")[0]
    digits = "".join(letter for letter in text if letter in "0123456789")
    if len(digits) < _SHORTEST:
        return ""
    if text.startswith("+"):
        return _international(digits)
    if digits.startswith("00") and len(digits) > 7:
        return _international(digits[2:])
    area = area_code.lstrip("0")
    outside = _dialled(digits[1:], area) if digits[0] in "90" and len(digits) > 8 else ""
    bare = digits[2:].removeprefix("0") if digits.startswith("86") else ""
    return _dialled(digits, area) or outside or (bare if _NATIONAL.fullmatch(bare) else digits)


def _international(digits: str) -> str:
    return digits[2:].removeprefix("0") if digits.startswith("86") else f"+{digits}"


def _dialled(digits: str, area: str) -> str:
    """The national number of what is dialled inside the country; empty where it is none."""
    if digits.startswith("0"):
        return digits[1:] if _NATIONAL.fullmatch(digits[1:]) else ""
    if _WITHOUT_TRUNK_PREFIX.fullmatch(digits):
        return digits
    return area + digits if area and _NATIONAL.fullmatch(area + digits) and _LOCAL.fullmatch(digits) else ""
