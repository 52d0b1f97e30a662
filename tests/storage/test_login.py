from __future__ import annotations

import statistics
import threading
import time

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import Connection, Engine, select

from storage import rules
from storage.database import reading, transaction
from storage.login import authenticate, login_attempts
from storage.sessions import (
    close_session,
    close_sessions_of,
    find_session,
    open_session,
    session_seen,
    sessions,
)
from storage.users import UserError, create_user, find_user, hash_password, list_users, update_user, users

NOW = 1_790_000_000.0


@pytest.fixture
def agent(engine: Engine) -> Engine:
    with transaction(engine) as conn:
        create_user(conn, "agent1", "correct horse", "agent", "坐席一")
    return engine


def test_the_right_password_logs_in_and_only_its_hash_is_kept(agent: Engine) -> None:
    result = authenticate(agent, " Agent1 ", "correct horse", now=NOW)
    assert result.outcome == "ok"
    assert result.user is not None
    assert (result.user.username, result.user.role, result.user.display_name) == ("agent1", "agent", "坐席一")
    with reading(agent) as conn:
        stored = conn.execute(select(users.c.password_hash)).scalar_one()
    assert stored.startswith("$argon2id$")
    assert "correct horse" not in stored


def test_wrong_passwords_are_slowed_then_locked_for_five_minutes(agent: Engine) -> None:
    delays = [authenticate(agent, "agent1", "wrong", now=NOW + n).delay_seconds for n in range(5)]
    assert delays == sorted(delays)
    assert delays[0] < delays[-1]
    locked = authenticate(agent, "agent1", "correct horse", now=NOW + 5)
    assert (locked.outcome, locked.user, locked.locked_until) == ("locked", None, NOW + 4 + 300)
    assert authenticate(agent, "agent1", "correct horse", now=NOW + 303).outcome == "locked"
    assert authenticate(agent, "agent1", "correct horse", now=NOW + 305).outcome == "ok"


def test_a_right_password_starts_the_count_anew(agent: Engine) -> None:
    for n in range(4):
        assert authenticate(agent, "agent1", "wrong", now=NOW + n).outcome == "wrong"
    assert authenticate(agent, "agent1", "correct horse", now=NOW + 4).outcome == "ok"
    for n in range(5, 9):
        assert authenticate(agent, "agent1", "wrong", now=NOW + n).outcome == "wrong"
    assert authenticate(agent, "agent1", "correct horse", now=NOW + 9).outcome == "ok"


def test_failures_older_than_the_window_do_not_count(agent: Engine) -> None:
    for n in range(4):
        authenticate(agent, "agent1", "wrong", now=NOW + n)
    authenticate(agent, "agent1", "wrong", now=NOW + 1000)
    assert authenticate(agent, "agent1", "correct horse", now=NOW + 1001).outcome == "ok"


def test_the_limits_are_rules(agent: Engine) -> None:
    with transaction(agent) as conn:
        rules.set_rule(conn, "login_failures", 1, "admin")
        rules.set_rule(conn, "login_lock", 10, "admin")
    authenticate(agent, "agent1", "wrong", now=NOW)
    assert authenticate(agent, "agent1", "correct horse", now=NOW + 9).outcome == "locked"
    assert authenticate(agent, "agent1", "correct horse", now=NOW + 10).outcome == "ok"


def test_passwords_are_hashed_at_the_cost_that_rfc_9106_recommends(costly_passwords: None) -> None:
    assert extract_parameters(hash_password("correct horse")) == RFC_9106_LOW_MEMORY


def test_an_unknown_user_is_treated_and_timed_like_a_known_one(costly_passwords: None, sqlite_engine: Engine) -> None:
    agent = sqlite_engine
    with transaction(agent) as conn:
        create_user(conn, "agent1", "correct horse", "agent")

    def seconds(username: str, n: int) -> float:
        # processor time: what the machine does besides must not decide the test
        start = time.process_time()
        assert authenticate(agent, username, "wrong", now=NOW + 1000 * n).outcome == "wrong"
        return time.process_time() - start

    seconds("nobody", 0)
    known = statistics.median(seconds("agent1", n) for n in range(1, 4))
    unknown = statistics.median(seconds("nobody", n) for n in range(1, 4))
    assert 0.4 < unknown / known < 2.5


def test_an_unknown_user_is_locked_like_a_known_one(sqlite_engine: Engine) -> None:
    agent = sqlite_engine
    for n in range(5):
        authenticate(agent, "ghost", "wrong", now=NOW + n)
    assert authenticate(agent, "ghost", "wrong", now=NOW + 5).outcome == "locked"


