"""China's statutory holidays and make-up workdays, as the State Council publishes them each year (chinesecalendar)."""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass
from enum import Enum, auto

import chinese_calendar
from chinese_calendar.constants import Holiday, holidays, workdays

log = logging.getLogger(__name__)


class ChineseDay(Enum):
    ORDINARY = auto()
    HOLIDAY = auto()
    #: a Saturday or Sunday that is worked for a holiday (调休)
    MAKE_UP_WORKDAY = auto()


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that is not like its weekday; ``zh`` and ``en`` name the holiday that it is, or is worked for."""

    date: datetime.date
    zh: str
    en: str
    workday: bool


def special_days(year: int) -> list[SpecialDay]:
    """Holidays and make-up workdays in their order; none for a year that is not known."""
    zh = {one.value: one.chinese for one in Holiday}
    found = [
        SpecialDay(date, zh.get(name, name), name, workday)
        for known, workday in ((holidays, False), (workdays, True))
        for date, name in known.items()
        if date.year == year
    ]
    return sorted(found, key=lambda one: one.date)


class ChineseDays:
    """Warns once for each year that is not published, or not known to the installed package, yet."""

    def __init__(self) -> None:
        self._unknown: set[int] = set()

    def day(self, date: datetime.date) -> ChineseDay:
        if date.year in self._unknown:
            return ChineseDay.ORDINARY
        try:
            holiday, name = chinese_calendar.get_holiday_detail(date)
        except NotImplementedError:
            self._unknown.add(date.year)
            log.warning("China's holidays of %d are not known: weekly opening hours hold", date.year)
            return ChineseDay.ORDINARY
        if name is None:
            return ChineseDay.ORDINARY
        return ChineseDay.HOLIDAY if holiday else ChineseDay.MAKE_UP_WORKDAY


CHINESE_DAYS = ChineseDays()
