"""Calls that come in, as a strict peer sees them on the wire and as the core is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy
from telephony.lines.sdp import make_answer, make_offer

ANSWER = make_answer(make_offer("127.0.0.1", 30000), "127.0.0.1", 40000)[0]


async def test_a_call_rings_is_answered_and_ended_by_the_caller(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call("4001", "13800001234")
        dialog, invite, line = await desk.calls.next("incoming")
        assert (invite.number, invite.dialled, invite.source) == ("13800001234", "4001", peer.address)
        assert invite.call_id == dialog.sip_call_id == leg.call_id
        assert line.name == dialog.line_name == "trunk"
        assert "m=audio 30000" in invite.sdp
        dialog.ring()
        trying = await peer.receive()
        ringing = await peer.receive()
        assert (trying.status, ringing.status) == (100, 180)
        dialog.answer(ANSWER)
        answer = await leg.answered()
        assert answer.tag("to") == ringing.tag("to")
        assert answer.body == ANSWER
        assert "BYE" in answer["allow"]
        assert await desk.calls.next("confirmed") == ("",)
        leg.send("BYE")
        assert (await peer.status(200, method="BYE"))["cseq"] == "2 BYE"
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 200, "BYE")


async def test_we_end_an_answered_call_with_bye_to_the_contact(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        dialog.hang_up()
        bye = await peer.request("BYE")
        assert bye.uri == leg.contact
        assert bye["to"] == leg.local
        peer.respond(bye, 200, "OK")
        assert await desk.calls.end() == DialogEnd(EndedBy.US, 200, "Hung up")


async def test_a_caller_cancels_while_it_rings(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        ringing = await peer.status(180)
        leg.cancel()
        ok = await peer.receive()
        assert (ok.status, ok.method) == (200, "CANCEL")
        terminated = await leg.final(487)
        assert terminated.tag("to") == ringing.tag("to") == ok.tag("to")
        leg.ack(refused=True)
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 487, "Cancelled")
        dialog.answer(ANSWER)  # the agent's click came too late
        dialog.hang_up()
        await asyncio.sleep(4 * desk.t1)
        assert not [message for message in peer.drain() if message.status == 200]


async def test_a_cancel_that_crosses_the_200_changes_nothing(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.final(200)
        remote, leg.remote = leg.remote, leg.remote.partition(";tag")[0]
        leg.cancel()
        assert (await peer.status(200, method="CANCEL")).status == 200
        leg.remote = remote
        leg.ack()
        await desk.calls.next("confirmed")
        leg.send("BYE")
        assert (await desk.calls.end()).status == 200


@pytest.mark.parametrize("status", [403, 404, 480, 486, 488, 503, 603])
async def test_we_refuse_a_call_with_the_status_of_our_choice(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.reject(status)
        await leg.final(status)
        leg.ack(refused=True)
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.US, status)
        await asyncio.sleep(6 * desk.t1)
        assert peer.drain() == [], "a refusal that was acknowledged is not repeated"


async def test_hanging_up_before_the_answer_declines(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        dialog.hang_up()
        await leg.final(603)
        leg.ack(refused=True)
        assert (await desk.calls.end()).by is EndedBy.US


async def test_early_media_is_a_183_with_sdp(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.progress(ANSWER)
        assert (await peer.status(183)).body == ANSWER
        dialog.answer(ANSWER)
        await leg.answered()
        await desk.calls.next("confirmed")


async def test_a_late_offer_is_offered_in_the_200_and_answered_in_the_ack(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call(sdp="")
        dialog, invite, _ = await desk.calls.next("incoming")
        assert invite.sdp == ""
        ours = make_offer("127.0.0.1", 40000)
        dialog.answer(ours)
        assert (await leg.final(200)).body == ours
        theirs = make_answer(ours, "127.0.0.1", 30000)[0]
        leg.ack(theirs)
        assert await desk.calls.next("confirmed") == (theirs,)


async def test_a_repeated_invite_makes_one_call_and_repeats_the_last_answer(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        await peer.status(180)
        peer.send(leg.requests["INVITE"])
        await peer.status(180)
        dialog.answer(ANSWER)
        await leg.final(200)
        peer.send(leg.requests["INVITE"])
        # the same INVITE after another hop's change is no datagram seen before, but the same transaction
        peer.send(leg.requests["INVITE"].replace(b"Max-Forwards: 70", b"Max-Forwards: 69"))
        await peer.status(200)
        await peer.status(200)
        leg.ack()
        await desk.calls.next("confirmed")
        assert len(desk.calls.incoming) == 1


async def test_a_merged_request_is_refused(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        await desk.calls.next("incoming")
        peer.send(leg.build("INVITE", cseq=leg.cseq))  # same call, another branch: RFC 3261 §8.2.2.2
        assert (await peer.status(482)).status == 482
        assert len(desk.calls.incoming) == 1


async def test_an_unacknowledged_200_is_repeated_then_given_up_with_bye(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.final(200)
        bye = await peer.request("BYE")
        peer.respond(bye, 200, "OK")
        repeats = [message for message in peer.seen if message.status == 200 and message.method == "INVITE"]
        assert 5 <= len(repeats) <= 12, "RFC 3261 §13.3.1.4: T1, 2*T1, 4*T1 … at most T2 apart"
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 408)
        assert len(desk.calls.ends) == 1


async def test_hanging_up_before_the_ack_waits_with_the_bye(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.final(200)
        dialog.hang_up()
        await asyncio.sleep(2 * desk.t1)
        assert not [message for message in peer.seen if message.method == "BYE"]
        leg.ack()
        peer.respond(await peer.request("BYE"), 200, "OK")
        assert (await desk.calls.end()).by is EndedBy.US


async def test_byes_that_cross_end_the_call_once(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        dialog.hang_up()
        leg.send("BYE")
        bye = await peer.request("BYE")
        peer.respond(bye, 200, "OK")
        await peer.status(200, method="BYE")
        await asyncio.sleep(0.05)
        assert [end.by for end in desk.calls.ends] == [EndedBy.US]


async def test_a_bye_before_the_answer_ends_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        leg.learn(await peer.status(180))
        leg.send("BYE")
        statuses = {(await peer.status(200, 487)).status, (await peer.status(200, 487)).status}
        assert statuses == {200, 487}
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.PEER, 487)


async def test_an_expired_invite_ends_by_the_network(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = leg_class(peer, "4001", "13800001234")
        leg.invite(headers=("Expires: 1",))
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        await leg.final(487)
        leg.ack(refused=True)
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 487)


async def test_the_caller_is_the_asserted_identity_and_its_name_is_readable(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call("4001", "anonymous", display='"匿名" ')
        _, invite, _ = await desk.calls.next("incoming")
        assert (invite.number, invite.display_name) == ("anonymous", "匿名")
        leg.cancel()
        second = leg_class(peer, "4001", "anonymous")
        second.invite(headers=('P-Asserted-Identity: "张三" <tel:+8613800001234;phone-context=x>',))
        _, invite, _ = await desk.calls.next("incoming")
        assert (invite.number, invite.display_name) == ("+8613800001234", "张三")
        third = leg_class(peer, "4001", "%2B8613800001234")
        invite_in_gb18030 = third.build("INVITE").replace(b"<sip:%2B", "王".encode("gb18030") + b" <sip:%2B", 1)
        peer.send(invite_in_gb18030)
        _, invite, _ = await desk.calls.next("incoming")
        assert (invite.number, invite.display_name) == ("+8613800001234", "王")


async def test_a_call_through_two_proxies_is_ended_along_its_route(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        far = await desk.peer()
        leg = leg_class(peer, "4001", "13800001234", contact=f"sip:phone@{far.here}")
        routes = (f"<sip:{peer.here};lr>", "<sip:192.0.2.7;lr>")
        leg.invite(headers=tuple(f"Record-Route: {route}" for route in routes))
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        answer = await leg.final(200)
        assert answer.all("record-route") == list(routes)
        leg.ack()
        await desk.calls.next("confirmed")
        dialog.hang_up()
        bye = await peer.request("BYE")
        assert bye.all("route") == list(routes)
        assert bye.uri == f"sip:phone@{far.here}"
        peer.respond(bye, 200, "OK")
