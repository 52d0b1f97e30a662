"""Telephone numbers as they are signalled and typed, brought to one form that can be looked up.

Chinese landlines with and without area code, ``+86``, ``0086`` and bare ``86``, mobiles, ``400``/``800``, short
codes, extensions, withheld numbers, foreign numbers, SIP URIs and plain junk. Nothing here raises.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from storage.places import NOWHERE, place_of

MOBILE, LANDLINE, TOLLFREE, SHORT = "mobile", "landline", "tollfree", "short"
FOREIGN, EXTENSION, ANONYMOUS, UNKNOWN = "foreign", "extension", "anonymous", "unknown"
KINDS = (MOBILE, LANDLINE, TOLLFREE, SHORT, FOREIGN, EXTENSION, ANONYMOUS, UNKNOWN)

#: longest text that is looked at; SIP has no limit of its own
MAX_LENGTH = 128

_WITHHELD = frozenset(
    [
        *("", "anonymous", "unknown", "restricted", "private", "unavailable", "withheld", "blocked", "noid"),
        *("nocallerid", "匿名", "未知", "隐藏", "未知号码", "私人号码", "匿名号码"),
    ]
)
_URI = re.compile(r"^\s*(?:\"[^\"]*\"\s*|[^<]*)<?\s*(?:sips?|tel)\s*:\s*([^>]*)>?", re.IGNORECASE)
_EXTENSION = re.compile(
    r"^(?P<number>.{5,}?)\s*(?:;ext=|,+|#|;|x|ext\.?|extension|转接?|分机号?|[-–—])\s*(?P<extension>\d{1,6})$",
    re.IGNORECASE,
)
_CN_MOBILE = re.compile(r"1[3-9]\d{9}")
_CN_TOLLFREE = re.compile(r"(?:400|800)\d{7}")
_CN_LOCAL = re.compile(r"[2-8]\d{6,7}")
_CN_NATIONAL = re.compile(r"(?:10|2\d|[3-9]\d{2})[2-8]\d{6,7}")
_CN_SHORT = re.compile(r"1[012]\d|12[1-9]\d{2}|1(?:00|01|06)\d{2,3}|9[56]\d{3,6}|11[4-9]\d{0,3}|16\d{3}|1[89]\d{3}")


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number in one form.

    ``e164`` is the key to look up by: ``+8613812345678``; for short codes and internal extensions the bare digits
    (they have no E.164 form); empty for withheld and unreadable numbers. ``extension`` is what stands behind the
    number (``8012``). ``region_name`` and ``region_name_en`` are the place's name in Chinese and English where it is
    known. ``masked`` is what screens and logs show; ``display`` is the whole number, spaced for reading.
    """

    raw: str
    e164: str
    kind: str
    extension: str
    region_name: str
    region_name_en: str
    masked: str
    display: str


@dataclass(frozen=True, slots=True)
class NumberingPlan:
    """Where the hospital stands: its region (ISO 3166) and its area code with or without the 0 (``0571``)."""

    region: str = "CN"
    area_code: str = ""


def normalise(raw: str, home_region: str = "CN", home_area_code: str = "") -> PhoneNumber:
    """Read a number as somebody in ``home_region`` with ``home_area_code`` would dial it. Never raises."""
    return _normalise(str(raw)[:MAX_LENGTH], home_region.upper(), home_area_code.lstrip("0"))


@lru_cache(maxsize=16384)
def _normalise(raw: str, region: str, area: str) -> PhoneNumber:
    text = _clean(raw)
    if re.sub(r"[\s_.\-]", "", text).lower() in _WITHHELD:
        return PhoneNumber(raw, "", ANONYMOUS, "", "", "", "匿名", "匿名")
    extension = ""
    found = _EXTENSION.match(text)
    if found and not _whole(text, found["extension"]):
        text, extension = found["number"], found["extension"]
    dialled = re.sub(r"[\s().\-–—/]", "", text)
    international, digits = dialled.startswith("+"), dialled.lstrip("+")
    if not digits.isascii() or not digits.isdigit():
        return _unknown(raw)
    if not international and digits.startswith("00") and len(digits) > 7:
        international, digits = True, digits[2:]
    if region == "CN" and (number := _chinese(digits, international, area)) is not None:
        e164, kind = number
    else:
        e164, kind = _elsewhere(digits, international, region)
    if kind == UNKNOWN:
        return _unknown(raw)
    chinese, english = _place(e164, kind)
    display = _display(e164, kind, extension)
    return PhoneNumber(raw, e164, kind, extension, chinese, english, mask(e164, kind), display)


def mask(e164: str, kind: str = "") -> str:
    """A number as screens and logs show it: ``138****5678``, ``0571-****6666``, ``400***1234``; short codes whole."""
    if kind in (SHORT, EXTENSION) or len(e164) <= 6:
        return e164
    if e164.startswith("+86"):
        national = e164[3:]
        if kind == MOBILE or _CN_MOBILE.fullmatch(national):
            return f"{national[:3]}****{national[7:]}"
        if kind == TOLLFREE or _CN_TOLLFREE.fullmatch(national):
            return f"{national[:3]}***{national[6:]}"
        area, local = _split_area(national)
        return f"0{area}-****{local[-4:]}"
    return f"{e164[:4]}****{e164[-2:]}"


def _clean(raw: str) -> str:
    """The user part of what may be a name-addr or URI (RFC 3261 §20.10), in plain ASCII digits."""
    text = unicodedata.normalize("NFKC", raw)
    text = "".join(letter for letter in text if letter.isprintable()).strip()
    found = _URI.match(text)
    if found:
        text = found[1]
    text = re.sub(r"%2b", "+", text, flags=re.IGNORECASE)
    user, at, _host = text.partition("@")
    text = user if at else text
    return re.sub(r";(?!ext=)[a-z-]+(=[^;]*)?", "", text, flags=re.IGNORECASE).strip().strip("\"'<>").strip()


