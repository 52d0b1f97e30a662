"""Two lines register at Kamailio and call each other through it, on one socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import Dialog, DialogEnd, EndedBy, Invite, Line
from telephony.lines.sdp import make_answer, make_offer
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import LineSettings, PhoneSettings

pytestmark = pytest.mark.peer


class Core:
    """Answers what comes in; keeps reports in one queue, told apart by side."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()

    def line_incoming(self, line: Line, dialog: Dialog, invite: Invite) -> None:
        self.reports.put_nowait(("incoming", line.name, invite.number, invite.dialled))
        dialog.listen(Side(self, "callee"))
        dialog.ring()
        dialog.answer(make_answer(invite.sdp, "127.0.0.1", 40000)[0])

    def line_state(self, line: Line, status: str, detail: str) -> None:
        self.reports.put_nowait(("state", line.name, status, detail))

    def line_refused(self, source: str, count: int, detail: str) -> None:
        self.reports.put_nowait(("refused", source, count, detail))

    async def next(self, *wanted: object) -> tuple[Any, ...]:
        """The next report that begins with ``wanted``; others are put aside."""
        aside = []
        async with asyncio.timeout(20):
            while True:
                report = await self.reports.get()
                if report[: len(wanted)] == wanted:
                    for other in aside:
                        self.reports.put_nowait(other)
                    return report
                aside.append(report)


class Side:
    def __init__(self, core: Core, name: str) -> None:
        self.core, self.name = core, name

    def __getattr__(self, report: str) -> Any:
        if not report.startswith("dialog_"):
            raise AttributeError(report)
        return lambda *arguments: self.core.reports.put_nowait((self.name, report, *arguments))


def settings(port: int, password: str = "geheim", users: tuple[str, ...] = ("1001", "1002")) -> PhoneSettings:
    lines = tuple(
        LineSettings(
            f"line-{user}",
            mode="register",
            proxy=f"127.0.0.1:{port}",
            domain="pbx.test",
            username=user,
            password=password,
            expires=60,
        )
        for user in users
    )
    return PhoneSettings(sip_host="127.0.0.1", sip_port=0, lines=lines)


@pytest.mark.parametrize(("algorithm", "qop"), [("MD5", False), ("MD5", True), ("SHA-256", True)])
async def test_lines_register_and_call_each_other_through_the_proxy(kamailio: Any, algorithm: str, qop: bool) -> None:
    async with kamailio(algorithm, qop) as port:
        core = Core()
        driver = SippyDriver(settings(port), t1=0.2)
        lines = await driver.start(core)
        try:
            for line in lines:
                await core.next("state", line.name, "up")
            for hangs_up in ("caller", "callee"):
                dialog = lines[0].dial("1002", make_offer("127.0.0.1", 41000), Side(core, "caller"))
                assert await core.next("incoming") == ("incoming", "line-1002", "1001", "1002")
                await core.next("caller", "dialog_progress", 180)
                await core.next("caller", "dialog_answered")
                await core.next("callee", "dialog_confirmed")
                if hangs_up == "caller":
                    dialog.hang_up()
                    assert await core.next("callee", "dialog_ended") == (
                        "callee",
                        "dialog_ended",
                        DialogEnd(EndedBy.PEER, 200, "BYE"),
                    )
                else:
                    dialog.reinvite(make_offer("127.0.0.1", 41000, version=2, direction="sendonly"))
                    await core.next("callee", "dialog_reoffer")
                    dialog.hang_up()
                await core.next("caller", "dialog_ended")
            unknown = Side(core, "caller")
            lines[1].dial("1999", make_offer("127.0.0.1", 41000), unknown)
            end = (await core.next("caller", "dialog_ended"))[2]
            assert (end.by, end.status) == (EndedBy.PEER, 404)
        finally:
            await driver.stop()


async def test_a_withdrawn_line_is_not_found_any_more(kamailio: Any) -> None:
    async with kamailio("MD5", True) as port:
        core = Core()
        both = SippyDriver(settings(port), t1=0.2)
        one = SippyDriver(settings(port, users=("1001",)), t1=0.2)
        for line in await both.start(core):
            await core.next("state", line.name, "up")
        await both.stop()
        await core.next("state", "line-1002", "stopped")
        lines = await one.start(core)
        try:
            await core.next("state", "line-1001", "up")
            lines[0].dial("1002", make_offer("127.0.0.1", 41000), Side(core, "caller"))
            assert (await core.next("caller", "dialog_ended"))[2].status == 404
        finally:
            await one.stop()


async def test_a_wrong_password_fails_the_line(kamailio: Any) -> None:
    async with kamailio("MD5", True) as port:
        core = Core()
        driver = SippyDriver(settings(port, "wrong"), t1=0.2)
        await driver.start(core)
        try:
            report = await core.next("state", "line-1001", "failed")
            assert report[3].startswith("401")
        finally:
            await driver.stop()
