"""The sippy line calls SIPp."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy

pytestmark = pytest.mark.peer


async def test_the_desk_dials_and_hangs_up(open_desk: Any) -> None:
    async with open_desk() as desk:
        sipp = await desk.start_sipp("callee_answers", calls=5, listens=True)
        desk.core.hang_up_after = 0.05
        for _ in range(5):
            desk.dial()
        await desk.core.all_ended(5)
        await desk.finished(sipp)
        assert {end.by for end in desk.core.ends} == {EndedBy.US}
        assert desk.core.reports.count(("progress", 180, False)) == 5
        assert desk.core.reports.count(("answered", "PCMA")) == 5


async def test_a_callee_answers_after_early_media_and_hangs_up(open_desk: Any) -> None:
    async with open_desk() as desk:
        sipp = await desk.start_sipp("callee_hangs_up", listens=True)
        desk.dial()
        await desk.core.all_ended(1)
        await desk.finished(sipp)
        assert desk.core.reports[0] == ("progress", 183, True)
        assert desk.core.ends == [DialogEnd(EndedBy.PEER, 200, "BYE")]


@pytest.mark.parametrize("status", [404, 480, 486, 503, 603])
async def test_every_refusal_is_told_apart(open_desk: Any, scenarios: Path, tmp_path: Path, status: int) -> None:
    scenario = tmp_path / "callee_refuses.xml"
    scenario.write_text((scenarios / scenario.name).read_text().replace("SIP/2.0 404", f"SIP/2.0 {status}"))
    async with open_desk() as desk:
        sipp = await desk.start_sipp(scenario, listens=True)
        desk.dial()
        await desk.core.all_ended(1)
        await desk.finished(sipp)
        assert desk.core.ends == [DialogEnd(EndedBy.PEER, status, "No")]


async def test_an_agent_gives_up_on_a_callee_who_never_answers(open_desk: Any) -> None:
    async with open_desk() as desk:
        sipp = await desk.start_sipp("callee_rings_for_ever", listens=True)
        dialog = desk.dial()
        async with asyncio.timeout(10):
            while ("progress", 180, False) not in desk.core.reports:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        dialog.hang_up()
        await desk.core.all_ended(1)
        await desk.finished(sipp)
        assert desk.core.ends == [DialogEnd(EndedBy.US, 487, "Cancelled")]


async def test_nobody_at_the_other_end_ends_the_call_at_once(open_desk: Any) -> None:
    async with open_desk(t1=0.02) as desk:
        desk.dial()
        await desk.core.all_ended(1)
        assert [(end.by, end.status) for end in desk.core.ends] == [(EndedBy.NETWORK, 503)]


@pytest.mark.parametrize(("password", "status"), [("geheim", 200), ("wrong", 403)])
async def test_sipp_checks_our_credentials(open_desk: Any, password: str, status: int) -> None:
    async with open_desk(username="desk", password=password) as desk:
        sipp = await desk.start_sipp("callee_challenges", listens=True)
        desk.core.hang_up_after = 0.05
        desk.dial()
        await desk.core.all_ended(1)
        await desk.finished(sipp)
        assert desk.core.ends[0].status == status
