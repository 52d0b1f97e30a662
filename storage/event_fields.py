"""Reading fields of events, which may come from any version of anything: what does not fit counts as not given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]


def text(event: Event, key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def whole(event: Event, key: str) -> int:
    """0 up to 2^31 - 1."""
    value = event.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def number(event: Event, key: str) -> float:
    """Seconds or an instant."""
    value = event.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 else 0.0


def flag(event: Event, key: str) -> bool:
    return event.get(key) is True


def part(event: Event, key: str) -> Event:
    """A map within the event, such as a target."""
    value = event.get(key)
    return value if isinstance(value, Mapping) else {}


def priority(event: Event, key: str) -> int:
    """-1000 to 1000, as a queue's."""
    value = event.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and -1000 <= value <= 1000 else 0