def test_guesses_made_at_the_same_time_all_count(agent: Engine) -> None:
    outcomes: list[str] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(authenticate(agent, "agent1", "wrong", now=NOW).outcome))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(outcomes) == ["locked"] * 7 + ["wrong"] * 5


@pytest.mark.parametrize("username", ["", "\x00", "\ud800", "a" * 10_000, "' OR 1=1 --", "坐席"])
@pytest.mark.parametrize("password", ["", "\ud800", "x" * 100_000])
def test_junk_is_only_a_wrong_login(sqlite_engine: Engine, username: str, password: str) -> None:
    assert authenticate(sqlite_engine, username, password, now=NOW).outcome == "wrong"
    with reading(sqlite_engine) as conn:
        assert len(conn.execute(select(login_attempts.c.username)).scalar_one()) <= 64


def test_an_inactive_user_cannot_log_in_and_loses_the_open_session(agent: Engine) -> None:
    with transaction(agent) as conn:
        token = open_session(conn, "agent1", "127.0.0.1", now=NOW)
        assert find_session(conn, token, now=NOW + 1) is not None
        update_user(conn, "agent1", active=False)
        assert find_session(conn, token, now=NOW + 1) is None
    assert authenticate(agent, "agent1", "correct horse", now=NOW).outcome == "wrong"


def test_a_session_is_found_by_its_token_until_it_expires_or_is_closed(agent: Engine) -> None:
    with transaction(agent) as conn:
        token = open_session(conn, "agent1", "10.0.0.9", seconds=100, now=NOW)
        other = open_session(conn, "agent1", "10.0.0.9", seconds=100, now=NOW)
        found = find_session(conn, token, now=NOW + 99)
        assert found is not None
        assert (found.user.username, found.address, found.expires_at) == ("agent1", "10.0.0.9", NOW + 100)
        assert find_session(conn, token, now=NOW + 100) is None
        assert token not in repr(conn.execute(select(sessions)).all())
        assert close_session(conn, token)
        assert not close_session(conn, token)
        assert find_session(conn, token, now=NOW) is None
        assert find_session(conn, other, now=NOW) is not None
        assert close_sessions_of(conn, "agent1") == 1
        assert find_session(conn, other, now=NOW) is None
        assert find_session(conn, "\ud800 junk", now=NOW) is None


def test_a_session_in_use_is_written_at_most_once_a_minute(agent: Engine) -> None:
    with transaction(agent) as conn:
        token = open_session(conn, "agent1", now=NOW)
        seen = []
        for later in (30, 61, 90, 130):
            session_seen(conn, token, now=NOW + later)
            found = find_session(conn, token, now=NOW + later)
            assert found is not None
            seen.append(found.last_seen_at - NOW)
    assert seen == [0, 61, 61, 130]


def test_expired_sessions_are_swept_when_one_is_opened(agent: Engine) -> None:
    with transaction(agent) as conn:
        open_session(conn, "agent1", seconds=10, now=NOW)
        open_session(conn, "agent1", seconds=10, now=NOW + 11)
        assert len(conn.execute(select(sessions)).all()) == 1


@pytest.mark.parametrize(
    ("code", "username", "password", "role"),
    [
        *[("bad_username", "", "long enough", "agent"), ("bad_username", "A B", "long enough", "agent")],
        *[("bad_username", "x" * 65, "long enough", "agent"), ("bad_username", "坐席", "long enough", "agent")],
        *[("bad_role", "bob", "long enough", "boss"), ("bad_password", "bob", "short", "agent")],
        *[("bad_password", "bob", "x" * 1025, "agent"), ("exists", "agent1", "long enough", "agent")],
    ],
)
def test_a_wrong_user_is_refused(agent: Engine, code: str, username: str, password: str, role: str) -> None:
    with transaction(agent) as conn, pytest.raises(UserError) as caught:
        create_user(conn, username, password, role)
    assert caught.value.code == code


def test_users_are_listed_and_changed(conn: Connection) -> None:
    create_user(conn, "reviewer1", "long enough", "reviewer")
    create_user(conn, "admin", "long enough", "admin", "管理员", "en")
    assert [user.username for user in list_users(conn)] == ["admin", "reviewer1"]
    assert [user.username for user in list_users(conn, "reviewer")] == ["reviewer1"]
    changed = update_user(conn, "reviewer1", display_name="质检员", locale="en", role="supervisor")
    assert changed == find_user(conn, "reviewer1")
    assert (changed.display_name, changed.locale, changed.role) == ("质检员", "en", "supervisor")
    for fields in ({"role": "boss"}, {"locale": "xx"}, {"password": "x"}):
        with pytest.raises(UserError):
            update_user(conn, "admin", **fields)  # type: ignore[arg-type]
    with pytest.raises(UserError):
        update_user(conn, "nobody", locale="en")
