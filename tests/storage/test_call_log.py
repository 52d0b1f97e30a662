from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from storage import call_log, call_tables, event_log
from storage.call_notes import NoteError, link_patient, set_disposition
from storage.call_projection import outcome_of, replay
from storage.database import reading, transaction
from storage.event_log import EventError, append_events, events_after, events_of_call, last_sequence, last_sequences
from storage.patients import create_patient
from storage.phone_numbers import NumberingPlan

Event = dict[str, Any]
Story = Callable[..., list[Event]]
PLAN = NumberingPlan("CN", "0571")
CALL = "01900000-0000-7000-8000-000000000001"


def row(conn: Connection, call: str = CALL) -> call_log.Call:
    found = call_log.get_call(conn, call)
    assert found is not None
    return found


def test_the_row_exists_from_the_first_event_on_and_follows_each_one(conn: Connection, call_story: Story) -> None:
    states = []
    for event in call_story():
        assert append_events(conn, [event], PLAN) == 1
        states.append(row(conn).state)
    assert states == [
        *["ringing", "ringing", "queued", *["ringing"] * 7, "queued", "ringing", "ringing", "ringing"],
        *["talking", "talking", "held", "talking", "ended", "ended"],
    ]


def test_a_whole_call_is_told_by_its_row(conn: Connection, call_story: Story) -> None:
    append_events(conn, call_story(), PLAN)
    call = row(conn)
    assert (call.direction, call.line, call.queue, call.dialled) == ("inbound", "main", "default", "057188000000")
    assert (call.number, call.e164, call.masked) == ("13805711001", "+8613805711001", "138****1001")
    assert (call.started_at, call.answered_at, call.ended_at) == (1.79e9, 1.79e9 + 17, 1.79e9 + 77)
    assert (call.caller_rings, call.agent_rings, call.within_three_rings, call.rule_version) == (4, 1, False, 1)
    assert (call.hung_up_by, call.sip_status, call.end_reason, call.outcome) == ("caller", 200, "BYE", "answered")
    assert (call.agent, call.talk_seconds, call.wait_seconds) == ("agent2", 60.0, 17.0)
    assert [(o.offer, o.agent, o.outcome, o.rings, o.ended_at) for o in call.offers] == [
        (1, "agent1", "no_answer", 3, 1.79e9 + 15.1),
        (2, "agent2", "answered", 1, 1.79e9 + 17),
    ]


def test_events_are_stored_exactly_once(conn: Connection, call_story: Story) -> None:
    story = call_story()
    assert append_events(conn, story[:5] + story[:5], PLAN) == 5
    assert append_events(conn, story, PLAN) == len(story) - 5
    before = row(conn)
    assert append_events(conn, story, PLAN) == 0
    assert row(conn) == before
    assert last_sequence(conn, "phone1") == len(story)
    assert last_sequences(conn) == {"phone1": len(story)}
    assert last_sequence(conn, "phone2") == 0
    assert events_of_call(conn, CALL) == story
    assert events_after(conn, "phone1", 0) == story
    assert events_after(conn, "phone1", 17, limit=2) == story[17:19]
    assert events_after(conn, "phone1", 10**30) == []


def test_a_second_story_under_a_known_sequence_number_changes_nothing(conn: Connection, call_story: Story) -> None:
    append_events(conn, call_story(), PLAN)
    assert append_events(conn, call_story(call="other"), PLAN) == 0
    assert call_log.get_call(conn, "other") is None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_any_batches_and_any_repeats_give_the_same_rows(
    sqlite_engine: Engine, call_story: Story, data: st.DataObject
) -> None:
    story = call_story() + call_story(call="b", first=101) + call_story(call="c", node="phone2")
    expected = {call: replay(call, [e for e in story if e["call"] == call], PLAN) for call in (CALL, "b", "c")}
    shuffled = data.draw(st.permutations(story)) + data.draw(st.lists(st.sampled_from(story), max_size=8))
    with sqlite_engine.connect() as conn, conn.begin() as whole:
        new = 0
        while shuffled:
            size = data.draw(st.integers(1, 25))
            batch, shuffled = shuffled[:size], shuffled[size:]
            new += append_events(conn, batch, PLAN)
        assert new == len(story)
        assert {call: row(conn, call) for call in expected} == expected
        whole.rollback()


