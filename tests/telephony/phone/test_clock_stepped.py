"""The machine's clock is set an hour on or back in mid-call: nothing that the phone measures by notices."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from call_floor import CallFloor, call_floor

from telephony import events
from telephony.clock import SystemClock
from telephony.events import AgentStatus, Party

HOUR = 3600.0
CADENCE, WRAP_UP, WAIT, TALK = 0.4, 0.8, 1.5, 1.0
#: seconds by which something may be late on a busy machine
LATE = 0.35


class SteppingClock(SystemClock):
    """Its wall time is off by ``step`` seconds; what never steps goes on."""

    step = 0.0

    def wall(self) -> float:
        return super().wall() + self.step


def seconds(earlier: Any, later: Any) -> float:
    return float(later.monotonic - earlier.monotonic) / 1e9


async def rules(at: CallFloor, **values: float) -> None:
    await at.seam.command("rules.set", rules={name: {"value": value} for name, value in values.items()})


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_rings_holds_talk_wrap_up_and_waiting_go_on_as_if_nothing_had_happened(tmp_path: Path, step: float) -> None:
    clock = SteppingClock()

    async def body(at: CallFloor) -> None:
        await rules(at, ring_cadence=CADENCE, wrap_up_limit=WRAP_UP, wait_limit=WAIT)
        await at.agent("nurse")
        caller = await at.caller()
        await at.event(events.CallOffered, agent="nurse")
        clock.step = step
        rings = [await at.event(events.AgentRing, ring=ring) for ring in (1, 2, 3)]
        assert seconds(rings[0], rings[2]) == pytest.approx(2 * CADENCE, abs=LATE)
        assert rings[2].at - time.time() == pytest.approx(step, abs=5)
        call = await at.answered("nurse", caller)
        answered = await at.event(events.CallAnswered, call=call)
        assert 0 < answered.wait_seconds < 2 * CADENCE + 2 * LATE
        clock.step = 0.0
        await at.do("hold", "nurse", call)
        await at.event(events.CallHeld, call=call)
        await asyncio.sleep(TALK / 2)
        clock.step = step
        (shown,) = (await at.seam.command("snapshot"))["calls"]
        assert shown["held_seconds"] == pytest.approx(TALK / 2, abs=LATE)
        assert shown["talk_seconds"] == pytest.approx(TALK / 2, abs=LATE)
        await at.do("resume", "nurse", call)
        await asyncio.sleep(TALK / 2)
        caller.hang_up()
        ended = await at.event(events.CallEnded, call=call)
        assert ended.by is Party.CALLER
        assert ended.talk_seconds == pytest.approx(TALK, abs=LATE)
        assert ended.talk_seconds == pytest.approx(seconds(answered, ended), abs=0.05)
        wrapping = await at.event(events.AgentState, agent="nurse", status=AgentStatus.WRAP_UP)
        clock.step = -step
        await at.until(lambda: at.status("nurse") == AgentStatus.READY)
        ready = [one for one in at.events if isinstance(one, events.AgentState)][-1]
        assert ready.status == AgentStatus.READY
        assert seconds(wrapping, ready) == pytest.approx(WRAP_UP, abs=LATE)

    async def main() -> None:
        async with asyncio.timeout(30), call_floor(tmp_path, clock) as at:
            await body(at)

    asyncio.run(main())


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_caller_waits_as_long_as_the_rule_says_and_a_call_back_keeps_a_place(tmp_path: Path, step: float) -> None:
    clock = SteppingClock()

    async def body(at: CallFloor) -> None:
        await rules(at, ring_cadence=CADENCE, wait_limit=WAIT)
        caller = await at.caller()
        queued = await at.event(events.CallQueued)
        asked_at = clock.wall()
        clock.step = step
        placed = await at.seam.command(
            "callback.place", queue="default", number="13900001111", requested_in="earlier", waiting_since=asked_at,
        )  # fmt: skip
        shown = {one["call"]: one for one in (await at.seam.command("snapshot"))["calls"]}
        waiting = shown[placed["call"]]
        assert waiting["phase"] == "queued"
        # a wish of the hour to come has waited no time; one that an hour was added to is an hour old, not lost
        assert waiting["waiting_since"] == pytest.approx(max(0.0, step), abs=LATE)
        assert shown[queued.call]["waiting_since"] < LATE
        ended = await at.event(events.CallEnded, call=queued.call)
        assert (ended.by, ended.sip_status) == (Party.SYSTEM, 480)
        assert seconds(queued, ended) == pytest.approx(WAIT, abs=LATE)
        assert placed["call"] in at.phone.calls
        await at.seam.command("callback.cancel", call=placed["call"])
        assert caller.leg is not None

    async def main() -> None:
        async with asyncio.timeout(30), call_floor(tmp_path, clock) as at:
            await body(at)

    asyncio.run(main())
