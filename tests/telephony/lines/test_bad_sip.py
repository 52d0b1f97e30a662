"""Strangers, garbage and torture: refused or dropped, told at most once a second, and the line lives on."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from typing import Any

import pytest

from telephony.lines.line import EndedBy


async def alive(desk: Any, peer: Any) -> None:
    """The line still takes a call from end to end."""
    leg, _ = await desk.answered_call(peer)
    leg.send("BYE")
    assert (await desk.calls.end()).by is EndedBy.PEER


async def test_a_stranger_gets_403_and_is_reported_once_a_second_with_the_count(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        stranger = await desk.peer("127.0.0.2")
        for _ in range(15):
            stranger.call()
        answers = [await stranger.status(403) for _ in range(15)]
        assert all(answer.method == "INVITE" for answer in answers)
        source, number, detail = await desk.calls.next("refused")
        assert (source, number) == ("127.0.0.2", 1)
        assert "INVITE" in detail
        assert (await desk.calls.next("refused"))[:2] == ("127.0.0.2", 14)
        assert desk.calls.incoming == []
        await alive(desk, peer)


@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "BYE", "MESSAGE", "SUBSCRIBE"])
async def test_any_request_of_a_stranger_is_refused(open_desk: Any, leg_class: Any, method: str) -> None:
    async with open_desk() as (desk, _peer):
        stranger = await desk.peer("127.0.0.2")
        leg_class(stranger, "4001", "1").send(method)
        assert (await stranger.status(403)).method == method
        await desk.calls.next("refused")


async def test_a_stranger_who_floods_is_counted_and_not_answered_each_time(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        stranger = await desk.peer("127.0.0.2")
        for _ in range(200):
            stranger.call()
        await desk.calls.next("refused")
        _, number, _ = await desk.calls.next("refused")
        assert number > 150
        assert len(stranger.seen) <= 25
        await alive(desk, peer)


async def test_a_stranger_gets_no_answer_to_an_ack_or_to_noise(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, _peer):
        stranger = await desk.peer("127.0.0.2")
        leg_class(stranger, "4001", "1").send("ACK")
        stranger.send(b"\x00\x01 noise " * 20)
        assert "no SIP" in (await desk.calls.next("refused"))[2]
        await asyncio.sleep(0.05)
        assert stranger.seen == []


async def test_options_of_a_peer_is_answered_with_what_we_can_do(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, peer):
        leg_class(peer, "4001", "1").send("OPTIONS")
        answer = await peer.status(200)
        assert "INVITE" in answer["allow"]
        assert answer["accept"] == "application/sdp"


@pytest.mark.parametrize(("method", "status"), [("REGISTER", 405), ("MESSAGE", 405), ("BYE", 481), ("NOTIFY", 200)])
async def test_requests_of_a_peer_outside_a_call_are_answered(
    open_desk: Any, leg_class: Any, method: str, status: int
) -> None:
    async with open_desk() as (_desk, peer):
        leg_class(peer, "4001", "1").send(method)
        await peer.status(status, method=method)


async def test_an_invite_that_requires_an_extension_is_refused(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = leg_class(peer, "4001", "1")
        leg.invite(headers=("Require: 100rel",))
        assert (await leg.final(420))["unsupported"] == "100rel"
        leg.ack(refused=True)
        assert desk.calls.incoming == []


async def test_an_invite_with_a_body_that_is_no_sdp_is_refused(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, peer):
        leg = leg_class(peer, "4001", "1")
        leg.invite("hello", kind="text/plain")
        assert (await leg.final(415))["accept"] == "application/sdp"
        leg.ack(refused=True)


async def test_the_sdp_of_a_multipart_body_is_found(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = leg_class(peer, "4001", "1")
        parts = [
            "--edge\r\nContent-Type: application/xml\r\n\r\n<x/>\r\n",
            "--edge\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=x\r\n",
            "--edge--\r\n",
        ]
        leg.invite("".join(parts), kind='multipart/mixed; boundary="edge"')
        _, invite, _ = await desk.calls.next("incoming")
        assert invite.sdp == "v=0\r\ns=x\r\n"
        leg.cancel()
        await desk.calls.end()


BROKEN = {
    "no Contact": lambda text: "\r\n".join(line for line in text.split("\r\n") if not line.startswith("Contact")),
    "a bad Contact": lambda text: text.replace("Contact: <sip:", "Contact: <carrier-pigeon:"),
    "a star as Contact": lambda text: "\r\n".join(
        "Contact: *" if line.startswith("Contact") else line for line in text.split("\r\n")
    ),
    "a CSeq that is no number": lambda text: text.replace("CSeq: 1", "CSeq: one"),
    "a CSeq of another method": lambda text: text.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"),
    "a huge CSeq": lambda text: text.replace("CSeq: 1 ", "CSeq: 99999999999999999999 "),
    "a From without a URI": lambda text: text.replace("From: <sip:", "From: <<<"),
    "a body cut short": lambda text: text[:-60],
    "a Content-Length that is no number": lambda text: text.replace("Content-Length: ", "Content-Length: x"),
    "a negative Content-Length": lambda text: text.replace("Content-Length: ", "Content-Length: -"),
    "a Max-Forwards that is no number": lambda text: text.replace("Max-Forwards: 70", "Max-Forwards: many"),
    "a header without a colon": lambda text: text.replace("Max-Forwards: 70", "Max-Forwards 70"),
    "a bad Record-Route": lambda text: text.replace("Max-Forwards: 70", "Record-Route: ,,<\r\nMax-Forwards: 70"),
    "a Request-URI of another scheme": lambda text: text.replace("INVITE sip:", "INVITE gopher:"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_malformed_invite_is_answered_with_400_and_forgotten(
    open_desk: Any, leg_class: Any, fault: str
) -> None:
    async with open_desk() as (desk, peer):
        text = leg_class(peer, "4001", "1").build("INVITE", "v=0\r\n" + "a=x\r\n" * 30).decode()
        broken = BROKEN[fault](text)
        assert broken != text
        peer.send(broken)
        assert (await peer.receive()).status == 400
        assert desk.calls.incoming == []
        await alive(desk, peer)


@pytest.mark.parametrize("missing", ["Via", "From", "To", "Call-ID", "CSeq"])
async def test_a_request_that_cannot_be_answered_is_dropped(open_desk: Any, leg_class: Any, missing: str) -> None:
    async with open_desk() as (desk, peer):
        text = leg_class(peer, "4001", "1").build("INVITE", "").decode()
        peer.send("\r\n".join(line for line in text.split("\r\n") if not line.startswith(missing)))
        await alive(desk, peer)
        assert desk.calls.incoming[1:] == []


async def test_another_sip_version_is_refused_with_505(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, peer):
        peer.send(leg_class(peer, "4001", "1").build("INVITE", "").replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1))
        await peer.status(505)


async def test_an_oversized_datagram_is_refused_with_513(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        peer.send(leg_class(peer, "4001", "1").build("INVITE", "x" * 60_000))
        await peer.status(513)
        await alive(desk, peer)


async def test_folded_and_compact_headers_are_understood(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        host = f"127.0.0.1:{desk.driver.port}"
        peer.send(
            f"INVITE sip:4001@{host} SIP/2.0\r\nv: SIP/2.0/UDP {peer.here};branch=z9hG4bKfold\r\n"
            f"f: Caller\r\n\t<sip:138@{peer.here}>\r\n ;tag=fold\r\nt: <sip:4001@{host}>\r\ni: fold@peer\r\n"
            f"CSeq: 7\r\n  INVITE\r\nm: <sip:138@{peer.here}>\r\nl: 0\r\n\r\n"
        )
        dialog, invite, _ = await desk.calls.next("incoming")
        assert (invite.number, invite.display_name) == ("138", "Caller")
        dialog.reject(486)
        assert (await peer.status(486)).tag("from") == "fold"


async def test_random_noise_and_cut_messages_never_stop_the_line(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        dice = random.Random(7)
        noise = await desk.peer()
        invite = leg_class(noise, "4001", "1").build("INVITE", "v=0\r\nm=audio 1 RTP/AVP 8\r\n")
        response = b"SIP/2.0 200 OK\r\n" + invite.partition(b"\r\n")[2]
        for _ in range(150):
            noise.send(os.urandom(dice.randint(1, 1200)))
            base = dice.choice((invite, response))
            noise.send(base[: dice.randint(1, len(base) - 1)])
            spoiled = bytearray(base)
            for _ in range(dice.randint(1, 12)):
                spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
            noise.send(bytes(spoiled))
        for _ in range(100):  # until the last of it has been read
            heard = len(desk.calls.incoming)
            await asyncio.sleep(0.3)
            if len(desk.calls.incoming) == heard:
                break
        for dialog in [dialog for _, dialog, _ in desk.calls.incoming]:
            dialog.reject(486)  # a spoiled INVITE may still be a call
        desk.calls.reports = asyncio.Queue()
        noise.transport.close()
        noise.failures.clear()  # it echoes the noise's own headers
        await alive(desk, peer)


async def test_malformed_messages_are_logged_at_most_once_a_second(
    open_desk: Any, leg_class: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_desk() as (_desk, peer):
        with caplog.at_level(logging.WARNING, "telephony.lines"):
            for _ in range(50):
                peer.send(leg_class(peer, "4001", "1").build("INVITE", "").replace(b"CSeq: 1", b"CSeq: x"))
            for _ in range(50):
                await peer.status(400)
            assert 1 <= len([record for record in caplog.records if "malformed" in record.message]) <= 3


async def test_nothing_of_the_stack_reaches_stdout_or_a_log_file(
    open_desk: Any, leg_class: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    async with open_desk() as (desk, peer):
        for size in (40, 400):
            peer.send(os.urandom(size))
        peer.send(b"SIP/2.0 999 Odd\r\n" + leg_class(peer, "4001", "1").build("INVITE", "").partition(b"\r\n")[2])
        peer.send(leg_class(peer, "4001", "1").build("INVITE", "").replace(b"sip:1@127.0.0.1:", b"sip:1@127.0.0.1::"))
        await alive(desk, peer)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


async def test_logs_show_neither_numbers_nor_names_of_callers(open_desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "telephony.lines"):
        async with open_desk() as (desk, peer):
            leg, _ = await desk.answered_call(peer, caller="13912345678", display='"Zhang San" ')
            leg.send("BYE")
            await desk.calls.end()
            peer.send(leg.build("INVITE").replace(b'"Zhang San" <sip:', b'"Zhang San <<<'))
            await peer.status(400)
    assert "139****5678" in caplog.text
    assert "13912345678" not in caplog.text
    assert "Zhang" not in caplog.text
