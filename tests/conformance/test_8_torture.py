"""Torture messages after RFC 4475."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest
from torture_messages import INVALID, VALID, Torture

behaviour = pytest.mark.behaviour


class Wire(asyncio.DatagramProtocol):
    """A peer that judges nothing: answers repeat what is broken in a request. Keeps the final statuses."""

    def __init__(self) -> None:
        self.finals: set[object] = set()

    def datagram_received(self, data: bytes, addr: object) -> None:
        found = re.match(rb"SIP/2\.0 ([2-6]\d\d) ", data)
        assert found or data.startswith(b"SIP/2.0 1"), data[:80]
        if found:
            self.finals.add(int(found.group(1)))


async def outcome(desk: Any, pbx: Any, message: Torture) -> set[object]:
    """What the message led to, while another call stands; a call that came of it is refused."""
    loop = asyncio.get_running_loop()
    transport, wire = await loop.create_datagram_endpoint(Wire, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")[:2]
    standing, _ = await desk.answered_call(pbx)
    here = f"{host}:{port}"
    transport.sendto(message.datagram(f"127.0.0.1:{desk.driver.port}", here), ("127.0.0.1", desk.driver.port))
    standing.send("OPTIONS")  # read after it, so that silence is known by then
    await pbx.status(200, method="OPTIONS")
    await asyncio.sleep(desk.t1 / 2)
    led = set(wire.finals)
    for _, dialog, _ in desk.calls.incoming[1:]:
        led.add("call")
        dialog.reject(486)
        await desk.calls.end()
    transport.close()
    standing.send("BYE")
    assert (await desk.calls.end()).by == "peer", "another call is not disturbed"
    return led or {"silence"}


def names(messages: tuple[Torture, ...]) -> dict[str, Any]:
    return {"argvalues": messages, "ids": [f"{message.section} {message.about}" for message in messages]}


@behaviour("RFC 4475 §3.1.1, §3.3, §3.4")
@pytest.mark.parametrize("message", **names(VALID))
async def test_valid_messages_of_any_oddity_are_taken(
    open_desk: Any, message: Torture, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_desk() as (desk, pbx):
        led = await outcome(desk, pbx, message)
        assert led <= message.leads_to, f"{led} for {message.about}"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@behaviour("RFC 4475 §3.1.2, §3.2, §3.3")
@pytest.mark.parametrize("message", **names(INVALID))
async def test_invalid_messages_are_refused_or_dropped_and_disturb_no_call(
    open_desk: Any, message: Torture, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_desk() as (desk, pbx):
        led = await outcome(desk, pbx, message)
        assert led <= message.leads_to, f"{led} for {message.about}"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@behaviour("RFC 4475 §3.1.1.12, §3.1.1.13")
@pytest.mark.parametrize(
    "phrase",
    ["", "= 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e \u0434\u0435\u0432\u044f\u043d\u043e\u0441\u0442\u043e"],
)
async def test_a_response_with_an_odd_reason_counts(open_desk: Any, phrase: str) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        pbx.respond(invite, 183, phrase)
        assert (await desk.calls.next("progress"))[0] == 183
        pbx.respond(invite, 486, phrase)
        end = await desk.calls.end()
        assert end.status == 486
        assert not phrase or end.reason == phrase


@behaviour("RFC 4475 §3.1.2.5, §3.1.2.19, §3.3.10")
@pytest.mark.parametrize(
    "change",
    {
        "a status that is too great": (b"SIP/2.0 200 OK", b"SIP/2.0 4294967301 better not break the receiver"),
        "a CSeq that is too great": (b"CSeq: 1 ", b"CSeq: 36893488147419103232 "),
        "a Via of somebody else": (b"Via: SIP/2.0/UDP 127.0.0.1", b"Via: SIP/2.0/UDP 255.255.255.255"),
        "no Via": (b"Via:", b"X-Via:"),
        "no CSeq": (b"CSeq:", b"X-CSeq:"),
    }.items(),
    ids=lambda change: change[0],
)
async def test_a_response_that_makes_no_sense_is_dropped(
    open_desk: Any, change: tuple[str, tuple[bytes, bytes]]
) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        what, (old, new) = change
        text = (
            f"SIP/2.0 200 OK\r\nVia: {invite['via']}\r\nFrom: {invite['from']}\r\nTo: {invite['to']};tag=x\r\n"
            f"Call-ID: {invite['call-id']}\r\nCSeq: {invite['cseq']}\r\nContact: <sip:x@{pbx.here}>\r\n"
            "Retry-After: 949302838503028349304023988\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        spoiled = text.replace(old, new)
        if what == "a CSeq that is too great":
            spoiled = text.replace(f"CSeq: {invite['cseq'].split()[0]} ".encode(), new)
        assert spoiled != text
        pbx.send(spoiled)
        pbx.respond(invite, 486, "Busy Here")
        assert (await desk.calls.end()).status == 486
