"""Routing of a house where nobody has edited anything yet."""

from __future__ import annotations

from collections.abc import Iterable

from telephony.routing.settings import Choice, Entry, Hours, Label, Menu, Queue, RoutingSettings, TimeRange, Week
from telephony.routing.steps import ToMessage, ToQueue
from telephony.settings import LineSettings

_DAY: tuple[TimeRange, ...] = (("08:00", "17:30"),)


def default_routing(lines: Iterable[LineSettings]) -> RoutingSettings:
    """Each line rings at its queue, with 180 and no announcement. The main menu (D2) with its emergency key (D23) and
    the day's hours are there to be chosen."""
    known = list(lines)
    names = list(dict.fromkeys(line.queue for line in known)) or ["default"]
    queues = [Queue(name=name, label=_GENERAL if name == "default" else Label(zh=name, en=name)) for name in names]
    branches = [("1", "enquiries", _ENQUIRIES), ("2", "complaints", _COMPLAINTS)]
    queues += [Queue(name=name, label=label) for _, name, label in branches if name not in names]
    menu = Menu(
        name="main",
        label=Label(zh="总机", en="Main"),
        greeting="menu-main",
        choices=tuple(Choice(digit=digit, label=label, to=ToQueue(queue=name)) for digit, name, label in branches),
        emergency="0",
        emergency_to=ToQueue(queue=names[0]),
        invalid="menu-invalid",
        gave_up=ToQueue(queue=names[0]),
    )
    hours = Hours(
        name="day",
        label=Label(zh="日班", en="Day"),
        weekly=Week(mon=_DAY, tue=_DAY, wed=_DAY, thu=_DAY, fri=_DAY),
        chinese_holidays=True,
    )
    return RoutingSettings(
        entries=tuple(
            Entry(line=line.name, to=ToQueue(queue=line.queue), closed=ToMessage(prompt="closed")) for line in known
        ),
        menus=(menu,),
        queues=tuple(queues),
        hours=(hours,),
    )


_GENERAL = Label(zh="综合", en="General")
_ENQUIRIES = Label(zh="业务咨询", en="Enquiries")
_COMPLAINTS = Label(zh="投诉建议", en="Complaints")

DEFAULT_ROUTING = default_routing(())
