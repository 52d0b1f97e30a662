"""SIPp as caller and callee of the sippy line, on loopback, and a core that answers, refuses or dials as told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from coroutine_tests import pytest_pyfunc_call
from sipp_runs import PATIENCE, SCENARIOS, Sipp, free_port

from telephony.lines.line import Dialog, DialogEnd, Invite, Line
from telephony.lines.sdp import make_answer, make_offer, read_answer
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import LineSettings, PhoneSettings

__all__ = ["pytest_pyfunc_call"]


class EchoCore:
    """Answers each call with SDP (or refuses it, or lets it ring) and keeps what it is told."""

    def __init__(self) -> None:
        self.refuse_with = 0
        self.answers = True
        self.hang_up_after: float | None = None
        self.invites: list[Invite] = []
        self.refused: Counter[str] = Counter()
        self.states: list[tuple[str, str]] = []
        self.reports: list[tuple[Any, ...]] = []
        self.ends: list[DialogEnd] = []
        self.ended = asyncio.Condition()

    def line_incoming(self, _line: Line, dialog: Dialog, invite: Invite) -> None:
        self.invites.append(invite)
        dialog.listen(CallOfCore(self, dialog))
        if self.refuse_with:
            dialog.reject(self.refuse_with)
            return
        dialog.ring()
        if self.answers:
            answer = make_answer(invite.sdp, "127.0.0.1", 40000)[0]
            asyncio.get_running_loop().call_later(0.02, dialog.answer, answer)

    def line_state(self, line: Line, status: str, _detail: str) -> None:
        self.states.append((line.name, status))

    def line_refused(self, source: str, count: int, _detail: str) -> None:
        self.refused[source] += count

    async def all_ended(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE), self.ended:
            await self.ended.wait_for(lambda: len(self.ends) >= number)


class CallOfCore:
    def __init__(self, core: EchoCore, dialog: Dialog | None = None) -> None:
        self.core, self.dialog = core, dialog

    def _stands(self) -> None:
        if self.core.hang_up_after is not None and self.dialog is not None:
            asyncio.get_running_loop().call_later(self.core.hang_up_after, self.dialog.hang_up)

    def dialog_progress(self, status: int, sdp: str) -> None:
        self.core.reports.append(("progress", status, bool(sdp)))

    def dialog_answered(self, sdp: str) -> None:
        self.core.reports.append(("answered", read_answer(sdp).codec))
        self._stands()

    def dialog_confirmed(self, _sdp: str) -> None:
        self.core.reports.append(("confirmed",))
        self._stands()

    def dialog_reoffer(self, sdp: str) -> None:
        answer, negotiated = make_answer(sdp, "127.0.0.1", 40000)
        self.core.reports.append(("reoffer", negotiated.direction))
        assert self.dialog is not None
        self.dialog.accept_reoffer(answer)

    def dialog_reinvite_done(self, status: int, _sdp: str) -> None:
        self.core.reports.append(("reinvited", status))

    def dialog_digit(self, digit: str) -> None:
        self.core.reports.append(("digit", digit))

    def dialog_ended(self, end: DialogEnd) -> None:
        self.core.ends.append(end)
        asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        async with self.core.ended:
            self.core.ended.notify_all()


class Desk:
    def __init__(self, driver: SippyDriver, core: EchoCore, line: Line, proxy_port: int) -> None:
        self.driver, self.core, self.line = driver, core, line
        sipp = Sipp(driver.port, proxy_port)
        self.sipp, self.start_sipp, self.finished = sipp.run, sipp.start, sipp.finished

    def dial(self, number: str = "4001") -> Dialog:
        listener = CallOfCore(self.core)
        listener.dialog = self.line.dial(number, make_offer("127.0.0.1", 40000), listener)
        return listener.dialog


@asynccontextmanager
async def _desk(t1: float = 0.1, **line: Any) -> AsyncIterator[Desk]:
    core, port = EchoCore(), free_port()
    trunk = LineSettings("trunk", peers=("127.0.0.1",), proxy=f"127.0.0.1:{port}", **line)
    driver = SippyDriver(PhoneSettings(sip_host="127.0.0.1", sip_port=0, lines=(trunk,)), t1=t1)
    lines = await driver.start(core)
    try:
        yield Desk(driver, core, lines[0], port)
    finally:
        await driver.stop()


@pytest.fixture
def open_desk() -> Any:
    """``async with open_desk() as desk``; fails, with the package's name, where SIPp is not installed."""
    return _desk


@pytest.fixture
def scenarios() -> Path:
    return SCENARIOS
