"""The routing document: lines' entries, menus, queues, hours and prompts, as docs/routing.md has it.

``parse_routing`` makes one out of JSON-like maps; what it gives can be relied upon (``telephony.routing.checks``).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from telephony.routing.steps import NAME, NUMBER, Name, Priority, Step

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
#: what is read on a screen
Words = Annotated[str, msgspec.Meta(max_length=100)]
_DIGIT = r"^[0-9*#]\Z"
Digit = Annotated[str, msgspec.Meta(pattern=_DIGIT)]
_NO_DIGIT = r"^[0-9*#]?\Z"
_TIME = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z"
#: local time of day; 24:00 only as an end
TimeOfDay = Annotated[str, msgspec.Meta(pattern=_TIME)]
TimeRange = tuple[TimeOfDay, TimeOfDay]


class RoutingError(ValueError):
    """The document cannot be used; the message names the place: ``queues[2].overflow[0].to.queue: …``."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Label(_Part, frozen=True, kw_only=True):
    """What people call it."""

    zh: Words = ""
    en: Words = ""

    def __str__(self) -> str:
        return self.zh or self.en


class Entry(_Part, frozen=True, kw_only=True):
    """What a call meets first. ``line`` and ``dialled`` empty: any; the more specific entry holds, then the earlier."""

    to: Step
    line: str = ""
    dialled: str = ""
    #: name of opening hours; outside them ``closed`` instead of ``to``
    hours: str = ""
    closed: Step | None = None
    announce_recording: bool = False


class Choice(_Part, frozen=True, kw_only=True):
    digit: Digit
    to: Step
    label: Label = Label()


class Menu(_Part, frozen=True, kw_only=True):
    name: Name
    greeting: Name
    choices: tuple[Choice, ...]
    gave_up: Step
    label: Label = Label()
    #: the key that goes first, ahead of everybody who waits (D23)
    emergency: Annotated[str, msgspec.Meta(pattern=_NO_DIGIT)] = ""
    emergency_to: Step | None = None
    #: seconds after the greeting
    timeout: Annotated[float, msgspec.Meta(ge=1, le=60)] = 5.0
    retries: Annotated[int, msgspec.Meta(ge=0, le=9)] = 2
    #: prompt for a wrong key
    invalid: str = ""


class Strategy(StrEnum):
    """Whom of the free agents a call rings at."""

    LONGEST_IDLE = "longest_idle"
    ROUND_ROBIN = "round_robin"
    #: who has answered the fewest calls of the day
    FEWEST_CALLS = "fewest_calls"
    RING_ALL = "ring_all"
    #: highest level of the queue's skill, then longest idle
    SKILLS = "skills"


class Overflow(_Part, frozen=True, kw_only=True):
    """After so many seconds in the queue."""

    after: Annotated[float, msgspec.Meta(ge=1, le=86_400)]
    to: Step


class Queue(_Part, frozen=True, kw_only=True):
    name: Name
    label: Label = Label()
    strategy: Strategy = Strategy.LONGEST_IDLE
    priority: Priority = 0
    skill: str = ""
    last_agent_first: bool = False
    waiting: Literal["ringback", "music"] = "ringback"
    music: str = "hold-music"
    announce_position: bool = False
    announce_wait: bool = False
    announce_every: Annotated[float, msgspec.Meta(ge=5, le=3600)] = 30.0
    hours: str = ""
    closed: Step | None = None
    #: 0: no limit
    max_waiting: Count = 0
    full: Step | None = None
    overflow: tuple[Overflow, ...] = ()
    nobody_signed_in: Step | None = None
    #: 0: a call-back is not offered
    callback_offer_after: Seconds = 0.0
    #: agents who must stay when somebody wants a break (D106)
    minimum_staff: Count = 0


class HoursException(_Part, frozen=True, kw_only=True):
    """One day that is not like its weekday; no ranges: closed."""

    date: datetime.date
    open: tuple[TimeRange, ...] = ()
    label: Words = ""


class Week(_Part, frozen=True, kw_only=True):
    """When it is open on each day; no ranges: closed."""

    mon: tuple[TimeRange, ...] = ()
    tue: tuple[TimeRange, ...] = ()
    wed: tuple[TimeRange, ...] = ()
    thu: tuple[TimeRange, ...] = ()
    fri: tuple[TimeRange, ...] = ()
    sat: tuple[TimeRange, ...] = ()
    sun: tuple[TimeRange, ...] = ()

    def days(self) -> tuple[tuple[TimeRange, ...], ...]:
        """From Monday on, as ``datetime.date.weekday`` counts."""
        return self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun


