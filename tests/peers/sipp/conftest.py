"""SIPp as caller and callee of the sippy line, on loopback, and a core that answers, refuses or dials as told."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import shutil
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from telephony.lines.line import Dialog, DialogEnd, Invite, Line
from telephony.lines.sdp import make_answer, make_offer, read_answer
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import LineSettings, PhoneSettings

SCENARIOS = Path(__file__).parent / "scenarios"
#: seconds that one SIPp run may take at most
PATIENCE = 45


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def bounded() -> None:
        await asyncio.wait_for(pyfuncitem.obj(**arguments), 60)

    asyncio.run(bounded())
    return True


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


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
        self.driver, self.core, self.line, self.proxy_port = driver, core, line, proxy_port

    def dial(self, number: str = "4001") -> Dialog:
        listener = CallOfCore(self.core)
        listener.dialog = self.line.dial(number, make_offer("127.0.0.1", 40000), listener)
        return listener.dialog

    async def sipp(
        self, scenario: str | Path, *options: str, host: str = "127.0.0.1", calls: int = 1, listens: bool = False
    ) -> None:
        """Run a scenario to its end; fails with SIPp's own words when any of its calls failed."""
        process = await self.start_sipp(scenario, *options, host=host, calls=calls, listens=listens)
        await self.finished(process)

    async def start_sipp(
        self, scenario: str | Path, *options: str, host: str = "127.0.0.1", calls: int = 1, listens: bool = False
    ) -> asyncio.subprocess.Process:
        port = self.proxy_port if listens else free_port(host)
        path = scenario if isinstance(scenario, Path) else SCENARIOS / f"{scenario}.xml"
        command = [
            "sipp", f"127.0.0.1:{self.driver.port}", "-sf", str(path), "-i", host,
            "-p", str(port), "-m", str(calls), "-nostdin", "-timeout", str(PATIENCE), "-timeout_error",
            "-trace_err", "-error_file", "/dev/stderr", "-s", "4001", "-max_retrans", "4", *options,
        ]  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        if listens:
            await self._listening(port, process)
        return process

    async def finished(self, process: asyncio.subprocess.Process) -> None:
        try:
            _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        assert process.returncode == 0, errors.decode(errors="replace")[-3000:]

    async def _listening(self, port: int, process: asyncio.subprocess.Process) -> None:
        """SIPp says nothing when it is ready: wait until its port is taken."""
        async with asyncio.timeout(PATIENCE):
            while process.returncode is None:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    try:
                        probe.bind(("127.0.0.1", port))
                    except OSError:
                        return
                await asyncio.sleep(0.02)


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
    assert shutil.which("sipp"), "the peer tests need SIPp: apt install sip-tester"
    return _desk


@pytest.fixture
def scenarios() -> Path:
    return SCENARIOS
