"""A call from a number that one patient has is that patient's call, unless somebody says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from storage.call_log import get_call
from storage.call_notes import link_patient
from storage.event_log import append_events, rebuild
from storage.known_callers import link_known_callers
from storage.patients import PhoneEntry, create_patient
from storage.phone_numbers import NumberingPlan

PLAN = NumberingPlan("CN", "0571")
CALL = "01900000-0000-7000-8000-000000000001"
Story = Callable[..., list[dict[str, Any]]]


def patient(conn: Connection, name: str, number: str = "13805711001") -> str:
    return create_patient(conn, name, phones=[PhoneEntry(number)], plan=PLAN).id


def linked(conn: Connection) -> str | None:
    call = get_call(conn, CALL)
    assert call is not None
    return call.patient_id or None


def test_the_only_patient_of_the_number_is_linked_and_a_rebuild_keeps_the_link(
    conn: Connection, call_story: Story
) -> None:
    known = patient(conn, "张三")
    story = call_story()
    append_events(conn, story, PLAN)
    assert link_known_callers(conn, story, PLAN) == [CALL]
    assert linked(conn) == known
    rebuild(conn, PLAN)
    assert linked(conn) == known


@pytest.mark.parametrize("names", [[], ["张三", "张小三"]])
def test_nobody_is_linked_where_nobody_or_several_have_the_number(
    conn: Connection, call_story: Story, names: list[str]
) -> None:
    for name in names:
        patient(conn, name)
    story = call_story()
    append_events(conn, story, PLAN)
    assert link_known_callers(conn, story, PLAN) == []
    assert linked(conn) is None


def test_a_link_that_was_taken_back_is_not_made_again_when_events_are_resent(
    conn: Connection, call_story: Story
) -> None:
    patient(conn, "张三")
    story = call_story()
    append_events(conn, story, PLAN)
    link_known_callers(conn, story, PLAN)
    link_patient(conn, CALL, "", "agent1", plan=PLAN)
    assert link_known_callers(conn, story, PLAN) == []
    assert linked(conn) is None


def test_an_anonymous_call_is_nobodys(conn: Connection, call_story: Story) -> None:
    patient(conn, "张三")
    story = call_story(number="anonymous")
    append_events(conn, story, PLAN)
    assert link_known_callers(conn, story, PLAN) == []
