"""Messages of every shape, outside and inside of calls."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import pytest

behaviour = pytest.mark.behaviour
SDP = "v=0\r\n" + "a=x\r\n" * 30


@behaviour("RFC 3261 §11.2")
async def test_options_outside_a_call_tells_what_we_can_do(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, pbx):
        leg_class(pbx, "1001", "1").send("OPTIONS")
        answer = await pbx.status(200)
        assert "INVITE" in answer["allow"]
        assert answer["accept"] == "application/sdp"


@behaviour("RFC 3261 §8.2.1")
@pytest.mark.parametrize(
    ("method", "status"),
    [("REGISTER", 405), ("MESSAGE", 405), ("SUBSCRIBE", 405), ("PUBLISH", 405), ("FLY", 405), ("NOTIFY", 200)]
    + [(method, 481) for method in ("BYE", "INFO", "UPDATE", "PRACK")],
)
async def test_other_methods_outside_a_call_are_answered(
    open_desk: Any, leg_class: Any, method: str, status: int
) -> None:
    async with open_desk() as (_desk, pbx):
        leg_class(pbx, "1001", "1").send(method)
        answer = await pbx.status(status, method=method)
        assert status != 405 or ("INVITE" in answer["allow"] and method not in answer["allow"])


@behaviour("RFC 3261 §8.2.2.3, RFC 3262")
@pytest.mark.parametrize("extension", ["100rel", "timer", "flying, 100rel"])
async def test_a_call_that_requires_an_extension_is_refused_with_420(
    open_desk: Any, leg_class: Any, extension: str
) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "4")
        leg.invite(headers=(f"Require: {extension}",))
        assert (await leg.final(420))["unsupported"] == extension
        leg.ack(refused=True)
        assert desk.calls.incoming == []


@behaviour("RFC 3261 §8.2.3")
async def test_a_body_that_is_no_sdp_is_refused_with_415(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
        leg.invite("hello", kind="text/plain")
        assert (await leg.final(415))["accept"] == "application/sdp"
        leg.ack(refused=True)
        assert desk.calls.incoming == []


@behaviour("RFC 5621 §3")
async def test_the_sdp_of_a_multipart_body_is_found(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
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


@behaviour("RFC 3261 §20.1")
async def test_a_caller_that_takes_no_sdp_is_refused_with_406(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
        leg.invite(headers=("Accept: text/nobodyKnowsThis",))
        await leg.final(406)
        leg.ack(refused=True)
        assert desk.calls.incoming == []
        for accepted in ("application/sdp;level=1, text/plain", "application/*", "*/*;q=0.1"):
            leg = leg_class(pbx, "1001", "1")
            leg.invite(headers=(f"Accept: {accepted}",))
            dialog, *_ = await desk.calls.next("incoming")
            dialog.reject(486)
            await leg.final(486)
            leg.ack(refused=True)


@behaviour("RFC 3261 §7.3.3")
async def test_compact_and_folded_headers_in_any_case_are_read(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        for change in (str, str.upper, str.lower):
            leg = leg_class(pbx, "1001", "13800001234", display="Caller ")
            leg.branch = f"z9hG4bK-compact-{change.__name__}"
            text = leg.build("INVITE", "v=0\r\n", branch=leg.branch).decode()
            for long, short in (("Via", "v"), ("From", "f"), ("To", "t"), ("Call-ID", "i"), ("Contact", "m")):
                text = text.replace(f"\r\n{long}: ", f"\r\n{change(short)} :\r\n\t  ")
            text = text.replace("CSeq: 1 INVITE", f"{change('CSeq')}: 1\r\n   INVITE")
            pbx.send(text.replace("Content-Length", change("l")).replace("Content-Type", change("c")))
            dialog, invite, _ = await desk.calls.next("incoming")
            assert (invite.number, invite.display_name, invite.sdp) == ("13800001234", "Caller", "v=0\r\n")
            dialog.reject(486)
            await leg.final(486)
            leg.ack(refused=True)


@behaviour("RFC 3261 §7.3.1")
async def test_unknown_headers_reach_the_core(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
        leg.invite(headers=("X-Patient-Of:  ward 7 ", "Alert-Info: <http://x/y>;info=a,b", "Empty:"))
        dialog, invite, _ = await desk.calls.next("incoming")
        assert invite.headers["x-patient-of"] == "ward 7"
        assert invite.headers["alert-info"] == "<http://x/y>;info=a,b"
        assert invite.headers["empty"] == ""
        dialog.reject(486)
        await leg.final(486)
        leg.ack(refused=True)


@behaviour("RFC 3261 §7, §25.1")
@pytest.mark.parametrize(
    ("written", "read"),
    [('"张三" '.encode(), "张三"), ("王 ".encode("gb18030"), "王"), (b'"\xff\xfe" ', None)],
)
async def test_names_that_are_no_ascii_come_through(
    open_desk: Any, leg_class: Any, written: bytes, read: str | None
) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "8613800001234")
        leg.branch = "z9hG4bKname"
        pbx.send(leg.build("INVITE", branch=leg.branch).replace(b"From: <", b"From: " + written + b"<", 1))
        dialog, invite, _ = await desk.calls.next("incoming")
        assert invite.number == "8613800001234"
        assert read is None or invite.display_name == read
        dialog.reject(486)
        assert written.strip() in (await leg.final(486))["from"].encode("utf-8", "surrogateescape")
        leg.ack(refused=True)


BROKEN = {
    "no Contact": lambda text: text.replace("Contact:", "X-Contact:"),
    "two Contacts": lambda text: text.replace("Contact: <", "Contact: <sip:a@b>, <"),
    "a Contact of another scheme": lambda text: text.replace("Contact: <sip:", "Contact: <carrier-pigeon:"),
    "a star as Contact": lambda text: "\r\n".join(
        "Contact: *" if line.startswith("Contact") else line for line in text.split("\r\n")
    ),
    "a CSeq that is no number": lambda text: text.replace("CSeq: 1", "CSeq: one"),
    "a CSeq of another method": lambda text: text.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"),
    "a CSeq that is too great": lambda text: text.replace("CSeq: 1 ", "CSeq: 4294967296 "),
    "a huge CSeq": lambda text: text.replace("CSeq: 1 ", "CSeq: 99999999999999999999 "),
    "a From that is no address": lambda text: text.replace("From: <sip:", "From: <<nobody"),
    "two From": lambda text: text.replace("From: <", "From: <sip:x@y>;tag=1\r\nFrom: <"),
    "two Content-Lengths": lambda text: text.replace("Content-Length: ", "Content-Length: 5\r\nContent-Length: "),
    "a body cut short": lambda text: text[:-60],
    "a Content-Length that is no number": lambda text: text.replace("Content-Length: ", "Content-Length: x"),
    "a negative Content-Length": lambda text: text.replace("Content-Length: ", "Content-Length: -"),
    "a Content-Length beyond the end": lambda text: text.replace("Content-Length: ", "Content-Length: 9"),
    "a Max-Forwards that is no number": lambda text: text.replace("Max-Forwards: 70", "Max-Forwards: many"),
    "a header without a colon": lambda text: text.replace("Max-Forwards: 70", "Max-Forwards 70"),
    "a bad Record-Route": lambda text: text.replace("Max-Forwards: 70", "Record-Route: ,,<\r\nMax-Forwards: 70"),
}


@behaviour("RFC 3261 §16.3, §21.4.1")
@pytest.mark.parametrize("fault", BROKEN)
async def test_a_malformed_invite_is_answered_with_400_and_forgotten(
    open_desk: Any, leg_class: Any, fault: str
) -> None:
    async with open_desk() as (desk, pbx):
        whole = leg_class(pbx, "1001", "1").build("INVITE", SDP).decode()
        broken = BROKEN[fault](whole)
        assert broken != whole
        pbx.send(broken)
        await pbx.came()
        # the answer repeats what was wrong with the request
        pbx.failures.clear()
        assert {message.status for message in pbx.drain()} <= {400}
        assert desk.calls.incoming == []
        await desk.alive(pbx)


@behaviour("RFC 3261 §8.2.6.2")
@pytest.mark.parametrize("missing", ["Via", "From", "To", "Call-ID", "CSeq"])
async def test_a_request_that_cannot_be_answered_is_dropped(open_desk: Any, leg_class: Any, missing: str) -> None:
    async with open_desk() as (desk, pbx):
        text = leg_class(pbx, "1001", "1").build("INVITE", "").decode()
        pbx.send("\r\n".join(line for line in text.split("\r\n") if not line.startswith(missing)))
        await desk.alive(pbx)
        assert len(desk.calls.incoming) == 1


@behaviour("RFC 3261 §21.5.6")
async def test_another_version_of_sip_is_refused_with_505(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, pbx):
        pbx.send(leg_class(pbx, "1001", "1").build("OPTIONS").replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1))
        await pbx.status(505)


@behaviour("RFC 3261 §8.2.2.1")
@pytest.mark.parametrize("uri", ["gopher:4001@desk", "nobodyKnows:totally-opaque", "soap.beep://192.0.2.103:3002"])
async def test_a_request_uri_of_another_scheme_is_refused_with_416(open_desk: Any, leg_class: Any, uri: str) -> None:
    async with open_desk() as (desk, pbx):
        for method in ("OPTIONS", "INVITE"):
            leg_class(pbx, "1001", "1", target=uri).send(method)
            await pbx.status(416, method=method)
        assert desk.calls.incoming == []


@behaviour("RFC 3261 §21.5.7")
@pytest.mark.parametrize("size", [40_000, 65_000])
async def test_an_oversized_request_is_refused_with_513(open_desk: Any, leg_class: Any, size: int) -> None:
    async with open_desk() as (desk, pbx):
        pbx.send(leg_class(pbx, "1001", "1").build("INVITE", "x" * size))
        await pbx.status(513)
        await desk.alive(pbx)
        assert len(desk.calls.incoming) == 1


@behaviour("RFC 3261 §18.3")
async def test_octets_beyond_the_content_length_are_left_out(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
        leg.branch = "z9hG4bKlong"
        other = leg_class(pbx, "1001", "2").build("INVITE", "")
        pbx.send(leg.build("INVITE", "v=0\r\n", branch=leg.branch) + other)
        dialog, invite, _ = await desk.calls.next("incoming")
        assert invite.sdp == "v=0\r\n"
        dialog.reject(486)
        await leg.final(486)
        leg.ack(refused=True)
        await asyncio.sleep(desk.t1)
        assert len(desk.calls.incoming) == 1


@behaviour("RFC 3261 §18.3")
async def test_without_a_content_length_the_body_goes_to_the_end_of_the_datagram(
    open_desk: Any, leg_class: Any
) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
        leg.branch = "z9hG4bKnolength"
        text = leg.build("INVITE", "v=0\r\ns=x\r\n", branch=leg.branch).decode()
        pbx.send("\r\n".join(line for line in text.split("\r\n") if not line.startswith("Content-Length")))
        dialog, invite, _ = await desk.calls.next("incoming")
        assert invite.sdp == "v=0\r\ns=x\r\n"
        dialog.reject(486)
        await leg.final(486)
        leg.ack(refused=True)


@behaviour("RFC 5626 §3.5.1")
async def test_a_keep_alive_gets_no_answer_and_no_report(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        for alive in (b"\r\n\r\n", b"\r\n", b"\0\0\0\0"):
            pbx.send(alive)
        await asyncio.sleep(desk.t1)
        assert pbx.seen == []
        assert desk.calls.refused == []


@behaviour("RFC 3261 §22.4, §26.1")
async def test_strangers_get_403_and_are_reported_once_a_second_with_their_number(
    open_desk: Any, leg_class: Any
) -> None:
    async with open_desk() as (desk, pbx):
        stranger = await desk.peer("127.0.0.2")
        for method in ("INVITE", "OPTIONS", "REGISTER", "BYE", "MESSAGE"):
            leg = leg_class(stranger, "1001", "1")
            if method == "INVITE":
                leg.invite()
                await leg.final(403)
                leg.ack(refused=True)
                stranger.send(leg.requests["INVITE"])  # repeated: the same request
            else:
                leg.send(method)
            await stranger.status(403, method=method)
        source, number, detail = await desk.calls.next("refused")
        assert (source, number) == ("127.0.0.2", 1)
        assert "INVITE" in detail
        assert (await desk.calls.next("refused"))[:2] == ("127.0.0.2", 4), "neither the ACK nor the repetition counts"
        for _ in range(200):
            stranger.call()
        assert (await desk.calls.next("refused"))[1] > 150
        assert len([message for message in stranger.seen if message.status == 403]) <= 30
        assert desk.calls.incoming == []
        await desk.alive(pbx)


@behaviour("RFC 3261 §26.1")
async def test_noise_and_mutilated_messages_never_disturb_a_call(
    open_desk: Any, leg_class: Any, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(7)
    async with open_desk() as (desk, pbx):
        standing, _ = await desk.answered_call(pbx)
        noise = await desk.peer()
        desk.dial()
        invite = await pbx.request("INVITE")
        samples = [
            leg_class(noise, "1001", "1").build("INVITE", SDP),
            f"SIP/2.0 180 Ringing\r\nVia: {invite['via']}\r\nFrom: {invite['from']}\r\nTo: {invite['to']};tag=x\r\n"
            f"Call-ID: {invite['call-id']}\r\nCSeq: {invite['cseq']}\r\nContent-Length: 0\r\n\r\n".encode(),
        ]
        for size in (0, 1, 40, 400, 9000, 60_000):
            noise.send(dice.randbytes(size))
        for text in (
            b"SIP/2.0 999 Odd\r\n\r\n",
            b"SIP/2.0 200\r\n\r\n",
            b"INVITE sip:1001@desk SIP/2.0\r\n\r\n",
            b"\0" * 900,
        ):
            noise.send(text)
        for number in range(150):
            octets = bytearray(samples[number % 2])
            for _ in range(dice.randrange(0, 6)):
                octets[dice.randrange(len(octets))] = dice.randrange(256)
            noise.send(bytes(octets[: dice.randrange(20, len(octets) + 1)]))
            await asyncio.sleep(0)  # no faster than the desk reads
        for _ in range(100):  # until the last of it has been read
            heard = len(desk.calls.incoming)
            await asyncio.sleep(0.2)
            if len(desk.calls.incoming) == heard:
                break
        noise.transport.close()
        noise.failures.clear()  # answers repeat what was mutilated
        for _, dialog, _ in desk.calls.incoming[1:]:
            dialog.reject(486)  # a spoiled INVITE may still be a call
            await desk.calls.end()
        pbx.respond(invite, 486, "Busy Here")
        assert (await desk.calls.end()).status == 486
        standing.send("BYE")
        assert (await desk.calls.end()).by == "peer"
        await desk.alive(pbx)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@behaviour("our own rule")
async def test_nothing_of_a_caller_reaches_the_logs_or_the_console(
    open_desk: Any, leg_class: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with open_desk() as (desk, pbx):
            leg, dialog = await desk.answered_call(pbx, caller="13912345678", display='"Zhang San" ')
            dialog.refer("13912345678")
            pbx.respond(await pbx.request("REFER"), 603, "Decline")
            leg.send("BYE")
            await desk.calls.end()
            pbx.send(leg_class(pbx, "1001", "13912345678").build("INVITE").replace(b"CSeq: 1", b"CSeq: 13912345678"))
            await pbx.status(400)
    captured = capfd.readouterr()
    for text in (caplog.text, captured.out, captured.err):
        assert "13912345678" not in text
        assert "Zhang" not in text
        assert "geheim" not in text
