from __future__ import annotations

import time

import pytest
from sqlalchemy import Connection

from storage.dispositions import dispositions, find_disposition, list_dispositions
from storage.rules import DEFAULTS, RuleError, current, history, set_rule, value


def test_the_migration_seeds_every_rule_with_its_default(conn: Connection) -> None:
    found = current(conn)
    assert {name: (rule.value, rule.unit, rule.note) for name, rule in found.items()} == {
        name: (default.value, default.unit, default.note) for name, default in DEFAULTS.items()
    }
    assert {rule.version for rule in found.values()} == {1}
    assert (found["three_rings"].value, found["ring_cadence"].value, found["wrap_up_limit"].value) == (3, 5, 60)


def test_a_change_adds_a_version_and_the_old_one_stays(conn: Connection) -> None:
    rule = set_rule(conn, "three_rings", 4, "admin", "试行")
    assert (rule.version, rule.value, rule.changed_by, rule.note) == (2, 4.0, "admin", "试行")
    assert current(conn)["three_rings"] == rule
    assert value(conn, "three_rings") == 4
    assert [(one.version, one.value) for one in history(conn, "three_rings")] == [(2, 4), (1, 3)]
    assert current(conn, at=rule.valid_from - 1)["three_rings"].version == 1


def test_a_change_may_come_into_force_later(conn: Connection) -> None:
    tomorrow = time.time() + 86400
    set_rule(conn, "three_rings", 2, "admin", valid_from=tomorrow)
    assert value(conn, "three_rings") == current(conn)["three_rings"].value == 3
    assert current(conn, at=tomorrow + 1)["three_rings"].value == 2
    with pytest.raises(RuleError) as caught:
        set_rule(conn, "three_rings", 3, "admin")
    assert caught.value.code == "bad_value"


@pytest.mark.parametrize(
    ("code", "name", "wanted"),
    [
        *[("not_found", "nine_lives", 9.0), ("bad_value", "three_rings", 0.0), ("bad_value", "three_rings", 21.0)],
        *[("bad_value", "three_rings", float("nan")), ("bad_value", "wrap_up_limit", float("inf"))],
    ],
)
def test_a_senseless_rule_is_refused(conn: Connection, code: str, name: str, wanted: float) -> None:
    with pytest.raises(RuleError) as caught:
        set_rule(conn, name, wanted, "admin")
    assert caught.value.code == code
    assert len(history(conn, "three_rings")) == 1


def test_dispositions_are_seeded_in_both_languages_and_can_be_retired(conn: Connection) -> None:
    codes = [one.code for one in list_dispositions(conn)]
    assert {"answered", "transferred", "booked", "complaint", "callback_needed", "invalid", "not_reached"} <= set(codes)
    assert all(one.label_zh and one.label_en for one in list_dispositions(conn))
    conn.execute(dispositions.update().where(dispositions.c.code == "other").values(active=False))
    assert "other" not in [one.code for one in list_dispositions(conn)]
    assert "other" in [one.code for one in list_dispositions(conn, with_retired=True)]
    booked = find_disposition(conn, "booked")
    assert booked is not None
    assert booked.label_zh == "已预约"
    assert find_disposition(conn, "nothing") is None
