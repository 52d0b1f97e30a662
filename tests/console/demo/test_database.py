"""The demo's database is complete after the first start, and the same after the second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from console.config import ConsoleConfig
from console.demo.database import caller_numbers, prepare_database
from console.demo.numbers import MENU_LINE
from storage import routing
from storage.database import open_engine, reading, transaction
from storage.migrate import is_current
from storage.users import UserError
from telephony.routing.settings import parse_routing
from telephony.settings import LineSettings


@pytest.fixture
def config(tmp_path: Path) -> ConsoleConfig:
    return replace(ConsoleConfig(), data=tmp_path)


def test_users_and_patients_are_there_once_however_often_it_starts(config: ConsoleConfig) -> None:
    first = prepare_database(config, "a-good-password", 40)
    second = prepare_database(config, "a-good-password", 40)

    assert [user.username for user in first.users] == [
        "agent1",
        "agent2",
        "agent3",
        "reviewer1",
        "supervisor1",
        "admin",
    ]
    assert (first.added, second.added) == (40, 0)
    engine = open_engine(config.database)
    assert is_current(engine)
    with reading(engine) as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM users").scalar_one() == 6
    engine.dispose()


def test_the_menu_answers_on_its_own_number_and_what_somebody_saved_stays(config: ConsoleConfig) -> None:
    config = replace(config, lines=(LineSettings(name="trunk", peers=("127.0.0.1",)),))
    prepare_database(config, "a-good-password", 1)
    engine = open_engine(config.database)
    with transaction(engine) as conn:
        _, document = routing.get_version(conn, 1) or pytest.fail("no document was saved")
        settings = parse_routing(document, lines=["trunk"])
        routing.save(conn, {**document, "timezone": "Asia/Urumqi"}, 1, "admin")
    prepare_database(config, "a-good-password", 1)

    assert [entry.dialled for entry in settings.entries] == [MENU_LINE, ""]
    with reading(engine) as conn:
        assert routing.newest_version(conn) == 2
    engine.dispose()


def test_a_password_that_is_too_short_is_refused_before_anybody_gets_it(config: ConsoleConfig) -> None:
    with pytest.raises(UserError, match="password"):
        prepare_database(config, "short", 1)


def test_the_callers_are_of_every_kind() -> None:
    numbers = caller_numbers()

    assert "" in numbers
    assert any(number.startswith("1") for number in numbers)
    assert any(number.startswith("0") for number in numbers)
    assert len(set(numbers)) == len(numbers)
