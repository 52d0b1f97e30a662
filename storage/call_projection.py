"""How each event moves a call's row in the call log. Pure: no database, no clock.

``project(row, event, plan)`` gives the next row. Replaying a call's events in the order of ``order_key`` gives the
same row whenever it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from storage.phone_numbers import NumberingPlan, normalise

#: node of the events that the desk itself adds to a call; they come after all that the phone says
DESK = "desk"

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """One ringing at one agent. ``outcome`` is empty while it rings, else as in ``OfferOutcome``."""

    offer: int
    agent: str
    offered_at: float
    ended_at: float | None = None
    outcome: str = ""
    rings: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One row of ``calls`` with its offers. Times are Unix seconds, durations seconds."""

    id: str
    direction: str = "inbound"
    line: str = ""
    queue: str = ""
    number: str = ""
    e164: str = ""
    number_kind: str = "unknown"
    masked: str = ""
    display_name: str = ""
    dialled: str = ""
    state: str = "ringing"
    started_at: float = 0.0
    answered_at: float | None = None
    ended_at: float | None = None
    caller_rings: int = 0
    agent_rings: int = 0
    within_three_rings: bool | None = None
    rule_version: int | None = None
    hung_up_by: str = ""
    sip_status: int | None = None
    end_reason: str = ""
    sip_call_id: str = ""
    agent: str = ""
    patient_id: str = ""
    outcome: str = ""
    talk_seconds: float = 0.0
    wait_seconds: float | None = None
    disposition: str = ""
    disposition_note: str = ""
    disposition_by: str = ""
    disposition_at: float | None = None
    last_node: str = ""
    last_sequence: int = -1
    offers: tuple[Offer, ...] = field(default=())


def order_key(event: Event) -> tuple[bool, str, int]:
    """The order in which a call's events are applied."""
    return event["node"] == DESK, event["node"], event["sequence"]


def applied_key(row: Call) -> tuple[bool, str, int]:
    """``order_key`` of the last event that the row has seen."""
    return row.last_node == DESK, row.last_node, row.last_sequence


def replay(call: str, events: Iterable[Event], plan: NumberingPlan) -> Call | None:
    """The row that a call's events give, in whatever order they come; None when none of them says anything."""
    row: Call | None = None
    for event in sorted(events, key=order_key):
        row = project(row, event, plan)
    return row


def project(row: Call | None, event: Event, plan: NumberingPlan) -> Call | None:
    """The row after ``event``. Types that are not about calls, and unknown ones, change nothing."""
    change = _CHANGES.get(str(event.get("type")))
    call = event.get("call")
    if change is None or not isinstance(call, str) or not call:
        return row
    if row is None:
        row = Call(id=call, started_at=_number(event, "at"))
    return replace(change(row, event, plan), last_node=event["node"], last_sequence=event["sequence"])


def _started(row: Call, event: Event, plan: NumberingPlan) -> Call:
    raw = _text(event, "number")
    number = normalise(raw, plan.region, plan.area_code)
    return replace(
        row,
        direction="outbound" if _text(event, "direction") == "outbound" else "inbound",
        line=_text(event, "line"),
        queue=_text(event, "queue") or row.queue,
        number=raw,
        e164=number.e164,
        number_kind=number.kind,
        masked=number.masked,
        display_name=_text(event, "display_name"),
        dialled=_text(event, "dialled"),
        agent=_text(event, "agent") or row.agent,
        sip_call_id=_text(event, "sip_call_id"),
        patient_id=_text(event, "patient_id") or row.patient_id,
        started_at=_number(event, "at"),
    )


