"""Calls that come in, as a strict peer sees them on the wire and as the core is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy
from telephony.lines.sdp import make_answer, make_offer

OFFER = make_offer("127.0.0.1", 30000)
ANSWER = make_answer(OFFER, "127.0.0.1", 40000)[0]


async def test_a_call_rings_is_answered_and_ended_by_the_caller(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001", "13800001234", display='"Ward <7>" ')
        dialog, invite, line = await desk.calls.next("incoming")
        assert (invite.number, invite.display_name, invite.dialled) == ("13800001234", "Ward <7>", "1001")
        assert (invite.source, invite.sdp) == (pbx.address, OFFER)
        assert invite.call_id == dialog.sip_call_id == leg.call_id
        assert line.name == dialog.line_name == "pbx"
        dialog.ring()
        trying, ringing = await pbx.receive(), await pbx.receive()
        assert (trying.status, ringing.status) == (100, 180)
        dialog.answer(ANSWER)
        answer = await leg.answered()
        assert answer.tag("to") == ringing.tag("to")
        assert answer.body == ANSWER
        assert "BYE" in answer["allow"]
        assert await desk.calls.next("confirmed") == ("",)
        leg.send("BYE")
        assert (await pbx.status(200, method="BYE"))["cseq"] == "2 BYE"
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 200, "BYE")
        leg.send("OPTIONS")
        await pbx.status(481)


async def test_we_end_an_answered_call_with_bye_to_the_contact_or_along_the_route(
    open_desk: Any, leg_class: Any
) -> None:
    async with open_desk() as (desk, pbx):
        caller = await desk.peer("127.0.0.3")
        leg = pbx.call("1001", contact=f"sip:13800001234@{caller.here};ob")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.answered()
        dialog.hang_up()
        bye = await caller.request("BYE")
        assert bye.uri == f"sip:13800001234@{caller.here};ob"
        assert bye["to"] == leg.local
        assert bye["from"] == leg.remote
        caller.respond(bye, 200, "OK")
        assert await desk.calls.end() == DialogEnd(EndedBy.US, 200, "Hung up")
        routes = (f"<sip:{pbx.here};lr>", "<sip:192.0.2.9;lr>")
        leg = leg_class(pbx, "1001", "13800001234", contact="sip:13800001234@phone.invalid")
        leg.invite(headers=tuple(f"Record-Route: {route}" for route in routes))
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        assert tuple((await leg.answered()).all("record-route")) == routes
        await desk.calls.next("confirmed")
        dialog.hang_up()
        bye = await pbx.request("BYE")
        assert bye.uri == "sip:13800001234@phone.invalid"
        assert tuple(bye.all("route")) == routes


async def test_a_caller_cancels_while_it_rings_and_the_late_answer_changes_nothing(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        ringing = await pbx.status(180)
        leg.cancel()
        ok = await pbx.receive()
        assert (ok.status, ok.method) == (200, "CANCEL")
        terminated = await leg.final(487)
        assert terminated.tag("to") == ringing.tag("to") == ok.tag("to")
        leg.ack(refused=True)
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 487, "Cancelled")
        dialog.answer(ANSWER)
        dialog.hang_up()
        await asyncio.sleep(4 * desk.t1)
        assert pbx.drain() == []


async def test_a_cancel_that_crosses_the_200_or_fits_no_call_changes_nothing(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.final(200)
        remote, leg.remote = leg.remote, leg.remote.partition(";tag")[0]
        leg.cancel()
        await pbx.status(200, method="CANCEL")
        leg.remote = remote
        leg.ack()
        await desk.calls.next("confirmed")
        leg_class(pbx, "1001", "1", branch="z9hG4bK-unknown", cseq=1).cancel()
        await pbx.status(481, method="CANCEL")
        assert desk.calls.ends == []


@pytest.mark.parametrize("status", [404, 480, 486, 488, 503, 603])
async def test_we_refuse_a_call_with_the_status_of_our_choice(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.reject(status)
        await leg.final(status)
        await leg.final(status)  # repeated until it is acknowledged
        leg.ack(refused=True)
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.US, status)
        pbx.drain()
        await asyncio.sleep(6 * desk.t1)
        assert pbx.drain() == []


async def test_hanging_up_before_the_answer_declines(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        dialog.hang_up()
        await leg.final(603)
        leg.ack(refused=True)
        assert (await desk.calls.end()).by is EndedBy.US


async def test_a_repeated_invite_is_one_call_and_gets_the_last_answer_again(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        await pbx.status(180)
        pbx.send(leg.requests["INVITE"])
        assert (await pbx.receive()).status == 180
        dialog.answer(ANSWER)
        first = await leg.final(200)
        second = await leg.final(200)
        assert first.body == second.body
        leg.ack()
        await desk.calls.next("confirmed")
        assert len(desk.calls.incoming) == 1


async def test_a_200_that_nobody_acknowledges_ends_the_call_by_the_network(open_desk: Any) -> None:
    async with open_desk(t1=0.02) as (desk, pbx):
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.final(200)
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 408)
        await pbx.request("BYE")


async def test_a_hang_up_between_answer_and_ack_waits_for_the_ack(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        dialog.hang_up()
        await leg.final(200)
        assert [message for message in pbx.seen if message.method == "BYE"] == []
        leg.ack()
        await pbx.request("BYE")
        assert desk.calls.ends[0].by is EndedBy.US


async def test_a_bye_before_the_answer_ends_the_invite_too(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        leg.learn(await pbx.status(180))
        leg.send("BYE")
        await pbx.status(200, method="BYE")
        await pbx.status(487, method="INVITE")
        assert (await desk.calls.end()).status == 487


async def test_early_media_is_a_183_with_sdp(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        assert desk.line.capabilities.early_media
        leg = pbx.call("1001")
        dialog, *_ = await desk.calls.next("incoming")
        dialog.progress(ANSWER)
        assert (await pbx.status(183)).body == ANSWER
        dialog.answer(ANSWER)
        await leg.answered()
        await desk.calls.next("confirmed")


async def test_a_late_offer_is_ours_and_its_answer_comes_with_the_ack(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        assert desk.line.capabilities.late_offer
        leg = pbx.call("1001", sdp="")
        dialog, invite, _ = await desk.calls.next("incoming")
        assert invite.sdp == ""
        dialog.answer(OFFER)
        assert (await leg.final(200)).body == OFFER
        leg.ack(ANSWER)
        assert await desk.calls.next("confirmed") == (ANSWER,)


async def test_what_the_line_lacks_is_refused_and_leaves_the_call_as_it_is(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        able = desk.line.capabilities
        assert (able.hold, able.refer, able.dtmf_info, able.several_lines) == (False, False, False, False)
        leg, dialog = await desk.answered_call(pbx)
        leg.invite(make_offer("127.0.0.1", 30000, version=2, direction="sendonly"))
        await pbx.status(488, method="INVITE")
        leg.ack(refused=True)
        for method in ("INFO", "UPDATE", "REFER", "PUBLISH"):
            leg.send(method)
            assert "INVITE" in (await pbx.status(405, method=method))["allow"]
        leg.send("OPTIONS")
        await pbx.status(200, method="OPTIONS")
        dialog.reinvite(OFFER)
        assert (await desk.calls.next("reinvite_done"))[0] == 501
        dialog.refer("13900005678")
        leg.send("BYE", cseq=1)
        await pbx.status(500, method="BYE")
        assert desk.calls.ends == []
        leg.send("BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER
