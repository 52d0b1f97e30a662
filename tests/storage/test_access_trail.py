from __future__ import annotations

import threading

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from storage.access_trail import GENESIS, head, list_accesses, record, verify
from storage.database import reading, transaction


def fill(conn: Connection, count: int = 6) -> None:
    for n in range(count):
        record(conn, f"agent{n % 2 + 1}", "reveal", "patient_phone", f"p{n}", {"b": n, "a": "138****5678"}, "核对号码")


def test_rows_are_chained_and_an_untouched_trail_holds(conn: Connection) -> None:
    assert (verify(conn), head(conn)) == (None, (0, GENESIS))
    fill(conn)
    newest, *_, oldest = list_accesses(conn)
    assert (oldest.id, oldest.previous_sha256) == (1, GENESIS)
    assert head(conn) == (6, newest.sha256)
    assert (newest.detail, newest.reason) == ('{"a":"138****5678","b":5}', "核对号码")
    assert verify(conn) is None


@pytest.mark.parametrize(
    ("damage", "first_broken"),
    [
        ("UPDATE access_trail SET subject_id = 'other' WHERE id = 3", 3),
        ("UPDATE access_trail SET at = at + 1 WHERE id = 6", 6),
        ("UPDATE access_trail SET sha256 = previous_sha256 WHERE id = 2", 2),
        ("DELETE FROM access_trail WHERE id = 4", 4),
        ("DELETE FROM access_trail WHERE id = 1", 1),
        ("UPDATE access_trail SET id = 7 WHERE id = 6", 6),
    ],
)
def test_the_first_row_that_was_tampered_with_is_named(engine: Engine, damage: str, first_broken: int) -> None:
    with transaction(engine) as conn:
        fill(conn)
        if engine.dialect.name == "sqlite":
            conn.exec_driver_sql("DROP TRIGGER access_trail_no_update")
            conn.exec_driver_sql("DROP TRIGGER access_trail_no_delete")
        else:
            conn.exec_driver_sql("ALTER TABLE access_trail DISABLE TRIGGER USER")
        assert conn.exec_driver_sql(damage).rowcount == 1
        assert verify(conn) == first_broken


@pytest.mark.parametrize("statement", ["UPDATE access_trail SET reason = ''", "DELETE FROM access_trail"])
def test_the_database_itself_refuses_changes(engine: Engine, statement: str) -> None:
    with transaction(engine) as conn:
        fill(conn)
    with transaction(engine) as conn, pytest.raises(DBAPIError, match="append-only"):
        conn.exec_driver_sql(statement)
    with reading(engine) as conn:
        assert verify(conn) is None
        assert head(conn)[0] == 6


def test_a_row_belongs_to_the_transaction_of_what_it_tells_of(engine: Engine) -> None:
    def fail() -> None:
        with transaction(engine) as conn:
            fill(conn)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with reading(engine) as conn:
        assert head(conn) == (0, GENESIS)


def test_writers_at_the_same_time_make_one_chain(engine: Engine) -> None:
    def write() -> None:
        for _ in range(10):
            with transaction(engine) as conn:
                fill(conn, 1)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    with reading(engine) as conn:
        assert head(conn)[0] == 40
        assert verify(conn) is None


def test_the_trail_is_read_by_user_subject_and_page(conn: Connection) -> None:
    fill(conn)
    assert [row.id for row in list_accesses(conn, limit=2)] == [6, 5]
    assert [row.id for row in list_accesses(conn, limit=2, before=5)] == [4, 3]
    assert [row.id for row in list_accesses(conn, user="agent1")] == [5, 3, 1]
    assert [row.id for row in list_accesses(conn, subject_type="patient_phone", subject_id="p2")] == [3]


def test_junk_text_is_kept_as_far_as_a_database_can(conn: Connection) -> None:
    record(conn, "a\x00b", "\ud800", "x" * 10_000, "", {"k\x00": "\x00\ud800"}, "r" * 9999)
    assert verify(conn) is None
    assert len(list_accesses(conn)[0].reason) == 500