def _progress(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return row


def _caller_ring(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return replace(row, caller_rings=max(row.caller_rings, _whole(event, "ring")))


def _queued(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return _moved(replace(row, queue=_text(event, "queue") or row.queue), "queued")


def _offered(row: Call, event: Event, plan: NumberingPlan) -> Call:
    offer = Offer(_whole(event, "offer"), _text(event, "agent"), _number(event, "at"))
    others = tuple(known for known in row.offers if known.offer != offer.offer)
    row = replace(
        row,
        offers=tuple(sorted((*others, offer), key=lambda known: known.offer)),
        queue=_text(event, "queue") or row.queue,
        caller_rings=max(row.caller_rings, _whole(event, "caller_rings")),
        agent_rings=0 if row.answered_at is None else row.agent_rings,
    )
    return _moved(row, "ringing")


def _agent_ring(row: Call, event: Event, plan: NumberingPlan) -> Call:
    ring, agent = _whole(event, "ring"), _text(event, "agent")
    offers = list(row.offers)
    for index in reversed(range(len(offers))):
        if offers[index].agent == agent:
            offers[index] = replace(offers[index], rings=max(offers[index].rings, ring))
            break
    return replace(row, offers=tuple(offers), agent_rings=ring if row.answered_at is None else row.agent_rings)


def _offer_ended(row: Call, event: Event, plan: NumberingPlan) -> Call:
    number, outcome = _whole(event, "offer"), _text(event, "outcome")
    offers = tuple(
        replace(known, ended_at=_number(event, "at"), outcome=outcome, rings=max(known.rings, _whole(event, "rings")))
        if known.offer == number
        else known
        for known in row.offers
    )
    row = replace(row, offers=offers)
    return row if outcome == "answered" or row.answered_at is not None else _moved(row, "queued")


def _answered(row: Call, event: Event, plan: NumberingPlan) -> Call:
    at, within = _number(event, "at"), event.get("within_three_rings")
    row = replace(
        row,
        answered_at=row.answered_at if row.answered_at is not None else at,
        agent=_text(event, "agent") or row.agent,
        caller_rings=max(row.caller_rings, _whole(event, "caller_rings")),
        agent_rings=_whole(event, "agent_rings"),
        within_three_rings=within if isinstance(within, bool) else None,
        rule_version=_whole(event, "rule_version") or None,
        wait_seconds=_number(event, "wait_seconds"),
    )
    return _moved(row, "talking")


def _held(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return _moved(row, "held")


def _resumed(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return _moved(row, "talking")


def _ended(row: Call, event: Event, plan: NumberingPlan) -> Call:
    at, status, by = _number(event, "at"), _whole(event, "sip_status"), _text(event, "by")
    answered = row.answered_at is not None
    return replace(
        row,
        state="ended",
        ended_at=at,
        hung_up_by=by,
        sip_status=status or None,
        end_reason=_text(event, "reason"),
        caller_rings=max(row.caller_rings, _whole(event, "caller_rings")),
        agent_rings=max(row.agent_rings, _whole(event, "agent_rings")),
        agent=_text(event, "agent") or row.agent,
        talk_seconds=_number(event, "talk_seconds"),
        wait_seconds=row.wait_seconds if answered else max(0.0, at - row.started_at),
        outcome="answered" if answered else outcome_of(row.direction, status, by),
    )


def _disposed(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return replace(
        row,
        disposition=_text(event, "code"),
        disposition_note=_text(event, "note"),
        disposition_by=_text(event, "by"),
        disposition_at=_number(event, "at"),
    )


def _patient_linked(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return replace(row, patient_id=_text(event, "patient_id"))


_CHANGES: dict[str, Callable[[Call, Event, NumberingPlan], Call]] = {
    "call.started": _started,
    "call.progress": _progress,
    "call.caller_ring": _caller_ring,
    "call.queued": _queued,
    "call.offered": _offered,
    "call.agent_ring": _agent_ring,
    "call.offer_ended": _offer_ended,
    "call.answered": _answered,
    "call.held": _held,
    "call.resumed": _resumed,
    "call.ended": _ended,
    "call.disposed": _disposed,
    "call.patient_linked": _patient_linked,
}

_BUSY = frozenset((486, 600))
_NOT_FOUND = frozenset((404, 410, 484, 485, 604))
_REJECTED = frozenset((401, 402, 403, 407, 433, 603, 607, 608))
_NO_ANSWER = frozenset((408, 487))


def outcome_of(direction: str, status: int, by: str) -> str:
    """What became of a call that nobody answered, from its final SIP status (RFC 3261 §21) and who ended it."""
    if direction == "inbound":
        if by == "caller":
            return "abandoned"
    elif by == "agent":
        return "cancelled"
    if status in _BUSY:
        return "busy"
    if status in _NOT_FOUND:
        return "not_found"
    if status in _REJECTED:
        return "rejected"
    if status in _NO_ANSWER:
        return "failed" if by == "network" and direction == "inbound" else "no_answer"
    return "unavailable" if status == 480 else "failed"


def _moved(row: Call, state: str) -> Call:
    """A call that has ended stays ended, whatever is still said of it."""
    if row.state == "ended" or (row.answered_at is not None and state in ("ringing", "queued")):
        return row
    return replace(row, state=state)


def _text(event: Event, key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def _whole(event: Event, key: str) -> int:
    value = event.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _number(event: Event, key: str) -> float:
    value = event.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 else 0.0
