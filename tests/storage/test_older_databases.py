"""A database of an earlier release is brought up without losing or changing what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from storage.call_log import get_call, list_calls
from storage.call_log_renewal import count_calls, renew
from storage.call_tables import call_parties, calls
from storage.database import open_engine, reading, transaction
from storage.event_log import append_events, rebuild
from storage.migrate import upgrade
from storage.patients import create_patient, find_by_number
from storage.phone_numbers import NumberingPlan
from storage.rules import current
from storage.users import find_user

OLD_CALL = (
    "INSERT INTO calls (id, direction, line, queue, number, e164, number_kind, masked, display_name, dialled, state,"
    " started_at, caller_rings, agent_rings, hung_up_by, end_reason, sip_call_id, agent, patient_id, outcome,"
    " talk_seconds, disposition, disposition_note, disposition_by, last_node, last_sequence) VALUES"
    " ('c1','inbound','main','default','13805711001','+8613805711001','mobile','138****1001','','','ended',1.0,3,1,"
    "'caller','BYE','x','agent1','','answered',60.0,'','','','phone1',9)"
)
OLD_USER = (
    "INSERT INTO users (username, display_name, role, password_hash, locale, active, created_at, updated_at)"
    " VALUES ('agent1','林晓','agent','x','zh-CN',{true},1.0,1.0)"
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_calls_users_patients_and_rules_of_an_older_schema_are_kept(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    engine: Engine = (
        open_engine(f"sqlite:///{tmp_path}/old.db") if kind == "sqlite" else request.getfixturevalue("empty_postgresql")
    )
    upgrade(engine, "0002")
    with transaction(engine) as conn:
        conn.exec_driver_sql(OLD_CALL)
        conn.exec_driver_sql(OLD_USER.format(true="1" if kind == "sqlite" else "true"))
    upgrade(engine)
    with transaction(engine) as conn:
        (call,) = list_calls(conn)
        assert (call.id, call.talk_seconds, call.parties, call.transferred, call.marks) == ("c1", 60.0, (), False, ())
        user = find_user(conn, "agent1")
        assert user is not None
        assert (user.display_name, dict(user.skills), list(user.queues), user.mobile) == ("林晓", {}, [], "")
        rules = current(conn)
        assert (rules["hold_hint"].value, rules["private_call_limit"].value, rules["elderly_age"].value) == (
            60,
            180,
            70,
        )
        assert not create_patient(conn, "张三").assisted
    engine.dispose()


def test_what_is_logged_after_the_upgrade_is_rebuilt_with_parties(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/old.db")
    upgrade(engine, "0002")
    upgrade(engine)
    joined: dict[str, Any] = {"type": "party.joined", "call": "c1", "party": 1, "role": "agent", "agent": "a"}
    with transaction(engine) as conn:
        append_events(conn, [{**joined, "node": "p", "sequence": 1, "at": 1.0, "monotonic": 0}])
        rebuild(conn)
    with reading(engine) as conn:
        assert [one.agent for one in list_calls(conn)[0].parties] == ["a"]
        assert find_by_number(conn, "+8613805711001") == []
    engine.dispose()


def events_of(call: str, first: int) -> list[dict[str, Any]]:
    story: list[dict[str, Any]] = [
        {"type": "call.started", "direction": "inbound", "line": "main", "number": "13805711001", "queue": "default"},
        {"type": "party.joined", "party": 1, "role": "agent", "agent": "a"},
        {"type": "call.private", "agent": "a", "private": True},
        {"type": "call.ended", "by": "caller", "sip_status": 200, "reason": "BYE"},
    ]
    return [
        {**one, "call": call, "node": "p", "sequence": first + n, "at": 100.0 + n, "monotonic": 0}
        for n, one in enumerate(story)
    ]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_calls_that_an_earlier_release_logged_are_brought_up_to_date_some_at_a_time_and_the_others_stay(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    engine: Engine = (
        open_engine(f"sqlite:///{tmp_path}/old.db") if kind == "sqlite" else request.getfixturevalue("empty_postgresql")
    )
    upgrade(engine, "0002")
    with transaction(engine) as conn:
        conn.exec_driver_sql(OLD_CALL)
    upgrade(engine)
    plan = NumberingPlan()
    names = [f"new{n}" for n in range(5)]
    with transaction(engine) as conn:
        for n, name in enumerate(names):
            append_events(conn, events_of(name, 10 * n), plan)
        whole = {name: get_call(conn, name) for name in names}
        # as an earlier release left them
        conn.execute(calls.update().where(calls.c.id.in_(names[:3])).values(private=False))
        conn.execute(call_parties.delete().where(call_parties.c.call == "new0"))
        conn.execute(calls.delete().where(calls.c.id == "new4"))
        old = get_call(conn, "c1")
        assert count_calls(conn) == 5
    told = list(renew(engine, plan, write=False, at_once=2))
    assert [(one.looked_at, one.changed) for one in told] == [(2, 2), (2, 1), (1, 1)]
    assert dict(told[0].columns) == {"private": 2, "parties": 1}
    assert dict(told[2].columns) == {"(missing)": 1}
    with reading(engine) as conn:
        assert get_call(conn, "new0") != whole["new0"], "nothing is written where only told"
    assert [one.changed for one in renew(engine, plan, write=True, at_once=2)] == [2, 1, 1]
    assert [one.changed for one in renew(engine, plan, write=True)] == [0]
    with reading(engine) as conn:
        assert {name: get_call(conn, name) for name in names} == whole
        assert get_call(conn, "c1") == old
    engine.dispose()