class Hours(_Part, frozen=True, kw_only=True):
    """A range whose end is not after its start goes over midnight and belongs to the day it starts on."""

    name: Name
    weekly: Week
    label: Label = Label()
    #: closed on China's holidays, open on make-up workdays
    chinese_holidays: bool = False
    exceptions: tuple[HoursException, ...] = ()


class Prompt(_Part, frozen=True, kw_only=True):
    """``file`` is relative to the data folder."""

    name: Name
    file: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    label: Label = Label()
    seconds: Seconds = 0.0
    text: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Priorities(_Part, frozen=True, kw_only=True):
    """What a reason raises a call's priority to."""

    emergency: Priority = 100
    vip: Priority = 50
    elderly: Priority = 20
    third_ring: Priority = 10
    returned: Priority = 30
    callback: Priority = 0


class RoutingSettings(_Part, frozen=True, kw_only=True):
    """One version of the document. Has at least one queue; names are unique and references good (``parse_routing``)."""

    queues: Annotated[tuple[Queue, ...], msgspec.Meta(min_length=1, max_length=200)]
    version: Annotated[int, msgspec.Meta(ge=0)] = 0
    timezone: str = "Asia/Shanghai"
    entries: tuple[Entry, ...] = ()
    menus: Annotated[tuple[Menu, ...], msgspec.Meta(max_length=200)] = ()
    hours: tuple[Hours, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    priorities: Priorities = Priorities()

    def queue(self, name: str) -> Queue:
        """The queue of this name; the first one when there is none (any more)."""
        return next((queue for queue in self.queues if queue.name == name), self.queues[0])

    def menu(self, name: str) -> Menu | None:
        return next((menu for menu in self.menus if menu.name == name), None)

    def opening_hours(self, name: str) -> Hours | None:
        return next((hours for hours in self.hours if hours.name == name), None)

    def entry(self, line: str, dialled: str) -> Entry | None:
        """The entry that fits best: the number dialled counts more than the line."""
        fitting = [entry for entry in self.entries if entry.line in ("", line) and entry.dialled in ("", dialled)]
        return max(fitting, key=lambda entry: (bool(entry.dialled), bool(entry.line)), default=None)

    def minimum_staff(self) -> dict[str, int]:
        """Agents that must stay, by queue (D106)."""
        return {queue.name: queue.minimum_staff for queue in self.queues if queue.minimum_staff}

    def document(self) -> dict[str, Any]:
        """The document as JSON-like maps, every field filled in; ``parse_routing`` of it gives the same again."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made


def parse_routing(
    document: Mapping[str, Any], *, lines: Iterable[str] | None = None, sounds: Iterable[str] | None = None
) -> RoutingSettings:
    """Read a document. Raises RoutingError, which names the place, for anything that could not be carried out.

    ``lines``: names of the lines there are, to check entries against (None: not checked, as lines come and go with
    the configuration). ``sounds``: names of prompts that ship (None: what is in ``telephony/sounds/``).
    """
    from telephony.routing.checks import check, shipped_sounds

    try:
        settings = msgspec.convert(document, RoutingSettings)
    except msgspec.ValidationError as error:
        raise RoutingError(_placed(str(error))) from error
    check(settings, lines, shipped_sounds() if sounds is None else sounds)
    return settings


#: what people are told instead of a pattern
_MEANT = {
    _DIGIT: "one key: 0 to 9, * or #",
    _NO_DIGIT: "one key (0 to 9, * or #) or nothing",
    _TIME: "a time like 08:30",
    NAME: "a name without blanks around it or control characters",
    NUMBER: "a telephone number",
}


def _placed(message: str) -> str:
    """msgspec's message with the place in front: ``menus[0].timeout: expected …``."""
    text, _, place = message.rpartition(" - at `$")
    for pattern, meant in _MEANT.items():
        text = text.replace(f"`str` matching regex {pattern!r}", meant)
    if not text:
        return f"routing: {message[:1].lower()}{message[1:]}"
    return f"{place.rstrip('`').lstrip('.') or 'routing'}: {text[:1].lower()}{text[1:]}"
