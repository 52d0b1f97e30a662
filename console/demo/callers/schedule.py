"""Who calls when: as many telephone lines as asked for, each resting a while between two calls."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiortp.port_allocator import PortAllocator

from console.demo.callers.caller import CallReport, Patience, call
from console.demo.callers.clip import BadClipError
from console.demo.callers.conversation import INBOUND
from console.demo.callers.trunk import Trunk
from console.demo.numbers import HOTLINE, MENU_LINE

log = logging.getLogger("sansheng.patients")

#: the share of calls that go through the menu, and the keys pressed there
MENU_SHARE = 0.3
ENQUIRIES, COMPLAINTS = "1", "2"


#: while the opening lasts: a line's mean rest, and how long a caller waits for the desk to speak (seconds)
OPENING_REST = 3.0
OPENING_TURN = 3.0


@dataclass(frozen=True, slots=True)
class Pace:
    """``every``: mean seconds that a line rests (0.6 to 1.4 of it). ``calls``: stop after so many; 0: never.

    ``opening``: so many calls come first one right after the other, so that an empty log fills soon.
    """

    lines: int
    every: float = 60.0
    first_after: float = 5.0
    calls: int = 0
    opening: int = 0


class Callers:
    """Lives until cancelled, or until ``pace.calls`` calls are over. ``reports`` keeps the last hundred."""

    def __init__(
        self,
        trunk: Trunk,
        ports: PortAllocator,
        numbers: Sequence[str],
        pace: Pace,
        patience: Patience,
        chance: random.Random,
    ) -> None:
        if not numbers:
            raise ValueError("no numbers to call from")
        self._trunk, self._ports, self._pace, self._patience, self._chance = trunk, ports, pace, patience, chance
        self._numbers, self._different = itertools.cycle(numbers), len(set(numbers))
        self._busy: set[str] = set()
        self._placed = 0
        self._opening_left = pace.opening
        self.reports: list[CallReport] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for line in range(self._pace.lines):
                group.create_task(self._line(line))

    async def _line(self, line: int) -> None:
        opening = self._claim_opening()
        # the first line soon, the others spread over one rest
        spread = OPENING_REST if opening else self._pace.every / max(1, self._pace.lines)
        wait = self._pace.first_after + line * spread
        while not self._pace.calls or self._placed < self._pace.calls:
            await asyncio.sleep(wait)
            if self._pace.calls and self._placed >= self._pace.calls:
                return
            self._placed += 1
            turn = min(OPENING_TURN, self._patience.turn_seconds) if opening else self._patience.turn_seconds
            by_menu = not opening and self._chance.random() < MENU_SHARE
            await self._one_call(replace(self._patience, turn_seconds=turn), by_menu)
            opening = self._claim_opening()
            wait = (OPENING_REST if opening else self._pace.every) * self._chance.uniform(0.6, 1.4)

    def _claim_opening(self) -> bool:
        """Whether the line's next call is one of the opening."""
        self._opening_left -= 1
        return self._opening_left >= 0

    async def _one_call(self, patience: Patience, by_menu: bool) -> None:
        number = self._next_number()
        conversation = self._chance.choice(INBOUND)
        dialled = MENU_LINE if by_menu else HOTLINE
        key = (COMPLAINTS if conversation.topic == "complaint" else ENQUIRIES) if by_menu else ""
        self._busy.add(number)
        log.info("%s calls (%s)", masked(number), conversation.topic)
        try:
            report = await call(self._trunk, self._ports, number, dialled, conversation, patience, self._chance, key)
        except (OSError, RuntimeError, BadClipError) as problem:
            # one call that cannot be made (no port free, a clip is gone) does not silence the other lines
            log.error("%s could not call: %s", masked(number), problem)
            return
        finally:
            self._busy.discard(number)
        self.reports = [*self.reports[-99:], report]
        if report.hung_up_by:
            log.info("%s talked for %.0f s; %s hung up first", masked(number), report.seconds, report.hung_up_by)
        elif report.status == 487:
            log.info("%s gave up waiting", masked(number))
        else:
            log.info("%s was not put through: %d", masked(number), report.status)

    def _next_number(self) -> str:
        """The next number that is not on the phone already; with more lines than numbers, any."""
        for number in self._numbers:
            if number not in self._busy or len(self._busy) >= self._different:
                return number
        raise AssertionError("an endless cycle ended")


def masked(number: str) -> str:
    """138****5678; short and withheld numbers as they are."""
    if not number:
        return "anonymous"
    return f"{number[:3]}****{number[-4:]}" if len(number) > 7 else number
