from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from holdings import resident
from sqlalchemy import Connection, Engine, inspect

import storage.migrate
from storage.call_log import get_call, list_calls
from storage.database import DatabaseUrlError, open_engine, reading, transaction
from storage.migrate import is_current, newest_revision, revision, upgrade
from storage.patients import get_patient
from storage.tables import metadata
from storage.users import find_user


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_the_migrations_make_exactly_the_tables_that_the_code_uses(engine: Engine) -> None:
    with reading(engine) as conn:
        assert compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), metadata) == []
        assert {table for table in inspect(conn).get_table_names() if table != "alembic_version"} == set(
            metadata.tables
        )


def test_every_index_of_the_catalogue_exists_in_the_migrated_database(engine: Engine) -> None:
    wanted = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    with reading(engine) as conn:
        if engine.dialect.name == "sqlite":
            found = conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index'").scalars().all()
        else:
            found = conn.exec_driver_sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'").scalars().all()
    assert wanted <= set(found)


def test_the_newest_revision_by_the_names_of_the_files_is_the_head_of_the_migrations() -> None:
    scripts = ScriptDirectory(str(Path(storage.migrate.__file__).parent / "migrations"))
    assert newest_revision() == scripts.get_current_head()
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_")


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    assert upgrade(engine) == newest_revision()
    assert is_current(engine)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_several_processes_may_migrate_one_database_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        engines = [open_engine(f"sqlite:///{tmp_path}/new/sansheng.db") for _ in range(3)]
    else:
        engines = [request.getfixturevalue("empty_postgresql")] * 3
    assert revision(engines[0]) is None
    reached: list[str] = []
    threads = [threading.Thread(target=lambda e=e: reached.append(upgrade(e))) for e in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert reached == [newest_revision()] * 3


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://root:geheim@host/db", "sqlite", "postgresql+pg8000://h/d"])
def test_a_wrong_database_url_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as caught:
        open_engine(url)
    assert "geheim" not in str(caught.value)


def test_a_transaction_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    statement = "INSERT INTO dispositions VALUES ('x', 99, 'x', 'x', {})".format(
        "1" if engine.dialect.name == "sqlite" else "true"
    )

    def fail() -> None:
        with transaction(engine) as conn:
            conn.exec_driver_sql(statement)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with reading(engine) as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM dispositions WHERE code = 'x'").scalar() == 0


def test_sqlite_is_set_up_for_readers_beside_a_writer(sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as writer:
        assert writer.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert writer.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert writer.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        writer.exec_driver_sql("INSERT INTO dispositions VALUES ('x', 99, 'x', 'x', 1)")
        with reading(sqlite_engine) as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM dispositions WHERE code = 'x'").scalar() == 0


def test_two_writers_that_read_first_wait_for_each_other_instead_of_failing(engine: Engine) -> None:
    problems: list[Exception] = []
    count = "UPDATE dispositions SET position = position + 1 WHERE code = 'other'"

    def write() -> None:
        try:
            for _ in range(20):
                with transaction(engine) as conn:
                    conn.exec_driver_sql("SELECT position FROM dispositions WHERE code = 'other'").scalar()
                    conn.exec_driver_sql(count)
        except Exception as problem:
            problems.append(problem)

    with reading(engine) as conn:
        before = conn.exec_driver_sql("SELECT position FROM dispositions WHERE code = 'other'").scalar_one()
    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    with reading(engine) as conn:
        after = conn.exec_driver_sql("SELECT position FROM dispositions WHERE code = 'other'").scalar_one()
    assert after == before + 80


def test_text_that_a_database_cannot_hold_finds_nothing_instead_of_failing(conn: Connection) -> None:
    assert get_patient(conn, "\x00") is None
    assert get_call(conn, "nobody\x00") is None
    assert find_user(conn, "\x00") is None
    assert list_calls(conn, number="\x00", agent="a\x00", before="\x00") == []


def test_the_connections_of_a_process_do_not_each_keep_the_whole_file(sqlite_engine: Engine) -> None:
    connections, megabytes = 12, 20
    with transaction(sqlite_engine) as conn:
        conn.exec_driver_sql("CREATE TABLE large (text)")
        conn.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO large SELECT hex(zeroblob(500)) FROM n",
            (megabytes * 1000,),
        )
    before = resident(os.getpid())
    with ExitStack() as open_at_once:
        for _ in range(connections):
            reader = open_at_once.enter_context(reading(sqlite_engine))
            assert reader.exec_driver_sql("SELECT sum(length(text)) FROM large").scalar() == megabytes * 1_000_000
    # with a copy each it would be 240 MB, and they would stay
    assert resident(os.getpid()) - before < connections * 4
