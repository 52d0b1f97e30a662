"""Strangers, garbage and broken messages: refused or dropped, told at most once a second, and the line lives on."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import pytest

from telephony.lines.line import EndedBy


async def alive(desk: Any, pbx: Any) -> None:
    """The line still takes a call from end to end."""
    leg, _ = await desk.answered_call(pbx)
    leg.send("BYE")
    assert (await desk.calls.end()).by is EndedBy.PEER


async def test_only_the_pbx_may_call(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        stranger = await desk.peer("127.0.0.2")
        for method in ("INVITE", "OPTIONS", "REGISTER", "BYE", "MESSAGE"):
            leg_class(stranger, "1001", "1").send(method)
            await stranger.status(403, method=method)
        assert (await desk.calls.next("refused"))[:2] == ("127.0.0.2", 1)
        for _ in range(200):
            stranger.call()
        assert (await desk.calls.next("refused"))[1] > 150
        assert len(stranger.seen) <= 25
        assert desk.calls.incoming == []
        await alive(desk, pbx)


async def test_requests_of_the_pbx_outside_a_call_are_answered(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, pbx):
        leg_class(pbx, "1001", "1").send("OPTIONS")
        answer = await pbx.status(200, method="OPTIONS")
        assert "INVITE" in answer["allow"]
        assert answer["accept"] == "application/sdp"
        for method, status in (("REGISTER", 405), ("MESSAGE", 405), ("BYE", 481), ("NOTIFY", 200)):
            leg_class(pbx, "1001", "1").send(method)
            await pbx.status(status, method=method)


async def test_an_invite_that_requires_an_extension_or_brings_no_sdp_is_refused(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
        leg.invite(headers=("Require: 100rel",))
        assert (await leg.final(420))["unsupported"] == "100rel"
        leg.ack(refused=True)
        leg = leg_class(pbx, "1001", "1")
        leg.invite("hello", kind="text/plain")
        assert (await leg.final(415))["accept"] == "application/sdp"
        leg.ack(refused=True)
        assert desk.calls.incoming == []


BROKEN = {
    "no Call-ID": lambda text: text.replace("Call-ID:", "X-Call:"),
    "no Contact": lambda text: text.replace("Contact:", "X-Contact:"),
    "two Contacts": lambda text: text.replace("Contact: <", "Contact: <sip:a@b>, <"),
    "a CSeq of another method": lambda text: text.replace("1 INVITE", "1 BYE"),
    "a CSeq that is too great": lambda text: text.replace("1 INVITE", "4294967296 INVITE"),
    "a CSeq that is no number": lambda text: text.replace("CSeq: 1", "CSeq: one"),
    "a From without a tag": lambda text: text.replace(";tag=", ";gat="),
    "a From that is no address": lambda text: text.replace("From: <sip:", "From: <<nobody"),
    "a header without a colon": lambda text: text.replace("Max-Forwards: 70", "Max-Forwards 70"),
    "a bad Record-Route": lambda text: text.replace("Max-Forwards: 70", "Record-Route: ,,<\r\nMax-Forwards: 70"),
    "a Request-URI of another scheme": lambda text: text.replace("INVITE sip:", "INVITE gopher:"),
    "a negative Content-Length": lambda text: text.replace("Content-Length: ", "Content-Length: -"),
    "a Content-Length beyond the end": lambda text: text.replace("Content-Length: ", "Content-Length: 9"),
    "an endless header": lambda text: text.replace("Max-Forwards: 70", "Max-Forwards: 70\r\nX: " + "<" * 5_000),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_malformed_invite_reaches_nobody_and_the_line_lives_on(
    open_desk: Any, leg_class: Any, fault: str
) -> None:
    async with open_desk() as (desk, pbx):
        whole = leg_class(pbx, "1001", "1").build("INVITE", "v=0\r\n").decode()
        broken = BROKEN[fault](whole)
        assert broken != whole
        pbx.send(broken)
        if fault not in ("no Call-ID",):  # without it there is nothing to answer to (RFC 3261 §8.2.6.2)
            await pbx.came()
            pbx.failures.clear()  # the answer repeats what was wrong with the request
            assert all(message.status == 400 for message in pbx.drain())
        assert desk.calls.incoming == []
        await alive(desk, pbx)


async def test_another_sip_version_gets_505(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, pbx):
        pbx.send(leg_class(pbx, "1001", "1").build("OPTIONS").replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1))
        await pbx.status(505)


async def test_garbage_and_mutilated_messages_leave_the_line_alive(
    open_desk: Any, leg_class: Any, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(7)
    async with open_desk() as (desk, pbx):
        stranger = await desk.peer("127.0.0.2")
        desk.dial()
        invite = await pbx.request("INVITE")
        samples = [
            leg_class(stranger, "1001", "1").build("INVITE", "v=0\r\n"),
            f"SIP/2.0 180 Ringing\r\nVia: {invite['via']}\r\nFrom: {invite['from']}\r\nTo: {invite['to']};tag=x\r\n"
            f"Call-ID: {invite['call-id']}\r\nCSeq: {invite['cseq']}\r\nContent-Length: 0\r\n\r\n".encode(),
        ]
        for size in (0, 1, 40, 400, 9000, 60_000):
            stranger.send(chance.randbytes(size))
        stranger.send(b"SIP/2.0 999 Odd\r\n\r\n")
        stranger.send(b"INVITE sip:1001@desk SIP/2.0\r\n\r\n")
        for number in range(150):
            octets = bytearray(samples[number % 2])
            for _ in range(chance.randrange(1, 6)):
                octets[chance.randrange(len(octets))] = chance.randrange(256)
            stranger.send(bytes(octets[: chance.randrange(20, len(octets) + 1)]))
            await asyncio.sleep(0)  # no faster than the desk reads
        pbx.respond(invite, 486, "Busy Here")
        assert (await desk.calls.end()).status == 486
        stranger.failures.clear()  # answers repeat what was mutilated
        await alive(desk, pbx)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_nothing_of_a_caller_reaches_the_logs_or_the_console(
    open_desk: Any, leg_class: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with open_desk() as (desk, pbx):
            leg, _ = await desk.answered_call(pbx, caller="13912345678", display='"Zhang San" ')
            leg.send("BYE")
            await desk.calls.end()
            bad = leg_class(pbx, "1001", "13912345678").build("INVITE").replace(b"CSeq: 1", b"CSeq: 13912345678")
            pbx.send(bad)
            await pbx.status(400)
    captured = capfd.readouterr()
    for text in (caplog.text, captured.out, captured.err):
        assert "13912345678" not in text
        assert "Zhang" not in text
        assert "geheim" not in text


async def test_compact_and_folded_headers_are_read(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "13800001234")
        leg.branch = "z9hG4bK-compact"
        text = leg.build("INVITE", "v=0\r\n", branch=leg.branch).decode()
        for long, short in (("Via", "v"), ("From", "f"), ("To", "t"), ("Call-ID", "i"), ("Contact", "m")):
            text = text.replace(f"\r\n{long}: ", f"\r\n{short} :\r\n  ")
        text = text.replace("Content-Length", "l").replace("Content-Type", "c")
        pbx.send(text)
        dialog, invite, _ = await desk.calls.next("incoming")
        assert (invite.number, invite.sdp) == ("13800001234", "v=0\r\n")
        dialog.reject(486)
        await leg.final(486)
        leg.ack(refused=True)
