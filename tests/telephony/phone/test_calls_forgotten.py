"""A call that is over is gone from memory by itself: nothing of it waits for the garbage collector, which would hold up
the audio of the others while it frees many at a time."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from call_floor import CallFloor, call_floor

from telephony import events
from telephony.calls.line_party import LineParty
from telephony.calls.live_call import LiveCall
from telephony.lines.reporting_dialog import ReportingDialog
from telephony.media.room import Room
from telephony.media.rtp_leg import RtpLeg
from telephony.routing.attendant import Attendant

#: the SIP stack keeps a dialog that is over for 64 times this: 1.9 s
T1 = 0.03
OF_A_CALL = (LiveCall, LineParty, ReportingDialog, Room, RtpLeg, Attendant)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left() -> Counter[str]:
    return Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, OF_A_CALL))


@pytest.mark.usefixtures("no_collector")
def test_what_a_call_was_made_of_is_freed_without_a_collection(tmp_path: Path) -> None:
    async def conference(at: CallFloor) -> None:
        caller, doctor = await at.caller(), at.telephone("8001")
        call = await at.answered("agent1", caller)
        await at.do("hold", "agent1", call)
        await at.do("resume", "agent1", call)
        await at.do("consult", "agent1", call, target={"kind": "number", "number": "8001"})
        await at.event(events.PartyJoined, party=2)
        await at.do("merge", "agent1", call)
        await at.do("leave", "agent1", call)
        doctor.hang_up()
        await at.event(events.CallEnded, call=call)

    async def dialled(at: CallFloor, does: str | int) -> None:
        at.telephone("8002", does, hertz=1000.0)
        call = (await at.seam.command("call.dial", agent="agent2", number="8002"))["call"]
        if does == "answer":
            await at.event(events.CallAnswered, call=call)
            await at.do("hang_up", "agent2", call)
        await at.event(events.CallEnded, call=call)

    async def given_up(at: CallFloor) -> None:
        caller = await at.caller("13800138001", hertz=1000.0)
        started = await at.event(events.CallStarted, number="13800138001")
        caller.give_up()
        await at.event(events.CallEnded, call=started.call)

    async def main() -> None:
        async with asyncio.timeout(60), call_floor(tmp_path, sip_t1=T1) as at:
            await at.agent("agent1")
            await at.agent("agent2", ready=False)
            await conference(at)
            await given_up(at)
            await dialled(at, "answer")
            await at.seam.command("agent.ready", agent="agent2")
            await dialled(at, 486)
            try:
                await at.until(lambda: not left())
            except AssertionError:
                raise AssertionError(f"not freed by itself: {dict(left())}") from None

    asyncio.run(main())
