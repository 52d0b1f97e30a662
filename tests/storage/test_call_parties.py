"""Parties, transfers, menus and waits of a call in the log: read off the events, the same whenever it is done."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from storage import call_log
from storage.call_projection import replay
from storage.call_row import Call
from storage.event_log import append_events, rebuild
from storage.phone_numbers import NumberingPlan

PLAN = NumberingPlan("CN", "0571")
Event = dict[str, Any]
Story = Callable[..., list[Event]]
AT = 1.79e9
DEPARTMENT = {"kind": "number", "number": "057188001234", "name": "心内科", "entry": "e1"}
COLLEAGUE = {"kind": "agent", "agent": "agent2", "name": "周宁"}
VIP = {"kind": "queue", "queue": "vip"}


def story(*steps: tuple[float, str, Event], call: str = "c1", first: int = 1, node: str = "phone1") -> list[Event]:
    return [
        {**body, "type": kind, "at": AT + at, "call": call, "node": node, "sequence": first + n, "monotonic": 0}
        for n, (at, kind, body) in enumerate(steps)
    ]


def rich(call: str = "c1", first: int = 1, node: str = "phone1") -> list[Event]:
    """Menu, two queues, an answer, a consultation that becomes a conference, a blind transfer that fails, an end."""
    return story(
        (0, "call.started", {"direction": "inbound", "line": "main", "number": "13805711001"}),
        (0, "call.picked_up", {"codec": "PCMA"}),
        (0, "call.announcement", {"prompt": "recording-notice", "why": "recording"}),
        (1, "menu.entered", {"menu": "main", "version": 3}),
        (4, "menu.answered", {"menu": "main", "outcome": "invalid", "digit": "9"}),
        (6, "menu.answered", {"menu": "main", "outcome": "chosen", "digit": "1", "label": "业务咨询"}),
        (6, "menu.entered", {"menu": "second", "version": 3}),
        (8, "menu.answered", {"menu": "second", "outcome": "chosen", "digit": "2", "label": "挂号/改约"}),
        (8, "call.queued", {"queue": "enquiries", "position": 2}),
        (20, "call.dequeued", {"queue": "enquiries", "why": "overflow", "waited_seconds": 12.0, "to": "queue:vip"}),
        (20, "call.queued", {"queue": "vip", "position": 1}),
        (21, "call.priority", {"priority": 10, "reason": "third_ring", "by": ""}),
        (22, "call.offered", {"agent": "agent1", "offer": 1, "queue": "vip"}),
        (25, "call.offer_ended", {"agent": "agent1", "offer": 1, "outcome": "answered", "rings": 1}),
        (25, "party.joined", {"party": 0, "role": "caller", "number": "13805711001"}),
        (25, "party.joined", {"party": 1, "role": "agent", "agent": "agent1"}),
        (25, "call.answered", {"agent": "agent1", "wait_seconds": 25.0, "within_three_rings": False, "agent_rings": 1}),
        (30, "call.held", {"by": "agent"}),
        (30, "party.invited", {"party": 2, "role": "consulted", "by": "agent1", "target": DEPARTMENT}),
        (34, "party.joined", {"party": 2, "role": "consulted", "number": "057188001234"}),
        (40, "call.resumed", {"by": "agent"}),
        (40, "party.role", {"party": 2, "role": "member"}),
        (45, "call.held", {"by": "caller"}),
        (46, "call.resumed", {"by": "caller"}),
        (50, "party.left", {"party": 2, "by": "network"}),
        (52, "party.joined", {"party": 3, "role": "listener", "agent": "boss"}),
        (53, "party.role", {"party": 3, "role": "barger"}),
        (55, "party.left", {"party": 3, "by": "agent"}),
        (60, "party.invited", {"party": 2, "role": "consulted", "by": "agent1", "target": DEPARTMENT}),
        (61, "party.joined", {"party": 2, "role": "consulted", "number": "057188001234"}),
        (65, "party.left", {"party": 2, "by": "network"}),
        (70, "call.transferred", {"kind": "blind", "by": "agent1", "target": VIP, "party": -1}),
        (70, "party.left", {"party": 1, "by": "agent"}),
        (70, "call.queued", {"queue": "vip", "position": 1}),
        (
            75,
            "call.transfer_failed",
            {"kind": "blind", "by": "agent1", "target": VIP, "sip_status": 480, "reason": "x"},
        ),
        (80, "call.offered", {"agent": "agent2", "offer": 2, "queue": "vip"}),
        (82, "call.offer_ended", {"agent": "agent2", "offer": 2, "outcome": "answered", "rings": 1}),
        (82, "call.answered", {"agent": "agent2", "wait_seconds": 82.0, "within_three_rings": None, "agent_rings": 1}),
        (82, "party.joined", {"party": 4, "role": "agent", "agent": "agent2"}),
        (84, "call.held", {"by": "agent"}),
        (90, "call.ended", {"by": "caller", "sip_status": 200, "reason": "BYE", "talk_seconds": 65.0}),
        (91, "call.marked", {"by": "agent2", "mark": "wrong_transfer", "detail": "x"}),
        call=call,
        first=first,
        node=node,
    )


def row(conn: Connection, call: str = "c1") -> Call:
    found = call_log.get_call(conn, call)
    assert found is not None
    return found


def test_a_call_of_many_hands_is_told_by_its_row(conn: Connection) -> None:
    append_events(conn, rich(), PLAN)
    call = row(conn)
    assert (call.agent, call.outcome, call.state) == ("agent2", "answered", "ended")
    # how long the caller waited is told by the first answer
    assert (call.answered_at, call.wait_seconds, call.within_three_rings) == (AT + 25, 25.0, False)
    assert (call.holds, call.held_seconds, call.held_since) == (2, 16.0, None)
    assert (call.consults, call.most_talking, call.transferred, call.wrong_transfer) == (2, 3, False, True)
    assert (call.priority, call.priority_reason, call.announced) == (10, "third_ring", ("recording",))
    assert [(one["queue"], one["waited_seconds"], one["why"], one["to"]) for one in call.queue_path] == [
        ("enquiries", 12.0, "overflow", "queue:vip"),
        ("vip", 5.0, "answered", ""),
        ("vip", 12.0, "answered", ""),
    ]
    assert [(one["menu"], one["label"], one["tries"]) for one in call.menu_path] == [
        ("main", "业务咨询", 2),
        ("second", "挂号/改约", 1),
    ]
    parties = {one.party: one for one in call.parties}
    assert {party: one.seconds for party, one in parties.items()} == {0: 65.0, 1: 45.0, 2: 20.0, 3: 3.0, 4: 8.0}
    assert (parties[2].roles, parties[2].role, parties[2].joined_at) == (("consulted", "member"), "consulted", AT + 34)
    assert (parties[2].entry, parties[2].masked, parties[2].invited_by) == ("e1", "0571-****1234", "agent1")
    assert (parties[3].roles, parties[0].left_by) == (("listener", "barger"), "")
    assert [(one.kind, one.queue, one.outcome, one.sip_status) for one in call.transfers] == [
        ("blind", "vip", "failed", 480)
    ]
    for agent, mine in (("agent1", True), ("agent2", True), ("boss", False), ("agent3", False)):
        assert call.handled_by(agent) is mine
        listed = [one.id for one in call_log.list_calls(conn, agent=agent)]
        assert listed == (["c1"] if agent != "agent3" else [])


def test_the_state_follows_a_transfer_back_into_a_queue(conn: Connection) -> None:
    states = []
    for event in rich():
        append_events(conn, [event], PLAN)
        states.append((event["at"] - AT, row(conn).state))
    told = dict(states)
    assert (told[25], told[30], told[40], told[70], told[80], told[82], told[84], told[90]) == (
        *("talking", "held", "talking", "queued", "ringing", "talking"),
        *("held", "ended"),
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_any_batches_give_the_same_parties(sqlite_engine: Engine, data: st.DataObject) -> None:
    events = rich() + rich("c2", 101, "phone2")
    expected = {call: replay(call, [e for e in events if e["call"] == call], PLAN) for call in ("c1", "c2")}
    shuffled = data.draw(st.permutations(events))
    with sqlite_engine.connect() as conn, conn.begin() as whole:
        while shuffled:
            size = data.draw(st.integers(1, 30))
            batch, shuffled = shuffled[:size], shuffled[size:]
            append_events(conn, batch, PLAN)
        assert {call: row(conn, call) for call in expected} == expected
        rebuild(conn, PLAN)
        assert {call: row(conn, call) for call in expected} == expected
        whole.rollback()


def test_rebuilding_gives_the_same_rows_on_both_databases(conn: Connection) -> None:
    events = [event for n in range(5) for event in rich(f"c{n}", 100 * n + 1)]
    random.Random(7).shuffle(events)
    append_events(conn, events, PLAN)
    before = sorted(call_log.list_calls(conn, limit=10), key=lambda call: call.id)
    assert rebuild(conn, PLAN) == 5
    assert sorted(call_log.list_calls(conn, limit=10), key=lambda call: call.id) == before


ANYTHING = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(max_size=4), st.booleans(), st.just({}), st.just([])
)
TYPES = sorted({event["type"] for event in rich()} | {"voicemail.left", "callback.requested", "callback.started"})


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(TYPES), "sequence": st.integers(0, 40), "call": st.sampled_from(["c1", "c2"])},
            optional={
                **dict.fromkeys(("role", "target", "by", "agent", "queue", "menu", "label", "mark", "at"), ANYTHING),
                "party": st.one_of(ANYTHING, st.integers(0, 40)),
                "priority": ANYTHING,
                "requested_in": st.sampled_from(["c1", "c2", ""]),
            },
        ),
        max_size=25,
    )
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_strange_event_breaks_the_log_and_rebuilding_agrees(sqlite_engine: Engine, events: list[Event]) -> None:
    with sqlite_engine.connect() as conn, conn.begin() as whole:
        for event in events:
            append_events(conn, [{**event, "node": "p"}], PLAN)
        before = sorted(call_log.list_calls(conn, limit=100), key=lambda call: call.id)
        rebuild(conn, PLAN)
        assert sorted(call_log.list_calls(conn, limit=100), key=lambda call: call.id) == before
        whole.rollback()


START = (0.0, "call.started", {"direction": "inbound", "number": "13805711001"})
PICKED = (1.0, "call.picked_up", {})


@pytest.mark.parametrize(
    ("steps", "by", "outcome"),
    [
        ([(5.0, "voicemail.left", {"queue": "q", "starts": 2.0, "seconds": 3.0})], "caller", "voicemail"),
        ([(5.0, "callback.requested", {"queue": "q", "number": "1"})], "system", "callback"),
        ([(5.0, "call.transferred", {"kind": "routed", "target": DEPARTMENT})], "caller", "forwarded"),
        ([(5.0, "call.announcement", {"why": "closed"})], "system", "closed"),
        ([(5.0, "call.announcement", {"why": "closed"})], "caller", "abandoned"),
    ],
)
def test_what_became_of_a_call_that_no_agent_answered_follows_from_its_route(
    steps: list[tuple[float, str, Event]], by: str, outcome: str
) -> None:
    end = (9.0, "call.ended", {"by": by, "sip_status": 200})
    call = replay("c1", story(START, PICKED, *steps, end), PLAN)
    assert call is not None
    assert call.outcome == outcome


@pytest.mark.parametrize(("kind", "moved"), [("consult", True), ("blind", True), ("refer", True), ("take_over", False)])
def test_a_take_over_is_no_transfer_and_whoever_has_the_call_then_is_its_agent(kind: str, moved: bool) -> None:
    answered = (2.0, "call.answered", {"agent": "agent1"})
    passed = (9.0, "call.transferred", {"kind": kind, "by": "agent1", "target": COLLEAGUE, "party": 2})
    call = replay("c1", story(START, answered, passed), PLAN)
    assert call is not None
    assert call.transferred is moved
    assert call.agent == ("agent2" if kind in ("consult", "take_over") else "agent1")
