"""Calls that we make."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy
from telephony.lines.sdp import make_answer

behaviour = pytest.mark.behaviour


def answer_to(invite: Any, port: int = 41000) -> str:
    return make_answer(invite.body, "127.0.0.1", port)[0]


@behaviour("RFC 3261 §13.2")
async def test_a_call_is_dialled_answered_and_ended_by_the_callee(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        dialog = desk.dial("13900005678", caller_id="02112345678")
        invite = await pbx.request("INVITE")
        assert invite.uri == "sip:13900005678@pbx.test"
        assert "sip:02112345678@" in invite["from"]
        assert invite["call-id"] == dialog.sip_call_id
        assert "m=audio 30000 RTP/AVP 8 0 101" in invite.body
        pbx.respond(invite, 100, "Trying")
        pbx.respond(invite, 180, "Ringing")
        assert await desk.calls.next("progress") == (180, "")
        pbx.respond(invite, 200, "OK", body=answer_to(invite))
        ack = await pbx.request("ACK")
        assert (ack.uri, ack.cseq, ack.tag("to")) == (f"sip:callee@{pbx.here}", invite.cseq, "peer")
        assert ack.branch != invite.branch
        assert await desk.calls.next("answered") == (answer_to(invite),)
        leg_class.of(pbx, invite).send("BYE")
        await pbx.status(200, method="BYE")
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 200, "BYE")


@behaviour("RFC 3261 §17.1.1.3")
@pytest.mark.parametrize("status", [400, 404, 408, 480, 486, 488, 499, 500, 503, 600, 603, 699])
async def test_a_refusal_is_told_with_its_status_and_acknowledged(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        pbx.respond(invite, status, "For A Reason")
        ack = await pbx.request("ACK")
        assert (ack.uri, ack.branch, ack.cseq, ack.tag("to")) == (invite.uri, invite.branch, invite.cseq, "peer")
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, status, "For A Reason")
        pbx.respond(invite, status, "For A Reason")  # our ACK was lost
        assert (await pbx.request("ACK")).branch == invite.branch


@behaviour("RFC 3261 §8.1.3.4")
@pytest.mark.parametrize("status", [300, 301, 302, 305, 380])
async def test_a_redirection_is_told_as_a_failure_and_not_followed(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, pbx):
        elsewhere = await desk.peer()
        desk.dial()
        invite = await pbx.request("INVITE")
        pbx.respond(invite, status, "Moved", headers=(f"Contact: <sip:other@{elsewhere.here}>",))
        assert (await pbx.request("ACK")).branch == invite.branch
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, status, "Moved")
        await asyncio.sleep(2 * desk.t1)
        assert elsewhere.seen == []


@behaviour("RFC 3261 §21.5.4")
async def test_a_refusal_with_retry_after_is_told_and_not_tried_again(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        pbx.respond(await pbx.request("INVITE"), 503, "Busy Hour", headers=("Retry-After: 1",))
        await pbx.request("ACK")
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 503, "Busy Hour")
        await asyncio.sleep(2 * desk.t1)
        assert len([message for message in pbx.seen if message.method == "INVITE"]) == 1


@behaviour("RFC 3261 §17.1.1.2")
async def test_an_invite_is_repeated_and_given_up_as_408_of_the_network(open_desk: Any) -> None:
    async with open_desk(t1=0.02) as (desk, pbx):
        desk.dial()
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 408)
        repeats = [message for message in pbx.seen if message.method == "INVITE"]
        assert len(repeats) in (6, 7), "at T1, 3*T1, 7*T1 … until 64*T1 (timers A and B)"
        assert len({message.branch for message in repeats}) == 1


@behaviour("RFC 3261 §18.4")
async def test_a_pbx_whose_port_is_closed_fails_the_call_at_once_and_not_the_line(open_desk: Any) -> None:
    async with open_desk(t1=0.5) as (desk, pbx):
        loop = asyncio.get_running_loop()
        _, standing = await desk.answered_call(pbx)
        address = pbx.address
        pbx.transport.close()
        await asyncio.sleep(0)
        began = loop.time()
        for _ in range(3):
            desk.dial()
            end = await desk.calls.end()
            assert (end.by, end.status) == (EndedBy.NETWORK, 503)
        assert loop.time() - began < 8, "not 64*T1, which is 32 s"
        transport, again = await loop.create_datagram_endpoint(lambda: type(pbx)(pbx.desk), local_addr=address)
        desk.peers[desk.peers.index(pbx)] = again
        assert again.transport is transport
        standing.hang_up()
        again.respond(await again.request("BYE"), 200, "OK")
        await desk.alive(again)


@behaviour("RFC 3261 §13.2.2.1", needs="early_media")
async def test_early_media_is_passed_on_and_a_200_without_sdp_stands_on_it(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        early = answer_to(invite, 42000)
        pbx.respond(invite, 183, "Session Progress", body=early)
        assert await desk.calls.next("progress") == (183, early)
        pbx.respond(invite, 200, "OK")
        await pbx.request("ACK")
        assert await desk.calls.next("answered") == (early,)


@behaviour("RFC 3262 §3")
async def test_a_reliable_180_that_nobody_asked_for_is_an_ordinary_one(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        assert "100rel" not in invite["supported"] + invite["require"]
        pbx.respond(invite, 180, "Ringing", headers=("Require: 100rel", "RSeq: 1"))
        assert await desk.calls.next("progress") == (180, "")
        pbx.respond(invite, 486, "Busy Here")
        assert (await desk.calls.end()).status == 486
        assert not [message for message in pbx.seen if message.method == "PRACK"]


@behaviour("RFC 3261 §12.1.2")
async def test_of_several_branches_that_ring_the_one_that_answers_counts(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        dialog = desk.dial()
        invite = await pbx.request("INVITE")
        for tag in ("first", "second", "third"):
            pbx.respond(invite, 180, "Ringing", tag=tag, contact=f"sip:{tag}@{pbx.here}")
            assert await desk.calls.next("progress") == (180, "")
        pbx.respond(invite, 200, "OK", tag="second", contact=f"sip:second@{pbx.here}", body=answer_to(invite))
        ack = await pbx.request("ACK")
        assert (ack.tag("to"), ack.uri) == ("second", f"sip:second@{pbx.here}")
        dialog.hang_up()
        bye = await pbx.request("BYE")
        assert (bye.tag("to"), bye.uri) == ("second", f"sip:second@{pbx.here}")
        pbx.respond(bye, 200, "OK")


@behaviour("RFC 3261 §13.2.2.4")
async def test_a_second_answer_of_a_forked_call_is_acknowledged_and_ended(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        _, dialog = await desk.dialled_call(pbx)
        invite = next(message for message in pbx.seen if message.method == "INVITE")
        for _ in range(2):  # it is repeated, too
            pbx.respond(invite, 200, "OK", tag="fork", body=answer_to(invite), contact=f"sip:second@{pbx.here}")
            ack = await pbx.request("ACK")
            assert (ack.tag("to"), ack.cseq) == ("fork", invite.cseq)
        bye = next(message for message in pbx.seen if message.method == "BYE")
        assert (bye.tag("to"), bye.uri) == ("fork", f"sip:second@{pbx.here}")
        pbx.respond(bye, 200, "OK")
        await asyncio.sleep(2 * desk.t1)
        assert len({message.branch for message in pbx.seen if message.method == "BYE"}) == 1
        assert desk.calls.ends == []
        pbx.drain()
        dialog.hang_up()
        bye = await pbx.request("BYE")
        assert bye.tag("to") == "peer"
        pbx.respond(bye, 200, "OK")


@behaviour("RFC 3261 §13.2.2.4")
async def test_a_repeated_200_is_acknowledged_again_even_late(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        await desk.dialled_call(pbx)
        invite = next(message for message in pbx.seen if message.method == "INVITE")
        first = next(message for message in pbx.seen if message.method == "ACK")
        for wait, header in ((0, ()), (0, ("X-Hop: changed",)), (20 * desk.t1, ())):
            await asyncio.sleep(wait)
            pbx.respond(invite, 200, "OK", body=answer_to(invite), headers=header)
            ack = await pbx.request("ACK")
            assert (ack.cseq, ack.tag("to"), ack.uri) == (invite.cseq, "peer", first.uri)
        assert desk.calls.ends == []


@behaviour("RFC 3261 §9.1")
async def test_we_cancel_a_ringing_call(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        dialog = desk.dial()
        invite = await pbx.request("INVITE")
        pbx.respond(invite, 180, "Ringing")
        await desk.calls.next("progress")
        dialog.hang_up()
        cancel = await pbx.request("CANCEL")
        assert (cancel.branch, cancel.uri, cancel.cseq) == (invite.branch, invite.uri, invite.cseq)
        assert "tag=" not in cancel["to"]
        pbx.respond(cancel, 200, "OK")
        pbx.respond(invite, 487, "Request Terminated")
        await pbx.request("ACK")
        assert await desk.calls.end() == DialogEnd(EndedBy.US, 487, "Cancelled")


@behaviour("RFC 3261 §9.1")
async def test_our_cancel_waits_for_the_first_provisional_answer(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        dialog = desk.dial()
        invite = await pbx.request("INVITE")
        dialog.hang_up()
        await asyncio.sleep(desk.t1 / 2)
        assert not [message for message in pbx.seen if message.method == "CANCEL"]
        pbx.respond(invite, 100, "Trying")
        pbx.respond(await pbx.request("CANCEL"), 200, "OK")
        pbx.respond(invite, 487, "Request Terminated")
        await pbx.request("ACK")


@behaviour("RFC 3261 §9.1, §15")
@pytest.mark.parametrize("first", ["the CANCEL", "the 200"])
async def test_a_200_that_crosses_our_cancel_is_acknowledged_and_ended(open_desk: Any, first: str) -> None:
    async with open_desk() as (desk, pbx):
        dialog = desk.dial()
        invite = await pbx.request("INVITE")
        pbx.respond(invite, 180, "Ringing")
        await desk.calls.next("progress")
        if first == "the CANCEL":
            dialog.hang_up()
            cancel = await pbx.request("CANCEL")
            pbx.respond(invite, 200, "OK", body=answer_to(invite))
            pbx.respond(cancel, 481, "Too Late")
        else:
            pbx.respond(invite, 200, "OK", body=answer_to(invite))
            await pbx.request("ACK")
            dialog.hang_up()
            pbx.respond(invite, 200, "OK", body=answer_to(invite))
        assert (await pbx.request("ACK")).cseq == invite.cseq
        bye = next((message for message in pbx.seen if message.method == "BYE"), None) or await pbx.request("BYE")
        assert bye.cseq > invite.cseq
        pbx.respond(bye, 200, "OK")
        end = await desk.calls.end()
        assert end.by is EndedBy.US
        assert len(desk.calls.ends) == 1


@behaviour("RFC 3261 §17.1.2.2")
async def test_our_bye_is_repeated_until_it_is_answered(open_desk: Any) -> None:
    async with open_desk(t1=0.02) as (desk, pbx):
        _, dialog = await desk.dialled_call(pbx)
        dialog.hang_up()
        byes = [await pbx.request("BYE") for _ in range(6)]
        assert len({bye.branch for bye in byes}) == 1, "timers E and F"
        pbx.respond(byes[0], 200, "OK")
        await asyncio.sleep(2 * desk.t1)
        pbx.drain()
        await asyncio.sleep(10 * desk.t1)
        assert pbx.drain() == []


@behaviour("RFC 3261 §13.2.1")
async def test_an_answer_without_sdp_ends_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        pbx.respond(invite, 200, "OK")
        await pbx.request("ACK")
        pbx.respond(await pbx.request("BYE"), 200, "OK")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.PEER, 488)


@behaviour("RFC 3261 §17.1.3")
async def test_responses_to_nothing_of_ours_are_dropped(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        stranger = await desk.peer("127.0.0.2")
        forged = invite["via"].replace(invite.branch, "z9hG4bKforged")
        text = (
            f"SIP/2.0 200 OK\r\nVia: {forged}\r\nFrom: {invite['from']}\r\nTo: {invite['to']};tag=evil\r\n"
            f"Call-ID: {invite['call-id']}\r\nCSeq: {invite['cseq']}\r\nContact: <sip:evil@{stranger.here}>\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        for sender in (stranger, pbx):
            sender.send(text)
        pbx.respond(invite, 486, "Busy Here")
        assert (await desk.calls.end()).status == 486
        assert stranger.seen == []


@behaviour("RFC 3261 §19.1.2")
async def test_a_number_is_escaped_and_a_uri_is_taken_as_it_is(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        for number, uri in (
            ("95#1;x=y", "sip:95%231%3Bx=y@pbx.test"),
            ("+86 138 0000 1234", "sip:+8613800001234@pbx.test"),
            ("sip:bob@example.com", "sip:bob@example.com"),
        ):
            desk.dial(number)
            invite = await pbx.request("INVITE")
            assert invite.uri == uri
            pbx.respond(invite, 404, "Not Found")
            assert (await desk.calls.end()).status == 404


@behaviour("RFC 3261 §21.4.22")
@pytest.mark.parametrize("number", ["", "sip:", "sip:a b@c", "sip:x@host:port", "line\r\nbreak", "1" * 300])
async def test_what_is_no_number_ends_the_call_at_once_with_484(open_desk: Any, number: str) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial(number)
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 484)
        assert pbx.seen == []
