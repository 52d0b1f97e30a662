"""Instants in the API: ISO 8601 in UTC out; ISO 8601 or Unix seconds in."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from console.http import ApiError, Message

#: 9999-12-31: what both databases and ISO 8601 can still say
_LATEST = 253_402_300_799.0


def iso(at: float | None) -> str | None:
    """``2026-03-01T08:00:00.250Z``; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def instant(text: str, field: str) -> float | None:
    """Unix seconds of ``1772352000.25`` or ``2026-03-01T08:00:00Z`` (without a zone: UTC); None of an empty text.

    Raises ApiError 422 naming ``field``.
    """
    if not text:
        return None
    try:
        at = float(text)
    except ValueError:
        moment = _moment(text)
        if moment is None:
            raise _wrong(field) from None
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(at) or not 0 <= at <= _LATEST:
        raise _wrong(field)
    return at


def _moment(text: str) -> datetime | None:
    # a zone's plus sign that was not escaped arrives as a space
    for spelling in (text, text.replace(" ", "+")):
        try:
            return datetime.fromisoformat(spelling)
        except ValueError:
            continue
    return None


def _wrong(field: str) -> ApiError:
    return ApiError(
        422,
        "invalid_input",
        Message(f"{field} 须为 ISO 8601 时间或 Unix 秒", f"{field} must be an ISO 8601 time or Unix seconds"),
        field=field,
    )
