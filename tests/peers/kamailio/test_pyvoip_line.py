"""The pyVoIP line registers at Kamailio and calls, and is called by, a sippy line there: two stacks, one proxy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import Dialog, DialogEnd, EndedBy, Invite, Line
from telephony.lines.pyvoip_driver import PyVoipDriver
from telephony.lines.sdp import make_answer, make_offer
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import LineSettings, PhoneSettings

pytestmark = pytest.mark.peer
OFFER = make_offer("127.0.0.1", 41000)


class Core:
    """One side: answers, refuses or lets ring what comes in, and keeps every report."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self.refuse_with = 0
        self.answers = True
        self.dialog: Dialog

    def line_incoming(self, _line: Line, dialog: Dialog, invite: Invite) -> None:
        self.dialog = dialog
        dialog.listen(self)
        self.reports.put_nowait(("incoming", invite.number, invite.dialled))
        if self.refuse_with:
            dialog.reject(self.refuse_with)
            return
        dialog.ring()
        if self.answers:
            dialog.answer(make_answer(invite.sdp, "127.0.0.1", 40000)[0])

    def line_state(self, _line: Line, status: str, detail: str) -> None:
        self.reports.put_nowait(("state", status, detail))

    def line_refused(self, source: str, count: int, detail: str) -> None:
        self.reports.put_nowait(("refused", source, count, detail))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("dialog_"):
            raise AttributeError(name)
        return lambda *arguments: self.reports.put_nowait((name.removeprefix("dialog_"), *arguments))

    async def next(self, *wanted: object) -> tuple[Any, ...]:
        """The next report that begins with ``wanted``; others before it are dropped."""
        async with asyncio.timeout(20):
            while True:
                report = await self.reports.get()
                if report[: len(wanted)] == wanted:
                    return report


def settings(port: int, user: str, driver: str, password: str = "geheim") -> PhoneSettings:
    line = LineSettings(
        f"line-{user}", mode="register", driver=driver, proxy=f"127.0.0.1:{port}", domain="pbx.test",
        username=user, password=password, expires=60,
    )  # fmt: skip
    return PhoneSettings(sip_host="127.0.0.1", sip_port=0, lines=(line,))


@pytest.mark.parametrize(("algorithm", "qop"), [("MD5", False), ("SHA-256", True)])
async def test_calls_pass_both_ways_through_the_proxy_whoever_ends_them(
    kamailio: Any, algorithm: str, qop: bool
) -> None:
    async with kamailio(algorithm, qop) as port:
        desk, phone = Core(), Core()
        drivers = PyVoipDriver(settings(port, "1001", "pyvoip")), SippyDriver(settings(port, "1002", "sippy"))
        (desk_line,), (phone_line,) = [
            await driver.start(core) for driver, core in zip(drivers, (desk, phone), strict=True)
        ]
        try:
            await desk.next("state", "up")
            await phone.next("state", "up")
            for caller, line, callee, number, own in (
                (desk, desk_line, phone, "1002", "1001"),
                (phone, phone_line, desk, "1001", "1002"),
            ):
                for hangs_up in ("caller", "callee"):
                    dialog = line.dial(number, OFFER, caller)
                    assert await callee.next("incoming") == ("incoming", own, number)
                    await caller.next("progress", 180)
                    await caller.next("answered")
                    await callee.next("confirmed")
                    ends, other = (dialog, callee) if hangs_up == "caller" else (callee.dialog, caller)
                    ends.hang_up()
                    assert await other.next("ended") == ("ended", DialogEnd(EndedBy.PEER, 200, "BYE"))
                    await (caller if other is callee else callee).next("ended")
                callee.answers = False
                dialog = line.dial(number, OFFER, caller)
                await caller.next("progress", 180)
                dialog.hang_up()
                assert (await callee.next("ended"))[1].status == 487
                await caller.next("ended")
                callee.refuse_with = 486
                line.dial(number, OFFER, caller)
                assert (await caller.next("ended"))[1].status == 486
                await callee.next("ended")
            desk_line.dial("1999", OFFER, desk)
            assert (await desk.next("ended"))[1].status == 404
        finally:
            await asyncio.gather(*(driver.stop() for driver in drivers))


async def test_a_wrong_password_fails_the_line_and_a_withdrawn_one_is_not_found(kamailio: Any) -> None:
    async with kamailio("MD5", True) as port:
        core, phone = Core(), Core()
        wrong = PyVoipDriver(settings(port, "1001", "pyvoip", "wrong"))
        await wrong.start(core)
        assert (await core.next("state", "failed"))[2].startswith("401")
        await wrong.stop()
        desk = PyVoipDriver(settings(port, "1001", "pyvoip"))
        other = SippyDriver(settings(port, "1002", "sippy"))
        await desk.start(core)
        (line,) = await other.start(phone)
        try:
            await core.next("state", "up")
            await phone.next("state", "up")
            await desk.stop()
            line.dial("1001", OFFER, phone)
            assert (await phone.next("ended"))[1].status == 404
        finally:
            await other.stop()
