"""Tickets and call-backs are readings of the event log: made once, moved by events, the same after a rebuild."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import Connection

from storage.callbacks import (
    EVENT_TYPES,
    Callback,
    CallbackError,
    cancel,
    forgone_callbacks,
    get_callback,
    list_callbacks,
    open_callbacks,
)
from storage.callbacks import rebuild as rebuild_callbacks
from storage.event_log import append_desk_event, append_events, events_of_types, rebuild
from storage.missed_calls import missed_callers
from storage.phone_numbers import NumberingPlan
from storage.tickets import TicketError, list_tickets, step

PLAN = NumberingPlan("CN", "0571")
AT = 1.79e9
Event = dict[str, Any]


def event(sequence: int, kind: str, call: str, at: float = 0.0, **more: Any) -> Event:
    return {"type": kind, "node": "p1", "sequence": sequence, "call": call, "at": AT + at, "monotonic": 0, **more}


def left(sequence: int, call: str = "c1", queue: str = "default") -> Event:
    return event(sequence, "voicemail.left", call, sequence, queue=queue, starts=1.5, seconds=8.0)


def asked(sequence: int, call: str = "c1") -> Event:
    return event(
        sequence, "callback.requested", call, sequence, queue="default", number="13805711001", waiting_since=AT
    )


def callback(conn: Connection, call: str = "c1") -> Callback:
    found = get_callback(conn, call)
    assert found is not None
    return found


def test_a_voicemail_opens_one_ticket_however_often_its_event_comes(conn: Connection) -> None:
    for _ in range(3):
        append_events(conn, [left(1), left(1), left(2, "c2", "vip")], PLAN)
    assert [(one.call, one.queue, one.state) for one in list_tickets(conn)] == [
        ("c2", "vip", "open"),
        ("c1", "default", "open"),
    ]
    first, second = (one.id for one in list_tickets(conn))
    assert [one.id for one in list_tickets(conn, limit=1)] == [first]
    assert [one.id for one in list_tickets(conn, limit=1, before=first)] == [second]
    assert [one.call for one in list_tickets(conn, queues=["vip"])] == ["c2"]
    assert list_tickets(conn, queues=[]) == list_tickets(conn, state="done") == []


def test_steps_of_a_ticket_are_events_and_survive_a_rebuild(conn: Connection) -> None:
    append_events(conn, [left(1)], PLAN)
    (ticket,) = list_tickets(conn)
    for kind, by, note in (("ticket.taken", "a", ""), ("ticket.done", "a", "回电"), ("ticket.reopened", "b", "再来")):
        append_desk_event(conn, step(conn, ticket.id, kind, by, note), PLAN)
    (after,) = list_tickets(conn)
    assert (after.state, after.assignee, after.note, after.changed_by) == ("open", "", "再来", "b")
    rebuild(conn, PLAN)
    assert list_tickets(conn) == [after]


@pytest.mark.parametrize(
    ("before", "kind", "by", "note", "code"),
    [
        ([], "ticket.reopened", "a", "", "wrong_state"),
        ([("ticket.done", "a")], "ticket.taken", "a", "", "wrong_state"),
        ([("ticket.taken", "b")], "ticket.done", "a", "", "taken"),
        ([], "ticket.taken", "a", "x" * 2001, "bad_note"),
    ],
)
def test_a_step_that_cannot_be_is_refused(
    conn: Connection, before: list[tuple[str, str]], kind: str, by: str, note: str, code: str
) -> None:
    append_events(conn, [left(1)], PLAN)
    (ticket,) = list_tickets(conn)
    for earlier, who in before:
        append_desk_event(conn, step(conn, ticket.id, earlier, who), PLAN)
    with pytest.raises(TicketError) as caught:
        step(conn, ticket.id, kind, by, note)
    assert caught.value.code == code
    with pytest.raises(TicketError) as caught:
        step(conn, "none", "ticket.taken", "a")
    assert caught.value.code == "not_found"


def test_a_call_back_waits_is_called_and_reached(conn: Connection) -> None:
    steps = [
        (asked(1), ("waiting", 0, "")),
        (event(2, "call.started", "c2", direction="outbound"), ("waiting", 0, "")),
        (event(3, "callback.started", "c2", requested_in="c1"), ("waiting", 0, "c2")),
        (event(4, "call.offer_ended", "c2", agent="a", outcome="no_answer"), ("waiting", 0, "c2")),
        (event(5, "call.offer_ended", "c2", agent="a", outcome="answered"), ("called", 1, "c2")),
        (event(6, "call.progress", "c2", sip_status=180), ("called", 1, "c2")),
        (event(7, "party.joined", "c2", party=0, role="caller"), ("reached", 1, "c2")),
        (event(8, "call.ended", "c2", by="caller", sip_status=200), ("reached", 1, "c2")),
    ]
    for one, expected in steps:
        append_events(conn, [one], PLAN)
        found = callback(conn)
        assert (found.state, found.attempts, found.call) == expected, one
    assert (found.agent, found.masked, found.waiting_since) == ("a", "138****1001", AT)
    shuffled = [one for one, _ in steps]
    random.Random(3).shuffle(shuffled)
    rebuild(conn, PLAN)
    assert callback(conn) == found


@pytest.mark.parametrize("at_once", [1, 3, 7, 1000])
def test_a_rebuild_reads_a_part_of_the_events_at_a_time_and_those_of_the_desk_last(
    conn: Connection, at_once: int
) -> None:
    append_events(conn, [asked(n, f"c{n}") for n in range(1, 8)], PLAN)
    append_events(conn, [{**asked(n, f"d{n}"), "node": "z9"} for n in range(1, 5)], PLAN)
    append_events(conn, [event(9, "call.held", "c1", by="agent")], PLAN)
    append_desk_event(conn, cancel(conn, "c3", "boss"), PLAN)
    before = list_callbacks(conn)
    parts = list(events_of_types(conn, EVENT_TYPES, at_once))
    assert max(map(len, parts)) <= at_once
    assert [(one["node"], one["sequence"]) for part in parts for one in part] == [
        *(("p1", n) for n in range(1, 8)),
        *(("z9", n) for n in range(1, 5)),
        ("desk", 1),
    ]
    rebuild_callbacks(conn, events_of_types(conn, EVENT_TYPES, at_once), PLAN)
    assert list_callbacks(conn) == before


def test_a_call_back_whose_call_was_lost_waits_again_and_one_nobody_reached_does_not(conn: Connection) -> None:
    append_events(conn, [asked(1), event(2, "callback.started", "c2", requested_in="c1")], PLAN)
    append_events(conn, [event(3, "call.ended", "c2", by="system", sip_status=480)], PLAN)
    assert (callback(conn).state, callback(conn).call) == ("waiting", "")
    append_events(conn, [event(4, "callback.started", "c3", requested_in="c1")], PLAN)
    append_events(conn, [event(5, "call.offer_ended", "c3", agent="a", outcome="answered")], PLAN)
    append_events(conn, [event(6, "call.ended", "c3", by="network", sip_status=486)], PLAN)
    assert (callback(conn).state, callback(conn).attempts) == ("called", 1)


def unreached(sequence: int, call: str, attempt: int, retry_in: float) -> Event:
    return event(
        sequence, "callback.unreached", call, sequence, queue="vip", requested_in="c1", attempt=attempt, attempts=3,
        retry_in=retry_in, sip_status=486,
    )  # fmt: skip


def test_a_call_back_is_tried_again_with_its_priority_and_then_becomes_a_ticket_of_its_queue(conn: Connection) -> None:
    story: list[tuple[Event, tuple[str, int, str, str, float | None]]] = []
    asked_first = {**asked(1), "priority": 50}
    story.append((asked_first, ("waiting", 0, "", "default", None)))
    sequence = 1
    for attempt, retry_in in ((1, 300.0), (2, 900.0), (3, 0.0)):
        call, dialled = f"c2{attempt}", ("called", attempt, f"c2{attempt}", "vip", None)
        waits = ("waiting", attempt - 1, call, "default", None)
        queued = event(sequence + 2, "call.queued", call, queue="vip", position=1)
        taken = event(sequence + 3, "call.offer_ended", call, agent="a", outcome="answered")
        over = event(sequence + 5, "call.ended", call, by="caller", sip_status=486)
        at = sequence + 4
        after = ("retry", attempt, call, "vip", AT + at + retry_in) if retry_in else ("unreached", *dialled[1:])
        story += [
            (event(sequence + 1, "callback.started", call, requested_in="c1", queue="default"), waits),
            (queued, (*waits[:3], "vip", None)),
            (taken, dialled),
            (unreached(at, call, attempt, retry_in), after),
            (over, after),
        ]
        sequence += 5
    for one, expected in story:
        append_events(conn, [one], PLAN)
        found = callback(conn)
        assert (found.state, found.attempts, found.call, found.queue, found.due_at) == expected, one
        assert [one.requested_in for one in open_callbacks(conn)] == ["c1"] * (expected[0] in ("waiting", "retry"))
    assert found.priority == 50
    (ticket,) = list_tickets(conn)
    assert (ticket.kind, ticket.call, ticket.queue, ticket.state, ticket.seconds) == (
        "callback",
        "c1",
        "vip",
        "open",
        0,
    )
    rebuild(conn, PLAN)
    assert (callback(conn), list_tickets(conn)) == (found, [ticket])


def test_a_call_back_that_was_lost_with_the_phone_while_it_was_dialled_waits_again(conn: Connection) -> None:
    append_events(conn, [asked(1), event(2, "callback.started", "c2", requested_in="c1")], PLAN)
    append_events(conn, [event(3, "call.priority", "c2", priority=90, reason="x", by="boss")], PLAN)
    append_events(conn, [event(4, "call.offer_ended", "c2", agent="a", outcome="answered")], PLAN)
    append_events(conn, [event(5, "call.ended", "c2", by="system", sip_status=500)], PLAN)
    found = callback(conn)
    assert (found.state, found.attempts, found.call, found.priority) == ("waiting", 1, "", 90)


def test_a_call_back_to_be_tried_again_is_cancelled_by_a_supervisor_or_by_who_calls_in(conn: Connection) -> None:
    for n, wish in enumerate(("c1", "c9")):
        append_events(
            conn,
            [
                asked(10 * n + 1, wish),
                event(10 * n + 2, "callback.started", f"b{n}", requested_in=wish),
                event(10 * n + 3, "call.offer_ended", f"b{n}", agent="a", outcome="answered"),
                {**unreached(10 * n + 4, f"b{n}", 1, 300.0), "requested_in": wish},
            ],
            PLAN,
        )
    append_desk_event(conn, cancel(conn, "c1", "boss"), PLAN)
    append_events(conn, [event(30, "callback.cancelled", "c9", by="caller", by_call="in")], PLAN)
    rows = {one.requested_in: (one.state, one.cancelled_by, one.due_at) for one in list_callbacks(conn)}
    assert rows == {"c1": ("cancelled", "boss", None), "c9": ("cancelled", "caller", None)}
    assert open_callbacks(conn) == []
    rebuild(conn, PLAN)
    assert {one.requested_in: one.state for one in list_callbacks(conn)} == {"c1": "cancelled", "c9": "cancelled"}


def test_whom_nobody_answered_when_they_called_in_by_themselves_is_to_be_called_back_again(conn: Connection) -> None:
    inbound = {"direction": "inbound", "line": "trunk", "number": "013805711001"}
    append_events(conn, [asked(1), event(2, "callback.started", "b1", requested_in="c1")], PLAN)
    append_events(conn, [event(3, "call.started", "in", **inbound)], PLAN)
    append_events(conn, [event(4, "callback.cancelled", "c1", by="caller", by_call="in")], PLAN)
    assert (callback(conn).state, callback(conn).call, forgone_callbacks(conn)) == ("cancelled", "in", [])
    append_events(conn, [event(5, "call.ended", "in", by="caller", sip_status=487)], PLAN)
    # nobody has placed it again: the phone ended with the call
    assert [one.requested_in for one in forgone_callbacks(conn)] == ["c1"]
    assert [one.call for one in missed_callers(conn, 0.0)] == ["in"]
    append_events(conn, [event(6, "callback.started", "b2", requested_in="c1")], PLAN)
    found = callback(conn)
    assert (found.state, found.call, found.cancelled_by, forgone_callbacks(conn)) == ("waiting", "b2", "", [])
    assert missed_callers(conn, 0.0) == [], "who is to be called back is not among the missed too"
    rebuild(conn, PLAN)
    assert callback(conn) == found


def test_who_was_answered_when_they_called_in_by_themselves_stays_off_the_list(conn: Connection) -> None:
    inbound = {"direction": "inbound", "line": "trunk", "number": "013805711001"}
    append_events(conn, [asked(1), event(3, "call.started", "in", **inbound)], PLAN)
    append_events(conn, [event(4, "callback.cancelled", "c1", by="caller", by_call="in")], PLAN)
    append_events(conn, [event(5, "call.answered", "in", agent="a", within_three_rings=True)], PLAN)
    append_events(conn, [event(6, "call.ended", "in", by="caller", sip_status=200)], PLAN)
    assert (forgone_callbacks(conn), callback(conn).state) == ([], "cancelled")


def test_what_a_supervisor_cancelled_is_not_taken_up_again(conn: Connection) -> None:
    append_events(conn, [asked(1)], PLAN)
    append_desk_event(conn, cancel(conn, "c1", "boss"), PLAN)
    append_events(conn, [event(6, "callback.started", "b2", requested_in="c1")], PLAN)
    assert (callback(conn).state, callback(conn).cancelled_by) == ("cancelled", "boss")


def test_only_a_call_back_that_waits_is_cancelled(conn: Connection) -> None:
    append_events(conn, [asked(1), asked(2, "c9")], PLAN)
    append_desk_event(conn, cancel(conn, "c1", "boss", "已来院"), PLAN)
    found = callback(conn)
    assert (found.state, found.cancelled_by, found.note) == ("cancelled", "boss", "已来院")
    assert [one.requested_in for one in list_callbacks(conn)] == ["c9", "c1"]
    assert [one.requested_in for one in list_callbacks(conn, since=AT + 1000)] == ["c9"]
    assert list_callbacks(conn, queue="vip") == []
    for call, code in (("c1", "wrong_state"), ("none", "not_found")):
        with pytest.raises(CallbackError) as caught:
            cancel(conn, call, "boss")
        assert caught.value.code == code


@pytest.mark.parametrize(
    "strange",
    [
        event(5, "callback.started", "c2", requested_in="nobody"),
        event(5, "callback.started", "c2"),
        event(5, "callback.cancelled", "nobody"),
        event(5, "callback.unreached", "c3", retry_in="soon"),
        event(5, "callback.requested", "c3", number=None, waiting_since="noon"),
        event(5, "voicemail.left", "c3", starts="x", seconds=float("nan"), queue=7),
        event(5, "ticket.taken", "c3", ticket="none"),
        event(5, "ticket.done", "c3"),
    ],
)
def test_strange_events_change_nothing_of_the_others(conn: Connection, strange: Event) -> None:
    append_events(conn, [asked(1), left(2)], PLAN)
    before, tickets = callback(conn), list_tickets(conn, queues=["default"])
    append_events(conn, [strange], PLAN)
    assert callback(conn) == before
    assert list_tickets(conn, queues=["default"]) == tickets
