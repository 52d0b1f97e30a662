"""What a routing document must hold beside its shape: unique names, references that lead somewhere, no loops."""

from __future__ import annotations

import difflib
import zoneinfo
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from telephony.routing.settings import Hours, RoutingError, RoutingSettings, Strategy, Week
from telephony.routing.spoken import MADE
from telephony.routing.steps import Step, ToCallback, ToMenu, ToMessage, ToNumber, ToQueue, ToVoicemail

_SOUNDS = Path(__file__).parent.parent / "sounds"


@cache
def shipped_sounds() -> frozenset[str]:
    """Names of the prompts that ship with the product."""
    return frozenset(path.stem for path in _SOUNDS.glob("*.wav"))


def check(settings: RoutingSettings, lines: Iterable[str] | None, sounds: Iterable[str]) -> None:
    """Raises RoutingError at the first thing that cannot be carried out."""
    _timezone(settings)
    for what in ("menus", "queues", "hours", "prompts"):
        _unique(what, [part.name for part in getattr(settings, what)])
    known = _Known(settings, None if lines is None else set(lines), sounds)
    _entries(settings, known)
    _menus(settings, known)
    _queues(settings, known)
    for i, hours in enumerate(settings.hours):
        _hours(f"hours[{i}]", hours)
    for i, prompt in enumerate(settings.prompts):
        file = PurePosixPath(prompt.file)
        if file.is_absolute() or ".." in file.parts or "\\" in prompt.file or "\0" in prompt.file:
            raise RoutingError(f"prompts[{i}].file: must be a path inside the data folder")
    _no_loops(settings)


class _Known:
    """The names there are. Each check raises RoutingError for one that is not among them."""

    def __init__(self, settings: RoutingSettings, lines: set[str] | None, sounds: Iterable[str]) -> None:
        self._names = {
            "queue": [queue.name for queue in settings.queues],
            "menu": [menu.name for menu in settings.menus],
            "opening hours": [hours.name for hours in settings.hours],
            "prompt": [*(prompt.name for prompt in settings.prompts), *sounds, *MADE],
        }
        if lines is not None:
            self._names["line"] = sorted(lines)

    def check(self, place: str, what: str, name: str) -> None:
        names = self._names.get(what)
        if names is None or name in names:
            return
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f'; is "{near[0]}" meant?' if near else ""
        raise RoutingError(f'{place}: there is no {what} "{name}"{hint}')

    def step(self, place: str, step: Step | None) -> None:
        match step:
            case ToQueue(queue=name) | ToCallback(queue=name):
                self.check(f"{place}.queue", "queue", name)
            case ToMenu(menu=name):
                self.check(f"{place}.menu", "menu", name)
            case ToNumber(line=name) if name:
                self.check(f"{place}.line", "line", name)
            case ToMessage(prompt=name):
                self.check(f"{place}.prompt", "prompt", name)
            case ToVoicemail(queue=name, prompt=prompt):
                self.check(f"{place}.queue", "queue", name)
                if prompt:
                    self.check(f"{place}.prompt", "prompt", prompt)

    def hours(self, place: str, name: str, closed: Step | None) -> None:
        self.step(f"{place}.closed", closed)
        if not name:
            return
        self.check(f"{place}.hours", "opening hours", name)
        if closed is None:
            raise RoutingError(f"{place}.closed: there are opening hours, but no step for when it is closed")


