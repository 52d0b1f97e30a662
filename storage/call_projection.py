"""How each event moves a call's row in the call log. Pure: no database, no clock.

``project(row, event, plan)`` gives the next row. Replaying a call's events in the order of ``order_key`` gives the
same row whenever it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from storage import party_projection, route_projection
from storage.call_row import Call, Offer, changed
from storage.event_fields import Event, number, text, whole
from storage.phone_numbers import NumberingPlan, normalise

__all__ = ["DESK", "Call", "Event", "Offer", "applied_key", "order_key", "outcome_of", "project", "replay"]

#: node of the events that the desk itself adds to a call; they come after all that the phone says
DESK = "desk"


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
        row = Call(id=call, started_at=number(event, "at"))
    return changed(change(row, event, plan), last_node=event["node"], last_sequence=event["sequence"])


def _started(row: Call, event: Event, plan: NumberingPlan) -> Call:
    raw = text(event, "number")
    read = normalise(raw, plan.region, plan.area_code)
    return changed(
        row,
        direction="outbound" if text(event, "direction") == "outbound" else "inbound",
        line=text(event, "line"),
        queue=text(event, "queue") or row.queue,
        number=raw,
        e164=read.e164,
        number_kind=read.kind,
        masked=read.masked,
        display_name=text(event, "display_name"),
        dialled=text(event, "dialled"),
        agent=text(event, "agent") or row.agent,
        sip_call_id=text(event, "sip_call_id"),
        patient_id=text(event, "patient_id") or row.patient_id,
        started_at=number(event, "at"),
    )


def _progress(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return row


def _caller_ring(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(row, caller_rings=max(row.caller_rings, whole(event, "ring")))


def _queued(row: Call, event: Event, plan: NumberingPlan) -> Call:
    row = route_projection.queued(changed(row, queue=text(event, "queue") or row.queue), event)
    # a call that was answered and is transferred to a queue waits again
    return row if row.state == "ended" else changed(row, state="queued")


def _offered(row: Call, event: Event, plan: NumberingPlan) -> Call:
    offer = Offer(whole(event, "offer"), text(event, "agent"), number(event, "at"))
    others = tuple(known for known in row.offers if known.offer != offer.offer)
    row = changed(
        row,
        offers=tuple(sorted((*others, offer), key=lambda known: known.offer)),
        queue=text(event, "queue") or row.queue,
        caller_rings=max(row.caller_rings, whole(event, "caller_rings")),
        agent_rings=0 if row.answered_at is None else row.agent_rings,
    )
    return _moved(row, "ringing")


def _agent_ring(row: Call, event: Event, plan: NumberingPlan) -> Call:
    ring, agent = whole(event, "ring"), text(event, "agent")
    offers = list(row.offers)
    for index in reversed(range(len(offers))):
        if offers[index].agent == agent:
            offers[index] = replace(offers[index], rings=max(offers[index].rings, ring))
            break
    return changed(row, offers=tuple(offers), agent_rings=ring if row.answered_at is None else row.agent_rings)


def _offer_ended(row: Call, event: Event, plan: NumberingPlan) -> Call:
    ordinal, outcome = whole(event, "offer"), text(event, "outcome")
    offers = tuple(
        replace(known, ended_at=number(event, "at"), outcome=outcome, rings=max(known.rings, whole(event, "rings")))
        if known.offer == ordinal
        else known
        for known in row.offers
    )
    row = changed(row, offers=offers)
    if outcome == "answered":
        return _taken(row, event)
    return _moved(row, "queued") if row.answered_at is None or route_projection.waits(row) else row


def _taken(row: Call, event: Event) -> Call:
    """An agent has it. A second agent's answer, and that of a call-back, are told by this alone."""
    again = row.answered_at is not None and route_projection.waits(row)
    row = route_projection.answered(row, event)
    return _moved(row, "talking") if again else row


def _answered(row: Call, event: Event, plan: NumberingPlan) -> Call:
    at, within = number(event, "at"), event.get("within_three_rings")
    row = changed(route_projection.answered(row, event), agent=text(event, "agent") or row.agent)
    if row.answered_at is not None:
        # a second agent after a transfer: how long the caller waited is told by the first answer
        return _moved(row, "talking")
    row = changed(
        row,
        answered_at=at,
        caller_rings=max(row.caller_rings, whole(event, "caller_rings")),
        agent_rings=whole(event, "agent_rings"),
        within_three_rings=within if isinstance(within, bool) else None,
        rule_version=whole(event, "rule_version") or None,
        wait_seconds=number(event, "wait_seconds"),
    )
    return _moved(row, "talking")


def _held(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return _moved(party_projection.held(row, event, plan), "held")


def _resumed(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return _moved(party_projection.resumed(row, event, plan), "talking")


def _ended(row: Call, event: Event, plan: NumberingPlan) -> Call:
    at, status, by = number(event, "at"), whole(event, "sip_status"), text(event, "by")
    answered = row.answered_at is not None
    row = party_projection.ended(route_projection.ended(row, event), event)
    routed = route_projection.outcome_of_route(row, by, status)
    return changed(
        row,
        state="ended",
        ended_at=at,
        hung_up_by=by,
        sip_status=status or None,
        end_reason=text(event, "reason"),
        caller_rings=max(row.caller_rings, whole(event, "caller_rings")),
        agent_rings=max(row.agent_rings, whole(event, "agent_rings")),
        agent=text(event, "agent") or row.agent,
        talk_seconds=number(event, "talk_seconds"),
        wait_seconds=row.wait_seconds if answered else max(0.0, at - row.started_at),
        outcome="answered" if answered else routed or outcome_of(row.direction, status, by),
    )


def _disposed(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(
        row,
        disposition=text(event, "code"),
        disposition_note=text(event, "note"),
        disposition_by=text(event, "by"),
        disposition_at=number(event, "at"),
    )


def _patient_linked(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(row, patient_id=text(event, "patient_id"))


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
    **party_projection.CHANGES,
    **route_projection.CHANGES,
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
    """A call that has ended stays ended, whatever is still said of it. One that was answered rings again only out of a
    queue: elsewhere somebody else is asked while the caller is spoken to."""
    if row.state == "ended" or (
        row.answered_at is not None and state in ("ringing", "queued") and row.state not in ("ringing", "queued")
    ):
        return row
    return changed(row, state=state)
