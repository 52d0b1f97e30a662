"""How queues and opening hours stand right now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from console.floor.waiting import calls_back, waits
from telephony.routing.opening_hours import OpeningHours
from telephony.routing.settings import Hours, RoutingSettings


class LabelView(msgspec.Struct):
    zh: str
    en: str


class HoursStatus(msgspec.Struct):
    """``changes_at``: Unix seconds of the next opening or closing; null when none comes within a year."""

    name: str
    label: LabelView
    open: bool
    changes_at: float | None


class QueueStatus(msgspec.Struct):
    """``hours`` is null for a queue that is always open. ``agents``: user names signed in to it, ``ready`` of them are
    free; ``waiting`` callers that nobody has answered."""

    queue: str
    label: LabelView
    open: bool
    hours: str | None
    changes_at: float | None
    agents: list[str]
    ready: int
    waiting: int


class RoutingStatus(msgspec.Struct):
    """``version`` is the newest saved, ``in_force`` the one that the phone goes by (null while it is away); ``problem``
    says why they differ."""

    version: int
    in_force: int | None
    problem: str | None
    timezone: str
    at: float
    hours: list[HoursStatus]
    queues: list[QueueStatus]


def hours_status(hours: Hours, timezone: str, at: float) -> HoursStatus:
    opening = OpeningHours(hours, timezone)
    change = opening.next_change(at)
    label = LabelView(hours.label.zh, hours.label.en)
    return HoursStatus(hours.name, label, opening.is_open(at), change.at if change else None)


def queue_statuses(
    routing: RoutingSettings, hours: Sequence[HoursStatus], agents: Sequence[dict[str, Any]], calls: Sequence[Any]
) -> list[QueueStatus]:
    """``agents`` and ``calls`` as in the phone's snapshot."""
    by_name = {one.name: one for one in hours}
    found = []
    for queue in routing.queues:
        when = by_name.get(queue.hours)
        here = [one for one in agents if one["status"] != "offline" and queue.name in one["queues"]]
        found.append(
            QueueStatus(
                queue=queue.name,
                label=LabelView(queue.label.zh, queue.label.en),
                open=when.open if when else True,
                hours=when.name if when else None,
                changes_at=when.changes_at if when else None,
                agents=sorted(one["agent"] for one in here),
                ready=sum(one["status"] == "ready" for one in here),
                waiting=sum(waits(one) and not calls_back(one) and one["queue"] == queue.name for one in calls),
            )
        )
    return found