def _whole(text: str, extension: str) -> bool:
    """Whether the last group belongs to the number itself: ``0571-8888-6666``, ``138-1234-5678``."""
    digits = re.sub(r"\D", "", text)
    if text.startswith("+") and not text.startswith("+86"):
        return True
    national = re.sub(r"^(?:\+?86|0086)(?=\d{9,})", "", digits)
    if len(extension) < 3 or not re.search(r"[-–—]\s*\d+$", text):
        return False
    if _CN_MOBILE.fullmatch(national) or _CN_TOLLFREE.fullmatch(national):
        return True
    local = national[1:] if national.startswith("0") else national
    if national.startswith("0") and _CN_NATIONAL.fullmatch(local):
        area, _ = _split_area(local)
        return _local_length_fits(area, len(local) - len(area))
    return bool(re.fullmatch(r"[2-8]\d{6,7}", digits))


def _chinese(digits: str, international: bool, area: str) -> tuple[str, str] | None:
    """A number dialled in China, or ``+86…``; None when it is none of the Chinese plan."""
    if international:
        if not digits.startswith("86"):
            return None
        digits = digits[2:]
        digits = digits.removeprefix("0")
        return _national(digits) or ((digits, SHORT) if _CN_SHORT.fullmatch(digits) else ("", UNKNOWN))
    if _CN_SHORT.fullmatch(digits):
        return digits, SHORT
    if found := _dialled(digits, area):
        return found
    # Some exchanges put the prefix for an outside line, 9 or 0, before the number they report.
    if len(digits) > 8 and digits[0] in "90" and (found := _dialled(digits[1:], area)):
        return found
    if digits.startswith("86") and (found := _national(digits[2:].removeprefix("0"))):
        return found
    if 2 <= len(digits) <= 6:
        return digits, EXTENSION
    return None


def _dialled(digits: str, area: str) -> tuple[str, str] | None:
    """Digits as dialled inside China: with the trunk 0, a mobile, 400/800, or a local number of the home area."""
    if digits.startswith("0"):
        national = digits[1:]
        if _CN_MOBILE.fullmatch(national):
            return f"+86{national}", MOBILE
        return _national(national) if not _CN_TOLLFREE.fullmatch(national) else None
    if _CN_MOBILE.fullmatch(digits):
        return f"+86{digits}", MOBILE
    if _CN_TOLLFREE.fullmatch(digits):
        return f"+86{digits}", TOLLFREE
    if area and _CN_LOCAL.fullmatch(digits) and _local_length_fits(area, len(digits)):
        return f"+86{area}{digits}", LANDLINE
    return None


def _national(digits: str) -> tuple[str, str] | None:
    """National significant numbers: mobile, 400/800, or area code and local number."""
    if _CN_MOBILE.fullmatch(digits):
        return f"+86{digits}", MOBILE
    if _CN_TOLLFREE.fullmatch(digits):
        return f"+86{digits}", TOLLFREE
    if _CN_NATIONAL.fullmatch(digits):
        area, local = _split_area(digits)
        if _local_length_fits(area, len(local)):
            return f"+86{digits}", LANDLINE
    return None


def _split_area(national: str) -> tuple[str, str]:
    """Area code (10, 2x: two digits; others three) and local number."""
    length = 2 if national[:1] in ("1", "2") else 3
    return national[:length], national[length:]


def _local_length_fits(area: str, length: int) -> bool:
    return length == 8 if len(area) == 2 else length in (7, 8)


def _elsewhere(digits: str, international: bool, region: str) -> tuple[str, str]:
    text = f"+{digits}" if international else digits
    try:
        parsed = phonenumbers.parse(text, None if international else region)
    except NumberParseException:
        return "", UNKNOWN
    if not phonenumbers.is_possible_number(parsed) or not (international or phonenumbers.is_valid_number(parsed)):
        if not international and 2 <= len(digits) <= 6:
            return digits, EXTENSION
        return "", UNKNOWN
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if phonenumbers.region_code_for_country_code(parsed.country_code or 0) != region:
        return e164, FOREIGN
    kind = phonenumbers.number_type(parsed)
    if kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE):
        return e164, MOBILE
    return e164, TOLLFREE if kind == PhoneNumberType.TOLL_FREE else LANDLINE


def _parsed(e164: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(e164, None)
    except NumberParseException:
        return None


def _place(e164: str, kind: str) -> tuple[str, str]:
    if kind not in (MOBILE, LANDLINE, FOREIGN) or (parsed := _parsed(e164)) is None:
        return NOWHERE
    return place_of(parsed)


def _display(e164: str, kind: str, extension: str) -> str:
    national = e164.removeprefix("+86")
    if kind == MOBILE and national != e164:
        text = f"{national[:3]} {national[3:7]} {national[7:]}"
    elif kind == TOLLFREE and national != e164:
        text = f"{national[:3]}-{national[3:6]}-{national[6:]}"
    elif kind == LANDLINE and national != e164:
        area, local = _split_area(national)
        text = f"0{area}-{local}"
    elif kind in (SHORT, EXTENSION) or (parsed := _parsed(e164)) is None:
        text = e164
    else:
        text = phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)
    return f"{text}-{extension}" if extension else text


def _unknown(raw: str) -> PhoneNumber:
    shown = "".join(letter for letter in raw if letter.isprintable())[:32]
    digits = sum(letter.isdigit() for letter in shown)
    masked = re.sub(r"\d(?=(?:\D*\d){2})", "*", shown) if digits >= 5 else shown
    return PhoneNumber(raw, "", UNKNOWN, "", "", "", masked, shown)