def _timezone(settings: RoutingSettings) -> None:
    try:
        zoneinfo.ZoneInfo(settings.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RoutingError(f'timezone: there is no timezone "{settings.timezone}"') from error


def _unique(place: str, names: list[str]) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise RoutingError(f'{place}[{i}].name: "{name}" is there twice')


def _entries(settings: RoutingSettings, known: _Known) -> None:
    seen: set[tuple[str, str]] = set()
    for i, entry in enumerate(settings.entries):
        place = f"entries[{i}]"
        if entry.line:
            known.check(f"{place}.line", "line", entry.line)
        if (entry.line, entry.dialled) in seen:
            raise RoutingError(f"{place}: another entry is for the same line and number already")
        seen.add((entry.line, entry.dialled))
        known.step(f"{place}.to", entry.to)
        known.hours(place, entry.hours, entry.closed)


def _menus(settings: RoutingSettings, known: _Known) -> None:
    for i, menu in enumerate(settings.menus):
        place = f"menus[{i}]"
        if not menu.choices:
            raise RoutingError(f"{place}.choices: a menu needs at least one choice")
        known.check(f"{place}.greeting", "prompt", menu.greeting)
        if menu.invalid:
            known.check(f"{place}.invalid", "prompt", menu.invalid)
        digits = Counter(choice.digit for choice in menu.choices)
        for j, choice in enumerate(menu.choices):
            if digits[choice.digit] > 1:
                raise RoutingError(f"{place}.choices[{j}].digit: {choice.digit} is there twice")
            if choice.digit == menu.emergency:
                raise RoutingError(f"{place}.choices[{j}].digit: {choice.digit} is the emergency key")
            known.step(f"{place}.choices[{j}].to", choice.to)
        if bool(menu.emergency) != (menu.emergency_to is not None):
            raise RoutingError(f"{place}.emergency_to: an emergency key and its step belong together")
        known.step(f"{place}.emergency_to", menu.emergency_to)
        known.step(f"{place}.gave_up", menu.gave_up)


def _queues(settings: RoutingSettings, known: _Known) -> None:
    for i, queue in enumerate(settings.queues):
        place = f"queues[{i}]"
        known.hours(place, queue.hours, queue.closed)
        known.step(f"{place}.full", queue.full)
        if queue.max_waiting and queue.full is None:
            raise RoutingError(f"{place}.full: there is a limit of callers, but no step for when it is reached")
        known.step(f"{place}.nobody_signed_in", queue.nobody_signed_in)
        if queue.waiting == "music":
            known.check(f"{place}.music", "prompt", queue.music)
        if queue.strategy is Strategy.SKILLS and not queue.skill:
            raise RoutingError(f'{place}.skill: the strategy "skills" needs a skill')
        last = 0.0
        for j, overflow in enumerate(queue.overflow):
            if overflow.after <= last:
                raise RoutingError(f"{place}.overflow[{j}].after: must be later than the one before")
            last = overflow.after
            known.step(f"{place}.overflow[{j}].to", overflow.to)


def _hours(place: str, hours: Hours) -> None:
    for day, ranges in zip(Week.__struct_fields__, hours.weekly.days(), strict=True):
        _ranges(f"{place}.weekly.{day}", ranges)
    days = [exception.date for exception in hours.exceptions]
    for i, exception in enumerate(hours.exceptions):
        if exception.date in days[:i]:
            raise RoutingError(f"{place}.exceptions[{i}].date: {exception.date} is there twice")
        _ranges(f"{place}.exceptions[{i}].open", exception.open)


def _ranges(place: str, ranges: tuple[tuple[str, str], ...]) -> None:
    for i, (start, end) in enumerate(ranges):
        if start == "24:00":
            raise RoutingError(f"{place}[{i}]: 24:00 can only be an end")
        if start == end:
            raise RoutingError(f"{place}[{i}]: starts and ends at {start}; the whole day is 00:00 to 24:00")


def _no_loops(settings: RoutingSettings) -> None:
    """A caller who does nothing must not go round in circles: steps that happen by themselves form no loop."""
    leads = {(place.split(".")[0], step): place for place, step in _unasked(settings)}
    where = {("queue", queue.name): f"queues[{i}]" for i, queue in enumerate(settings.queues)}
    where |= {("menu", menu.name): f"menus[{i}]" for i, menu in enumerate(settings.menus)}
    nexts: dict[str, list[tuple[str, str]]] = {}
    for (source, step), place in leads.items():
        match step:
            case ToQueue(queue=name):
                nexts.setdefault(source, []).append((where["queue", name], place))
            case ToMenu(menu=name):
                nexts.setdefault(source, []).append((where["menu", name], place))
    done: set[str] = set()
    for start in nexts:
        _walk(start, nexts, [], done)


def _unasked(settings: RoutingSettings) -> Iterator[tuple[str, Step]]:
    for i, menu in enumerate(settings.menus):
        yield f"menus[{i}].gave_up", menu.gave_up
    for i, queue in enumerate(settings.queues):
        for name in ("closed", "full", "nobody_signed_in"):
            step = getattr(queue, name)
            if step is not None:
                yield f"queues[{i}].{name}", step
        for j, overflow in enumerate(queue.overflow):
            yield f"queues[{i}].overflow[{j}].to", overflow.to


def _walk(at: str, nexts: dict[str, list[tuple[str, str]]], path: list[str], done: set[str]) -> None:
    if at in done:
        return
    for follower, place in nexts.get(at, ()):
        if follower == at or follower in path:
            raise RoutingError(f"{place}: a caller who does nothing would go round in circles, back to {follower}")
        _walk(follower, nexts, [*path, at], done)
    done.add(at)
