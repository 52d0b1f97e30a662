from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, select

from storage.database import reading, transaction
from storage.demo_data import DEMO_USERS, demo_callers, load_demo, load_demo_users, make_patients
from storage.demo_names import people
from storage.login import authenticate
from storage.name_readings import readings_of
from storage.patient_search import search
from storage.patients import find_by_number, patient_phones, patient_search_keys, patients, search_keys_of
from storage.phone_numbers import NumberingPlan, normalise
from storage.users import UserError, list_users, update_user, users

PLAN = NumberingPlan("CN", "0571")


def count(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(patients)).scalar_one()


def test_loading_twice_or_in_steps_makes_no_second_copy(conn: Connection) -> None:
    assert load_demo(conn, 300) == 300
    assert load_demo(conn, 300) == 0
    assert load_demo(conn, 100) == 0
    assert load_demo(conn, 500) == 200
    assert count(conn) == 500
    stored = conn.execute(select(patients.c.id).order_by(patients.c.id)).scalars().all()
    assert stored == [one.patient[0] for one in make_patients(500)]


QUERIES = (
    "13805711001",
    "5678",
    "138057",
    "zs",
    "zhangsan",
    "zhang",
    "张三",
    "小明",
    "D00000001",
    "D0000",
    "+861380571",
)


def scans_in_searches(engine: Engine) -> list[str]:
    """What the database says of the plans of all statements that the searches run: lines that read a whole table."""
    ran: list[tuple[str, Any]] = []

    def keep(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith("SELECT"):
            ran.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", keep)
    with reading(engine) as conn:
        for query in QUERIES:
            assert search(conn, query, plan=PLAN), query
        for caller in demo_callers():
            find_by_number(conn, normalise(caller.number).e164)
    event.remove(engine, "before_cursor_execute", keep)
    assert len(ran) > 30
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with reading(engine) as conn:
        plans = [
            str(row[-1]) for statement, given in ran for row in conn.exec_driver_sql(f"{explain} {statement}", given)
        ]
    assert any("INDEX" in line.upper() for line in plans)
    return [line for line in plans if "Seq Scan" in line or line.startswith("SCAN patient")]


def test_a_large_load_builds_the_same_rows_and_all_indexes_and_searches_use_them(sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as conn:
        indexes = "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name"
        before = conn.exec_driver_sql(indexes).scalars().all()
        assert load_demo(conn, 25_000) == 25_000
        assert conn.exec_driver_sql(indexes).scalars().all() == before
        assert count(conn) == 25_000
        last = next(iter(make_patients(25_000, start=24_999)))
        assert [found.id for found in search(conn, last.patient[1])] == [last.patient[0]]
    assert scans_in_searches(sqlite_engine) == []


def test_a_large_load_and_its_searches_work_on_postgresql_too(postgresql_engine: Engine) -> None:
    with transaction(postgresql_engine) as conn:
        assert load_demo(conn, 20_500) == 20_500
        assert len(find_by_number(conn, "+8657188001004")) == 3
        assert "ix_patients_name_from_2" in conn.exec_driver_sql("SELECT indexname FROM pg_indexes").scalars().all()
    assert scans_in_searches(postgresql_engine) == []


def test_what_is_loaded_in_bulk_is_what_the_normal_way_would_write(conn: Connection) -> None:
    load_demo(conn, 200)
    for row in conn.execute(select(patient_phones)):
        number = normalise(row.raw, PLAN.region, PLAN.area_code)
        assert (row.e164, row.kind, row.digits_reversed) == (number.e164, number.kind, number.e164[:0:-1])
    for row in conn.execute(select(patients)):
        readings = readings_of(row.name)
        assert (row.name_pinyin, row.name_initials) == (readings.pinyin, readings.initials)
        keys = select(patient_search_keys.c.key).where(patient_search_keys.c.patient_id == row.id)
        assert set(conn.execute(keys).scalars()) == set(search_keys_of(row.name, readings))


def test_the_demo_callers_match_the_patients_as_they_say(conn: Connection) -> None:
    load_demo(conn, 3000)
    callers = demo_callers()
    assert {caller.match for caller in callers[:5]} == {"one", "several", "none"}
    assert {caller.kind for caller in callers[:5]} == {"mobile", "landline", "anonymous"}
    for caller in callers:
        number = normalise(caller.number, PLAN.region, PLAN.area_code)
        found = find_by_number(conn, number.e164)
        assert tuple(patient.name for patient in found) == caller.names
        assert caller.kind == number.kind
        assert caller.match == ("none" if not found else "one" if len(found) == 1 else "several")


def test_the_same_seed_gives_the_same_people_and_families_share_numbers() -> None:
    some = list(islice(people(7), 2000))
    assert some == list(islice(people(7), 2000))
    assert some != list(islice(people(8), 2000))
    numbers = [digits for person in some for digits, _, _ in person.numbers]
    assert 20 < len(numbers) - len(set(numbers)) < 400


def test_the_demo_users_can_log_in_with_the_newest_password(engine: Engine) -> None:
    with transaction(engine) as conn:
        load_demo_users(conn, "first password")
        load_demo_users(conn, "second password")
    for username in ("agent1", "admin"):
        assert authenticate(engine, username, "second password").outcome == "ok"
    assert authenticate(engine, "agent1", "first password").outcome == "wrong"
    with reading(engine) as conn:
        assert [user.username for user in list_users(conn)] == sorted(username for username, _, _ in DEMO_USERS)
    with transaction(engine) as conn, pytest.raises(UserError):
        load_demo_users(conn, "short")


def test_the_password_of_the_demo_is_hashed_once_and_not_again_when_it_stays(engine: Engine) -> None:
    with transaction(engine) as conn:
        load_demo_users(conn, "first password")
        update_user(conn, "agent2", password="their own password")
    with reading(engine) as conn:
        before = conn.execute(select(users.c.password_hash).where(users.c.username == "agent1")).scalar_one()
    with transaction(engine) as conn:
        load_demo_users(conn, "first password")
    with reading(engine) as conn:
        assert set(conn.execute(select(users.c.password_hash)).scalars()) == {before}
