"""Who calls when, against the product's own phone."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from console.demo.callers import schedule
from console.demo.callers.caller import Patience
from console.demo.callers.schedule import Callers, Pace
from telephony import events

Run = Callable[[Callable[[Any], Awaitable[None]]], None]

#: nobody is there to answer in these tests
IMPATIENT = Patience(ring_seconds=0.4, turn_seconds=0.2)


def callers(ward: Any, pace: Pace, numbers: list[str]) -> Callers:
    return Callers(ward.trunk, ward.ports, numbers, pace, IMPATIENT, random.Random(1))


def test_each_number_calls_in_turn_and_the_last_call_ends_it(ward: Run) -> None:
    async def body(ward: Any) -> None:
        numbers = ["13800000001", "", "057188001004"]

        await callers(ward, Pace(lines=1, every=0.2, first_after=0.0, calls=4), numbers).run()

        started = [event.number for event in ward.events if type(event) is events.CallStarted]
        assert [number for number in started if number.isdigit()] == ["13800000001", "057188001004", "13800000001"]
        assert len(started) == 4

    ward(body)


def test_the_opening_calls_come_close_together_and_then_the_line_rests(
    ward: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(ward: Any) -> None:
        monkeypatch.setattr(schedule, "OPENING_REST", 0.1)
        group = callers(ward, Pace(lines=2, every=600.0, first_after=0.0, opening=3), ["13800000001", "13800000002"])
        running = asyncio.create_task(group.run())
        for _ in range(200):
            if len(group.reports) == 3:
                break
            await asyncio.sleep(0.05)
        # were a fourth to come in the opening's pace, it would come now
        await asyncio.sleep(0.5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        assert sum(type(event) is events.CallStarted for event in ward.events) == 3

    ward(body)


def test_one_number_on_two_lines_is_busy_on_the_first_but_does_not_stop_the_second(ward: Run) -> None:
    async def body(ward: Any) -> None:
        await callers(ward, Pace(lines=2, every=0.1, first_after=0.0, calls=2), ["13800000001"]).run()

        assert sum(type(event) is events.CallStarted for event in ward.events) == 2

    ward(body)


def test_a_call_that_cannot_be_made_is_told_and_the_line_tries_the_next(
    ward: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(ward: Any) -> None:
        async def no_port() -> tuple[int, int]:
            raise RuntimeError("No available port pair in range")

        monkeypatch.setattr(ward.ports, "allocate", no_port)
        with caplog.at_level(logging.ERROR):
            await callers(ward, Pace(lines=1, every=0.05, first_after=0.0, calls=2), ["13800138000"]).run()

        said = [record.getMessage() for record in caplog.records if "could not call" in record.getMessage()]
        assert said == ["138****8000 could not call: No available port pair in range"] * 2

    ward(body)


def test_without_numbers_there_is_nobody_to_call() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        Callers(None, None, [], Pace(lines=1), IMPATIENT, random.Random(1))  # type: ignore[arg-type]
