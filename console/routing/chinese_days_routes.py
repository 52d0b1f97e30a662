"""China's holidays and make-up workdays of a year, for those who edit opening hours."""

from __future__ import annotations

from typing import Annotated

import msgspec

from console.http import ApiCall, Endpoints
from telephony.routing.chinese_days import special_days

routes = Endpoints("routing")


class YearQuery(msgspec.Struct):
    year: Annotated[int, msgspec.Meta(ge=2000, le=2100)]


class SpecialDayView(msgspec.Struct):
    """``workday``: a Saturday or Sunday that is worked; else a holiday. ``name``: the holiday that it is for."""

    date: str
    name: str
    workday: bool


class ChineseYear(msgspec.Struct):
    """``known``: is the year published? If not, weekly opening hours hold on all its days."""

    year: int
    known: bool
    days: list[SpecialDayView]


@routes.get("/api/routing/chinese-days", query=YearQuery, returns=ChineseYear, roles=("supervisor", "admin"))
async def chinese_days(call: ApiCall) -> ChineseYear:
    """The days of a year that are not like their weekday, in order."""
    days = special_days(call.query.year)
    zh = call.locale == "zh-CN"
    views = [SpecialDayView(one.date.isoformat(), one.zh if zh else one.en, one.workday) for one in days]
    return ChineseYear(call.query.year, bool(views), views)
