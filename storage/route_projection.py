"""How events of menus, queues and announcements move a call's row: the way it took before somebody answered. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from storage.call_row import Call, changed
from storage.event_fields import Event, number, text
from storage.phone_numbers import NumberingPlan

#: steps of a menu or queue path that a row keeps
MOST = 50
#: what came of a menu that goes on asking
_ASKS_AGAIN = ("", "invalid", "timeout")


def queued(row: Call, event: Event) -> Call:
    """The call took its place in a queue."""
    queue, path = text(event, "queue"), row.queue_path
    if path and path[-1]["left_at"] is None:
        if path[-1]["queue"] == queue:
            return row
        path = _left(path, number(event, "at"), "moved", f"queue:{queue}")
    if len(path) >= MOST:
        return row
    stay = {"queue": queue, "entered_at": number(event, "at"), "left_at": None, "why": "", "to": ""}
    return changed(row, queue_path=(*path, {**stay, "waited_seconds": None}))


def dequeued(row: Call, event: Event, plan: NumberingPlan) -> Call:
    path = _left(row.queue_path, number(event, "at"), text(event, "why"), text(event, "to"))
    if path is row.queue_path:
        return row
    return changed(row, queue_path=(*path[:-1], {**path[-1], "waited_seconds": number(event, "waited_seconds")}))


def answered(row: Call, event: Event) -> Call:
    return changed(row, queue_path=_left(row.queue_path, number(event, "at"), "answered", ""))


def ended(row: Call, event: Event) -> Call:
    why = "abandoned" if text(event, "by") == "caller" else "ended"
    return changed(row, queue_path=_left(row.queue_path, number(event, "at"), why, ""))


def waits(row: Call) -> bool:
    """In a queue."""
    return bool(row.queue_path) and row.queue_path[-1]["left_at"] is None


def menu_entered(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return _asked(row, {"menu": text(event, "menu"), "at": number(event, "at")})


def menu_answered(row: Call, event: Event, plan: NumberingPlan) -> Call:
    menu, outcome, label = text(event, "menu"), text(event, "outcome"), text(event, "label")
    if not row.menu_path or row.menu_path[-1]["menu"] != menu or row.menu_path[-1]["outcome"] not in _ASKS_AGAIN:
        row = _asked(row, {"menu": menu, "at": number(event, "at")})
    last = {**row.menu_path[-1], "outcome": outcome, "digit": text(event, "digit"), "label": label}
    last["tries"] += 1
    row = changed(row, menu_path=(*row.menu_path[:-1], last))
    if outcome != "chosen" or not label or f"/{label}/" in row.menu_branches:
        return row
    return changed(row, menu_branches=f"{row.menu_branches or '/'}{label}/")


def picked_up(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(row, picked_up_at=row.picked_up_at if row.picked_up_at is not None else number(event, "at"))


def announced(row: Call, event: Event, plan: NumberingPlan) -> Call:
    why = text(event, "why")
    if not why or why in row.announced or len(row.announced) >= MOST:
        return row
    return changed(row, announced=(*row.announced, why))


def voicemail(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(row, voicemail_starts=number(event, "starts"), voicemail_seconds=number(event, "seconds"))


def callback_requested(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(row, callback_requested_at=number(event, "at"))


def callback_started(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(row, callback_of=text(event, "requested_in"))


def outcome_of_route(row: Call, by: str, status: int) -> str:
    """What became of a call that no agent answered, where its route says it; else empty.

    ``voicemail``, ``callback`` (asked for), ``forwarded`` (to a number by a menu or an overflow), ``closed`` (heard an
    announcement, and we hung up).
    """
    if row.voicemail_seconds is not None:
        return "voicemail"
    if row.callback_requested_at is not None:
        return "callback"
    if any(one.kind == "routed" and one.outcome == "ok" and one.target_kind == "number" for one in row.transfers):
        return "forwarded"
    if row.picked_up_at is not None and by == "system" and status == 200:
        return "closed"
    return ""


CHANGES: dict[str, Callable[[Call, Event, NumberingPlan], Call]] = {
    "call.dequeued": dequeued,
    "menu.entered": menu_entered,
    "menu.answered": menu_answered,
    "call.picked_up": picked_up,
    "call.announcement": announced,
    "voicemail.left": voicemail,
    "callback.requested": callback_requested,
    "callback.started": callback_started,
}


def _asked(row: Call, begun: dict[str, Any]) -> Call:
    step = {**begun, "digit": "", "label": "", "outcome": "", "tries": 0}
    return changed(row, menu_path=(*row.menu_path, step)[-MOST:])


def _left(path: tuple[dict[str, Any], ...], at: float, why: str, to: str) -> tuple[dict[str, Any], ...]:
    """The path with its open end closed; the same path when it has none."""
    if not path or path[-1]["left_at"] is not None:
        return path
    waited = max(0.0, at - path[-1]["entered_at"])
    return (*path[:-1], {**path[-1], "left_at": at, "why": why, "to": to, "waited_seconds": waited})
