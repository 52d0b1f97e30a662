"""When a line or a queue is open: weekly hours, China's holidays and make-up workdays, single days that differ."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

from telephony.routing.chinese_days import CHINESE_DAYS, ChineseDay, ChineseDays
from telephony.routing.settings import Hours, TimeRange

_ONE_DAY = datetime.timedelta(days=1)
#: how far ahead a change is looked for, in days: over a year, so that a single exception in it is found
_HORIZON = 400


@dataclass(frozen=True, slots=True)
class Change:
    """``at`` (Unix seconds): it opens or closes then."""

    at: float
    opens: bool


class OpeningHours:
    """Hours in a timezone. Times are Unix seconds. A range goes by the day that it starts on, also over midnight:
    the night before a holiday stays open to its end."""

    def __init__(self, hours: Hours, timezone: str, days: ChineseDays = CHINESE_DAYS) -> None:
        self._weekly = hours.weekly.days()
        self._exceptions = {exception.date: exception.open for exception in hours.exceptions}
        self._chinese = days if hours.chinese_holidays else None
        self._zone = zoneinfo.ZoneInfo(timezone)

    def is_open(self, at: float) -> bool:
        today = datetime.datetime.fromtimestamp(at, self._zone).date()
        spans = [*self._spans(today - _ONE_DAY), *self._spans(today)]
        return any(start <= at < end for start, end in spans)

    def next_change(self, at: float) -> Change | None:
        """When it opens or closes next; None if it does not within a year."""
        closes = at if self.is_open(at) else None
        for start, end in self._spans_from(at):
            if closes is None:
                if start > at:
                    return Change(start, opens=True)
            elif start <= closes:
                closes = max(closes, end)
            else:
                break
        if closes is None or closes >= at + (_HORIZON - 2) * 86_400:
            return None
        return Change(closes, opens=False)

    def _spans_from(self, at: float) -> Iterator[tuple[float, float]]:
        """Spans that end after ``at``, by their start."""
        first = datetime.datetime.fromtimestamp(at, self._zone).date() - _ONE_DAY
        for n in range(_HORIZON):
            for start, end in sorted(self._spans(first + n * _ONE_DAY)):
                if end > at:
                    yield start, end

    def _spans(self, date: datetime.date) -> Iterator[tuple[float, float]]:
        for start, end in self._ranges(date):
            opens = self._moment(date, start)
            closes = self._moment(date if end > start else date + _ONE_DAY, end)
            if closes > opens:
                yield opens, closes

    def _ranges(self, date: datetime.date) -> tuple[TimeRange, ...]:
        if date in self._exceptions:
            return self._exceptions[date]
        ordinary = self._weekly[date.weekday()]
        match self._chinese.day(date) if self._chinese else ChineseDay.ORDINARY:
            case ChineseDay.HOLIDAY:
                return ()
            case ChineseDay.MAKE_UP_WORKDAY:
                return next((ranges for ranges in self._weekly[:5] if ranges), ordinary)
            case _:
                return ordinary

    def _moment(self, date: datetime.date, time: str) -> float:
        """A time that the clocks skip in spring counts from before the change, one that comes twice is the first."""
        if time == "24:00":
            date, time = date + _ONE_DAY, "00:00"
        return datetime.datetime.combine(date, datetime.time.fromisoformat(time), self._zone).timestamp()
