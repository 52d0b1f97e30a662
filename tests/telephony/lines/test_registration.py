"""Registered lines of sippy beside each other and beside a trunk. What both drivers must do: tests/conformance."""

from __future__ import annotations

from typing import Any

from line_desk import Pbx, line_at

from telephony.lines.line import EndedBy
from telephony.settings import LineSettings


async def test_calls_come_in_on_the_line_that_registered_the_dialled_contact(desk_class: Any) -> None:
    desk = desk_class()
    pbx = await desk.peer(kind=Pbx)
    lines = [line_at(pbx, "sippy", user, f"line-{user}") for user in ("1001", "1002")]
    await desk.start(*lines, LineSettings("trunk", peers=("127.0.0.0/8",)))
    await pbx.until(lambda: len(pbx.bindings) == 2)
    for user in ("1002", "1001"):
        leg, _ = await desk.answered_call(pbx, user)
        assert desk.calls.incoming[-1][0].name == f"line-{user}"
        leg.send("BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER
    other = await desk.peer("127.0.0.4")
    other.call("1002")
    assert (await desk.calls.next("incoming"))[2].name == "trunk"
    await desk.close()


async def test_a_registrar_that_cannot_be_resolved_is_told_as_down(desk_class: Any) -> None:
    desk = desk_class()
    await desk.start(LineSettings("lost", mode="register", proxy="no-such-host.invalid", username="u", password="p"))
    await desk.calls.next("state")
    name, status, detail = await desk.calls.next("state")
    assert (name, status) == ("lost", "down")
    assert "no-such-host.invalid" in detail
    await desk.close()
