"""Numbers as people type them, as a line takes them."""

from __future__ import annotations

import re
import unicodedata

from console.http import ApiError, Message
from storage.phone_numbers import normalise

_SEPARATORS = re.compile(r"[\s().\-‐-―/]+")


def dialable(number: str, area_code: str) -> str:
    """A number as it was typed or shown, as a line takes it: no separators, no extension behind it. A SIP URI stays."""
    text = unicodedata.normalize("NFKC", number).strip()
    if "@" in text or text.lower().startswith(("sip:", "sips:", "tel:")):
        return text
    extension = normalise(text, home_area_code=area_code).extension
    if extension:
        text = text[: text.rfind(extension)].rstrip("xX,;#转机号分-– ").removesuffix("ext.").removesuffix("ext")
    return _SEPARATORS.sub("", text)


def number_to_dial(number: str, area_code: str) -> str:
    """Raises ApiError 400 bad_number for what has no digit in it."""
    found = dialable(number, area_code)
    if not any(character.isdigit() for character in found):
        raise ApiError(
            400, "bad_number", Message("该号码无法拨打", "This is not a number that can be dialled"), field="number"
        )
    return found
