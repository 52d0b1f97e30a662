"""SIPp calls the pyVoIP line, many calls at a time, and what they left behind is forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from sipp_runs import Sipp

from telephony.lines.line import Dialog, EndedBy, Invite
from telephony.lines.sdp import make_answer

pytestmark = pytest.mark.peer


def rings_and_answers(dialog: Dialog, invite: Invite) -> None:
    dialog.ring()
    answer = make_answer(invite.sdp, "127.0.0.1", 40000)[0]
    asyncio.get_running_loop().call_later(0.02, dialog.answer, answer)


async def test_many_callers_at_a_time_end_each_call_in_their_way(open_desk: Any) -> None:
    async with open_desk() as (desk, _pbx):
        desk.calls.on_incoming = rings_and_answers
        await Sipp(desk.driver.port, 0).run("caller_hangs_up", "-r", "50", calls=30)
        desk.calls.on_incoming = lambda dialog, _invite: dialog.ring()
        await Sipp(desk.driver.port, 0).run("caller_cancels", "-r", "50", calls=20)
        for _ in range(50):
            await desk.calls.end()
        assert Counter((end.by, end.status) for end in desk.calls.ends) == {
            (EndedBy.PEER, 200): 30,
            (EndedBy.PEER, 487): 20,
        }
        async with asyncio.timeout(10):
            while desk.driver.remembered:  # noqa: ASYNC110 - forgetting is told to nobody
                await asyncio.sleep(0.1)
