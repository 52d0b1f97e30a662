"""Times in the API."""

from __future__ import annotations

import pytest

from console.calls.instant import instant, iso
from console.http import ApiError

EIGHT = 1_772_352_000.0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-01T08:00:00Z", EIGHT),
        ("2026-03-01T16:00:00+08:00", EIGHT),
        ("2026-03-01T16:00:00 08:00", EIGHT),
        ("2026-03-01T08:00:00", EIGHT),
        ("2026-03-01 08:00:00", EIGHT),
        ("2026-03-01", EIGHT - 8 * 3600),
        ("1772352000", EIGHT),
        ("1772352000.5", EIGHT + 0.5),
        ("0", 0.0),
        ("", None),
    ],
)
def test_times_are_read_in_every_usual_spelling(text: str, at: float | None) -> None:
    assert instant(text, "since") == at


@pytest.mark.parametrize("text", ["yesterday", "nan", "inf", "-1", "1e99", "2026-13-01", "2026-03-01T25:00", "\x00"])
def test_what_is_no_time_is_refused_with_the_field_named(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        instant(text, "since")
    assert (refused.value.status, refused.value.field) == (422, "since")


def test_times_are_told_in_utc_to_the_millisecond() -> None:
    assert iso(EIGHT) == "2026-03-01T08:00:00.000Z"
    assert iso(EIGHT + 0.2504) == "2026-03-01T08:00:00.250Z"
    assert iso(None) is None
    assert instant(iso(EIGHT + 0.25) or "", "") == EIGHT + 0.25