def test_rebuilding_gives_the_same_rows(conn: Connection, call_story: Story) -> None:
    calls = [f"call{n}" for n in range(12)]
    story = [e for n, c in enumerate(calls) for e in call_story(call=c, first=100 * n + 1, at=1.79e9 + n)]
    random.Random(1).shuffle(story)
    append_events(conn, story, PLAN)
    set_disposition(conn, "call3", "booked", "下周一上午", "agent2", at=1.79e9 + 90, plan=PLAN)
    before = call_log.list_calls(conn, limit=100)
    assert len(before) == 12
    conn.execute(call_tables.calls.update().values(state="ringing", agent="somebody", caller_rings=99))
    assert event_log.rebuild(conn, PLAN) == 12
    assert call_log.list_calls(conn, limit=100) == before


@pytest.mark.parametrize(
    "event",
    [
        {"type": "call.levitated", "call": CALL, "height": 3},
        {"type": "call.levitated"},
        {"type": "node.started", "boot": "x", "version": "1"},
        {"type": "call.started", "call": 17},
        {"type": "call.started", "call": None},
        {"type": "call.ended", "call": CALL},
        {"type": "call.offered", "call": CALL, "offer": "first", "agent": None},
        {"type": "call.caller_ring", "call": CALL, "ring": -4},
        {"type": "call.caller_ring", "call": CALL, "ring": 10**40},
        {"type": "call.answered", "call": CALL, "within_three_rings": "maybe", "wait_seconds": float("nan")},
        {"type": "call.ended", "call": CALL, "at": "yesterday", "sip_status": float("inf"), "reason": b"\xff\x00"},
        {"type": "call.started", "call": CALL, "number": "\x00\ud800" * 100, "display_name": {"a": [1, {2}]}},
        {"type": "call.started", "call": CALL, "number": "1" * 100_000},
        {"type": "recording.started", "call": CALL},
        {"type": "recording.closed", "call": CALL, "path": 5, "bytes": -1},
        {"type": "recording.closed", "call": CALL, "path": "x", "bytes": "many", "at": "noon"},
        {"type": "recording.failed", "call": CALL, "lost_seconds": "all", "reason": None},
    ],
)
def test_strange_events_are_stored_and_never_fatal(conn: Connection, call_story: Story, event: Event) -> None:
    append_events(conn, call_story()[:3], PLAN)
    assert append_events(conn, [{**event, "node": "phone1", "sequence": 50}], PLAN) in (0, 1)
    assert append_events(conn, call_story()[3:], PLAN) == len(call_story()) - 3
    assert row(conn).direction == "inbound"
    event_log.rebuild(conn, PLAN)


@pytest.mark.parametrize(
    "event",
    [
        *[{}, {"type": "call.ended"}, {"type": "x", "node": "phone1"}, {"type": "x", "node": "", "sequence": 1}],
        *[{"type": "", "node": "n", "sequence": 1}, {"type": "x", "node": "n", "sequence": -1}],
        *[{"type": "x", "node": "n", "sequence": 2**63}, {"type": "x", "node": "n", "sequence": True}],
        *[
            {"type": "x", "node": "n", "sequence": "1"},
            {"type": 4, "node": "n", "sequence": 1},
            {"type": "\x00", "node": "n", "sequence": 1},
        ],
    ],
)
def test_an_event_without_type_node_or_sequence_is_refused_with_its_whole_batch(
    conn: Connection, call_story: Story, event: Event
) -> None:
    with pytest.raises(EventError):
        append_events(conn, [*call_story(), event], PLAN)
    assert events_after(conn, "phone1", -1) == []


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["call.started", "call.offered", "call.ended", "recording.closed", "x"]),
                "node": st.sampled_from(["a", "b", "desk"]),
                "sequence": st.integers(0, 30),
            },
            optional={
                "call": st.sampled_from(["c1", "c2", ""]),
                "agent": st.one_of(st.none(), st.text(max_size=3), st.integers()),
                "offer": st.one_of(st.integers(), st.text(max_size=2)),
                "number": st.text(max_size=20),
                "at": st.one_of(st.floats(), st.text(max_size=2)),
                "sip_status": st.one_of(st.integers(), st.none()),
            },
        ),
        max_size=20,
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_of_events_breaks_the_log_and_rebuilding_agrees(sqlite_engine: Engine, events: list[Event]) -> None:
    with sqlite_engine.connect() as conn, conn.begin() as whole:
        for event in events:
            append_events(conn, [event], PLAN)
        before = sorted(call_log.list_calls(conn, limit=100), key=lambda call: call.id)
        event_log.rebuild(conn, PLAN)
        assert sorted(call_log.list_calls(conn, limit=100), key=lambda call: call.id) == before
        whole.rollback()


