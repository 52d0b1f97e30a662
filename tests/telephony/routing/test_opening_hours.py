"""Weekly hours, China's holidays and make-up workdays, exceptions, midnight and changes of the clocks."""

from __future__ import annotations

import datetime
import logging
import zoneinfo
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.routing.chinese_days import ChineseDay, ChineseDays
from telephony.routing.opening_hours import Change, OpeningHours
from telephony.routing.settings import Hours, parse_routing

SHANGHAI = "Asia/Shanghai"
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")


def hours(weekly: dict[str, Any], **more: Any) -> Hours:
    document = {"queues": [{"name": "a"}], "hours": [{"name": "h", "weekly": weekly, **more}]}
    return parse_routing(document).hours[0]


def at(text: str, zone: str = SHANGHAI) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp()


def office(**more: Any) -> OpeningHours:
    return OpeningHours(hours({day: [["08:00", "12:00"], ["13:30", "17:30"]] for day in WORKDAYS}, **more), SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23T07:59:59", False),
        ("2026-11-23T08:00", True),
        ("2026-11-23T11:59:59", True),
        ("2026-11-23T12:00", False),
        ("2026-11-23T13:30", True),
        ("2026-11-23T17:30", False),
        ("2026-11-22T10:00", False),
    ],
)
def test_weekly_hours_hold_from_their_start_to_before_their_end(moment: str, is_open: bool) -> None:
    assert office().is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "change"),
    [
        ("2026-11-23T07:00", ("2026-11-23T08:00", True)),
        ("2026-11-23T08:00", ("2026-11-23T12:00", False)),
        ("2026-11-23T12:30", ("2026-11-23T13:30", True)),
        ("2026-11-27T17:30", ("2026-11-30T08:00", True)),
    ],
)
def test_consoles_can_say_when_it_opens_or_closes_next(moment: str, change: tuple[str, bool]) -> None:
    assert office().next_change(at(moment)) == Change(at(change[0]), change[1])


def test_on_a_holiday_it_is_closed_and_on_a_make_up_workday_it_has_a_workdays_hours() -> None:
    desk = office(chinese_holidays=True)
    # the State Council's plan of 2026: Spring Festival from Sunday 15 to Monday 23 February, Saturdays 14 and 28 worked
    assert not desk.is_open(at("2026-02-17T10:00"))
    assert desk.is_open(at("2026-02-14T10:00"))
    assert not desk.is_open(at("2026-02-21T10:00"))
    assert desk.is_open(at("2026-02-24T10:00"))
    assert desk.is_open(at("2026-02-28T10:00"))
    assert desk.next_change(at("2026-02-14T18:00")) == Change(at("2026-02-24T08:00"), opens=True)
    assert office().is_open(at("2026-02-17T10:00"))


def test_an_exception_by_date_counts_more_than_holidays_and_weekdays() -> None:
    desk = office(
        chinese_holidays=True,
        exceptions=[
            {"date": "2026-02-17", "open": [["09:00", "10:00"]], "label": "值班"},
            {"date": "2026-02-14", "open": []},
        ],
    )
    assert desk.is_open(at("2026-02-17T09:30"))
    assert not desk.is_open(at("2026-02-17T10:30"))
    assert not desk.is_open(at("2026-02-14T09:30"))


def test_a_year_that_is_not_known_has_weekly_hours_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    days = ChineseDays()
    assert days.day(datetime.date(2026, 10, 1)) is ChineseDay.HOLIDAY
    with caplog.at_level(logging.WARNING):
        desk = OpeningHours(hours({"wed": [["08:00", "12:00"]]}, chinese_holidays=True), SHANGHAI, days)
        for _ in range(3):
            assert desk.is_open(at("2098-10-01T09:00"))
        assert not desk.is_open(at("2099-10-02T09:00"))
    warned = [record.getMessage() for record in caplog.records]
    assert [message for message in warned if "2098" in message] == [
        "China's holidays of 2098 are not known: weekly opening hours hold"
    ]
    assert len(warned) == 2


def test_a_range_over_midnight_belongs_to_the_day_it_starts_on() -> None:
    night = OpeningHours(
        hours({"fri": [["22:00", "06:00"]]}, exceptions=[{"date": "2026-11-28", "open": []}]), SHANGHAI
    )
    assert night.is_open(at("2026-11-27T23:00"))
    assert night.is_open(at("2026-11-28T05:59"))
    assert not night.is_open(at("2026-11-28T06:00"))
    assert not night.is_open(at("2026-11-27T05:00"))
    assert night.next_change(at("2026-11-28T01:00")) == Change(at("2026-11-28T06:00"), opens=False)


def test_hours_that_meet_at_midnight_are_one_stretch() -> None:
    desk = OpeningHours(hours({"mon": [["20:00", "24:00"]], "tue": [["00:00", "02:00"]]}), SHANGHAI)
    assert desk.next_change(at("2026-11-23T21:00")) == Change(at("2026-11-24T02:00"), opens=False)


def test_round_the_clock_never_changes() -> None:
    always = {day: [["00:00", "24:00"]] for day in (*WORKDAYS, "sat", "sun")}
    desk = OpeningHours(hours(always), SHANGHAI)
    assert desk.is_open(at("2026-11-23T00:00"))
    assert desk.next_change(at("2026-11-23T00:00")) is None
    assert OpeningHours(hours({}), SHANGHAI).next_change(at("2026-11-23T00:00")) is None


def test_when_the_clocks_change_local_time_counts() -> None:
    berlin = "Europe/Berlin"
    desk = OpeningHours(hours({"sun": [["01:00", "04:00"]]}), berlin)
    # 29 March 2026: 02:00 becomes 03:00, the stretch has two hours; 25 October: 03:00 becomes 02:00, it has four
    for day, length in (("2026-03-29", 2), ("2026-10-25", 4), ("2026-11-22", 3)):
        opens = at(f"{day}T01:00", berlin)
        assert desk.next_change(opens - 60) == Change(opens, opens=True)
        assert desk.next_change(opens) == Change(opens + length * 3600, opens=False)
    gap = OpeningHours(hours({"sun": [["02:15", "02:45"]]}), berlin)
    assert gap.next_change(at("2026-03-28T12:00", berlin)) is not None


_TIMES = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda hm: f"{hm[0]:02}:{hm[1]:02}")
_RANGES = st.lists(st.tuples(_TIMES, _TIMES).filter(lambda pair: pair[0] != pair[1]), max_size=2)
_WEEKS = st.fixed_dictionaries({}, optional=dict.fromkeys((*WORKDAYS, "sat", "sun"), _RANGES))
_ZONES = st.sampled_from([SHANGHAI, "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "UTC"])


@settings(deadline=None)
@given(week=_WEEKS, zone=_ZONES, moment=st.integers(1_577_836_800, 1_798_761_600), holidays=st.booleans())
def test_until_the_next_change_nothing_changes_and_then_it_does(
    week: dict[str, Any], zone: str, moment: int, holidays: bool
) -> None:
    desk = OpeningHours(hours(week, chinese_holidays=holidays), zone)
    change = desk.next_change(moment)
    now = desk.is_open(moment)
    if change is None:
        assert all(desk.is_open(moment + n * 3600) is now for n in range(7 * 24))
        return
    assert change.at > moment
    assert change.opens is not now
    assert desk.is_open(change.at) is change.opens
    assert desk.is_open(change.at - 0.001) is now
    for step in range(1, 20):
        assert desk.is_open(moment + (change.at - moment) * step / 20) is now
