"""SIPp calls the sippy line."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy

pytestmark = pytest.mark.peer


async def test_twenty_callers_are_answered_and_hang_up(open_desk: Any) -> None:
    async with open_desk() as desk:
        await desk.sipp("caller_hangs_up", "-r", "20", calls=20)
        await desk.core.all_ended(20)
        assert {invite.dialled for invite in desk.core.invites} == {"4001"}
        assert len({invite.number for invite in desk.core.invites}) == 20
        assert desk.core.ends == [DialogEnd(EndedBy.PEER, 200, "BYE")] * 20


async def test_the_desk_hangs_up_on_a_caller(open_desk: Any) -> None:
    async with open_desk() as desk:
        desk.core.hang_up_after = 0.05
        await desk.sipp("desk_hangs_up", calls=5)
        await desk.core.all_ended(5)
        assert {end.by for end in desk.core.ends} == {EndedBy.US}


async def test_a_caller_cancels_while_it_rings(open_desk: Any) -> None:
    async with open_desk() as desk:
        desk.core.answers = False
        await desk.sipp("caller_cancels", calls=5)
        await desk.core.all_ended(5)
        assert desk.core.ends == [DialogEnd(EndedBy.PEER, 487, "Cancelled")] * 5


async def test_a_caller_is_told_that_we_are_busy(open_desk: Any) -> None:
    async with open_desk() as desk:
        desk.core.refuse_with = 486
        await desk.sipp("caller_is_refused", calls=5)
        await desk.core.all_ended(5)
        assert {(end.by, end.status) for end in desk.core.ends} == {(EndedBy.US, 486)}


async def test_a_caller_holds_and_resumes(open_desk: Any) -> None:
    async with open_desk() as desk:
        await desk.sipp("caller_holds", calls=3)
        await desk.core.all_ended(3)
        assert desk.core.reports.count(("reoffer", "recvonly")) == 3
        assert desk.core.reports.count(("reoffer", "sendrecv")) == 3


async def test_a_lost_ack_ends_the_call_after_the_timeout(open_desk: Any) -> None:
    async with open_desk(t1=0.05) as desk:
        await desk.sipp("caller_never_acknowledges")
        await desk.core.all_ended(1)
        assert [(end.by, end.status) for end in desk.core.ends] == [(EndedBy.NETWORK, 408)]


async def test_options_keep_a_proxy_content(open_desk: Any) -> None:
    async with open_desk() as desk:
        await desk.sipp("options", calls=10)


async def test_strangers_are_refused_and_counted(open_desk: Any) -> None:
    async with open_desk() as desk:
        await desk.sipp("stranger", "-r", "10", host="127.0.0.2", calls=10)
        assert desk.core.invites == []
    assert desk.core.refused == {"127.0.0.2": 10}


async def test_a_line_with_a_lossy_network_still_completes_every_call(open_desk: Any) -> None:
    async with open_desk() as desk:
        # SIPp drops a tenth of what it sends and of what it receives
        await desk.sipp("caller_with_losses", "-r", "20", "-lost", "10", "-max_retrans", "10", calls=20)
        await desk.core.all_ended(20)
        assert {end.by for end in desk.core.ends} == {EndedBy.PEER}