@pytest.mark.parametrize(
    ("direction", "status", "by", "outcome"),
    [
        *[("inbound", 487, "caller", "abandoned"), ("inbound", 408, "caller", "abandoned")],
        *[
            ("inbound", 486, "system", "busy"),
            ("inbound", 603, "agent", "rejected"),
            ("inbound", 480, "system", "unavailable"),
        ],
        *[
            ("inbound", 488, "system", "failed"),
            ("inbound", 408, "network", "failed"),
            ("inbound", 404, "system", "not_found"),
        ],
        *[
            ("outbound", 486, "caller", "busy"),
            ("outbound", 600, "caller", "busy"),
            ("outbound", 603, "caller", "rejected"),
        ],
        *[("outbound", 403, "caller", "rejected"), ("outbound", 404, "caller", "not_found")],
        *[("outbound", 484, "network", "not_found"), ("outbound", 480, "caller", "unavailable")],
        *[("outbound", 408, "network", "no_answer"), ("outbound", 487, "system", "no_answer")],
        *[
            ("outbound", 487, "agent", "cancelled"),
            ("outbound", 503, "network", "failed"),
            ("outbound", 0, "", "failed"),
        ],
    ],
)
def test_what_became_of_an_unanswered_call_follows_from_signalling(
    direction: str, status: int, by: str, outcome: str
) -> None:
    assert outcome_of(direction, status, by) == outcome


def test_an_abandoned_call_keeps_how_long_the_caller_waited(conn: Connection, call_story: Story) -> None:
    end = {
        "type": "call.ended",
        "by": "caller",
        "sip_status": 487,
        "reason": "CANCEL",
        "caller_rings": 3,
        "at": 1.79e9 + 12,
    }
    append_events(conn, [*call_story()[:8], {**end, "call": CALL, "node": "phone1", "sequence": 9}], PLAN)
    call = row(conn)
    assert (call.state, call.outcome, call.wait_seconds, call.caller_rings) == ("ended", "abandoned", 12.0, 3)
    assert (call.answered_at, call.within_three_rings, call.hung_up_by) == (None, None, "caller")


def test_calls_are_listed_by_what_is_asked_and_page_by_page(conn: Connection, call_story: Story) -> None:
    for n in range(10):
        number = "13805711001" if n % 2 else "0571-88001004"
        append_events(conn, call_story(call=f"c{n}", first=100 * n + 1, number=number, at=1.79e9 + n // 2), PLAN)
    ids = [call.id for call in call_log.list_calls(conn)]
    assert ids == [f"c{n}" for n in reversed(range(10))]
    pages, before = [], ""
    for _ in range(4):
        page = [call.id for call in call_log.list_calls(conn, limit=3, before=before)]
        pages += page
        before = page[-1]
    assert pages == ids
    by_number = call_log.list_calls(conn, number="+86 138 0571 1001", plan=PLAN)
    assert [call.id for call in by_number] == ["c9", "c7", "c5", "c3", "c1"]
    assert len(call_log.list_calls(conn, number="88001004", plan=PLAN)) == 5
    assert call_log.list_calls(conn, number="13800000000") == []
    assert [call.id for call in call_log.list_calls(conn, since=1.79e9 + 4)] == ["c9", "c8"]
    assert [call.id for call in call_log.list_calls(conn, until=1.79e9 + 1)] == ["c1", "c0"]
    assert len(call_log.list_calls(conn, agent="agent2")) == len(call_log.list_calls(conn, agent="agent1")) == 10
    assert call_log.list_calls(conn, agent="agent3") == []
    assert len(call_log.list_calls(conn, direction="inbound", outcome="answered", state="ended")) == 10
    assert call_log.list_calls(conn, direction="outbound") == call_log.list_calls(conn, before="nobody") == []
    assert call_log.live_calls(conn) == []


def test_live_calls_are_those_that_have_not_ended(conn: Connection, call_story: Story) -> None:
    append_events(conn, call_story(call="a"), PLAN)
    append_events(conn, call_story(call="b", first=101)[:6], PLAN)
    assert [call.id for call in call_log.live_calls(conn)] == ["b"]


def test_a_disposition_is_an_event_and_can_be_corrected(conn: Connection, call_story: Story) -> None:
    append_events(conn, call_story()[:-2], PLAN)
    first = set_disposition(conn, CALL, "booked", "下周一", "agent2", at=1.79e9 + 80, plan=PLAN)
    assert (first["node"], first["sequence"], first["type"]) == ("desk", 1, "call.disposed")
    set_disposition(conn, CALL, "complaint", "等候太久", "agent2", at=1.79e9 + 81, plan=PLAN)
    append_events(conn, call_story(), PLAN)
    call = row(conn)
    assert (call.disposition, call.disposition_note, call.disposition_by) == ("complaint", "等候太久", "agent2")
    assert (call.disposition_at, call.state) == (1.79e9 + 81, "ended")
    assert [event["code"] for event in events_after(conn, "desk", 0)] == ["booked", "complaint"]


def test_a_call_is_linked_to_its_patient_even_before_it_ends(conn: Connection, call_story: Story) -> None:
    patient = create_patient(conn, "张三")
    append_events(conn, call_story()[:6], PLAN)
    link_patient(conn, CALL, patient.id, "agent1", plan=PLAN)
    append_events(conn, call_story()[6:], PLAN)
    assert row(conn).patient_id == patient.id
    assert [call.id for call in call_log.list_calls(conn, patient_id=patient.id)] == [CALL]
    link_patient(conn, CALL, "", "agent1", plan=PLAN)
    assert row(conn).patient_id == ""


def test_wrong_notes_are_refused(conn: Connection, call_story: Story) -> None:
    append_events(conn, call_story(), PLAN)
    for code, arguments in (
        ("no_such_call", ("nobody", "booked", "")),
        ("bad_disposition", (CALL, "danced", "")),
        ("bad_note", (CALL, "booked", "x" * 4001)),
    ):
        with pytest.raises(NoteError) as caught:
            set_disposition(conn, *arguments, "agent1")
        assert caught.value.code == code
    with pytest.raises(NoteError) as caught:
        link_patient(conn, CALL, "nobody", "agent1")
    assert caught.value.code == "no_such_patient"


def test_two_writers_of_one_node_project_every_call_once(engine: Engine, call_story: Story) -> None:
    story = [event for n in range(6) for event in call_story(call=f"c{n}", first=100 * n + 1)]
    problems: list[Exception] = []
    new: list[int] = []

    def write(events: list[Event]) -> None:
        try:
            for event in events:
                with transaction(engine) as conn:
                    new.append(append_events(conn, [event], PLAN))
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(part,)) for part in (story, story[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert problems == []
    assert sum(new) == len(story)
    with reading(engine) as conn:
        for n in range(6):
            assert row(conn, f"c{n}") == replay(f"c{n}", [e for e in story if e["call"] == f"c{n}"], PLAN)
        assert len(conn.execute(select(event_log.call_events.c.sequence)).all()) == len(story)
