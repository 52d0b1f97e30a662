"""Calls that come in."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy
from telephony.lines.sdp import make_answer, make_offer

behaviour = pytest.mark.behaviour
OFFER = make_offer("127.0.0.1", 30000)
ANSWER = make_answer(OFFER, "127.0.0.1", 40000)[0]


@behaviour("RFC 3261 §13.3.1")
async def test_a_call_rings_is_answered_and_ended_by_the_caller(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call("1001", "13800001234", display='"Ward <7>" ')
        dialog, invite, line = await desk.calls.next("incoming")
        assert (invite.number, invite.display_name, invite.dialled) == ("13800001234", "Ward <7>", "1001")
        assert (invite.source, invite.sdp) == (pbx.address, OFFER)
        assert invite.call_id == dialog.sip_call_id == leg.call_id
        assert line.name == dialog.line_name == "pbx"
        trying = await pbx.receive()  # nobody has said anything for 200 ms (§17.2.1)
        dialog.ring()
        ringing = await pbx.receive()
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


@behaviour("RFC 3261 §15.1.1")
async def test_we_end_an_answered_call_with_a_bye_to_the_callers_contact(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        caller = await desk.peer("127.0.0.3")
        leg, dialog = await desk.answered_call(pbx, contact=f"sip:13800001234@{caller.here};ob")
        dialog.hang_up()
        bye = await caller.request("BYE")
        assert bye.uri == leg.contact
        assert (bye["to"], bye["from"]) == (leg.local, leg.remote)
        caller.respond(bye, 200, "OK")
        assert await desk.calls.end() == DialogEnd(EndedBy.US, 200, "Hung up")


@behaviour("RFC 3261 §13.3.1.3")
@pytest.mark.parametrize("status", [403, 404, 480, 486, 488, 503, 603])
async def test_a_call_is_refused_with_the_status_of_our_choice_until_it_is_acknowledged(
    open_desk: Any, status: int
) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.reject(status)
        await leg.final(status)
        await leg.final(status)
        leg.ack(refused=True)
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.US, status)
        await asyncio.sleep(desk.t1)
        pbx.drain()
        await asyncio.sleep(5 * desk.t1)
        assert pbx.drain() == [], "a refusal that was acknowledged is not repeated"


@behaviour("RFC 3261 §13.3.1.3")
async def test_hanging_up_before_the_answer_declines_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        dialog.hang_up()
        await leg.final(603)
        leg.ack(refused=True)
        assert (await desk.calls.end()).by is EndedBy.US


@behaviour("RFC 3261 §13.3.1.1", needs="early_media")
async def test_early_media_goes_out_in_a_183(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.progress(ANSWER)
        assert (await pbx.status(183)).body == ANSWER
        dialog.answer(ANSWER)
        await leg.answered()
        await desk.calls.next("confirmed")


@behaviour("RFC 3261 §13.2.1", needs="late_offer")
async def test_a_late_offer_is_made_in_our_200_and_answered_in_the_ack(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call(sdp="")
        dialog, invite, _ = await desk.calls.next("incoming")
        assert invite.sdp == ""
        dialog.answer(OFFER)
        assert (await leg.final(200)).body == OFFER
        leg.ack(ANSWER)
        assert await desk.calls.next("confirmed") == (ANSWER,)


@behaviour("RFC 3261 §9.2")
@pytest.mark.parametrize("state", ["before it rings", "while it rings"])
async def test_a_cancel_is_answered_200_and_the_invite_487(open_desk: Any, state: str) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        tags = set()
        if state == "while it rings":
            dialog.ring()
            tags.add((await pbx.status(180)).tag("to"))
        leg.cancel()
        ok = await pbx.status(200)
        assert ok.method == "CANCEL"
        terminated = await leg.final(487)
        tags |= {ok.tag("to"), terminated.tag("to")}
        assert len(tags) == 1, "one To tag in all responses"
        leg.ack(refused=True)
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 487, "Cancelled")


@behaviour("RFC 3261 §9.2")
async def test_an_answer_that_comes_after_the_cancel_changes_nothing(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        leg.cancel()
        await leg.final(487)
        leg.ack(refused=True)
        await desk.calls.end()
        dialog.answer(ANSWER)
        dialog.hang_up()
        leg.cancel()
        await pbx.status(200, method="CANCEL")
        await asyncio.sleep(4 * desk.t1)
        assert not [message for message in pbx.seen if message.status == 200 and message.method == "INVITE"]


@behaviour("RFC 3261 §9.2")
async def test_a_cancel_that_comes_after_our_200_changes_nothing(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.final(200)
        remote, leg.remote = leg.remote, leg.remote.partition(";tag")[0]
        leg.cancel()
        await pbx.status(200, method="CANCEL")
        leg.remote = remote
        leg.ack()
        await desk.calls.next("confirmed")
        assert desk.calls.ends == []


@behaviour("RFC 3261 §9.2")
async def test_a_cancel_of_nothing_is_refused_with_481(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg_class(pbx, "1001", "1", branch="z9hG4bK-unknown", cseq=1).cancel()
        await pbx.status(481, method="CANCEL")
        assert desk.calls.incoming == []


@behaviour("RFC 3261 §17.2.1")
async def test_a_repeated_invite_is_one_call_and_gets_the_last_answer_again(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        await pbx.status(180)
        pbx.send(leg.requests["INVITE"])
        await pbx.status(180)
        dialog.answer(ANSWER)
        await leg.final(200)
        # after another hop's change it is no datagram seen before, but the same transaction
        pbx.send(leg.requests["INVITE"].replace(b"Max-Forwards: 70", b"Max-Forwards: 69"))
        await leg.final(200)
        leg.ack()
        await desk.calls.next("confirmed")
        pbx.send(leg.requests["INVITE"])  # a straggler
        await asyncio.sleep(2 * desk.t1)
        assert len(desk.calls.incoming) == 1


@behaviour("RFC 3261 §8.2.2.2")
async def test_a_call_that_comes_by_two_ways_is_merged_with_482(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        await desk.calls.next("incoming")
        pbx.send(leg.build("INVITE", cseq=leg.cseq))  # the same call on another branch
        await pbx.status(482)
        assert len(desk.calls.incoming) == 1


@behaviour("RFC 3261 §13.3.1.4")
async def test_a_lost_200_is_repeated_until_its_ack_comes(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        times = []
        for _ in range(4):
            await leg.final(200)
            times.append(asyncio.get_running_loop().time())
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert all(gap > desk.t1 * 2**index * 0.8 for index, gap in enumerate(gaps)), "T1, 2*T1, 4*T1 (timer G)"
        leg.ack()
        leg.ack()  # twice
        await desk.calls.next("confirmed")
        pbx.drain()
        await asyncio.sleep(9 * desk.t1)
        assert pbx.drain() == []
        assert desk.calls.ends == []


@behaviour("RFC 3261 §13.3.1.4")
async def test_a_200_that_nobody_acknowledges_ends_the_call_by_the_network(open_desk: Any) -> None:
    async with open_desk(t1=0.01) as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.final(200)
        pbx.respond(await pbx.request("BYE"), 200, "OK")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 408)
        repeats = [message for message in pbx.seen if message.status == 200 and message.method == "INVITE"]
        assert 5 <= len(repeats) <= 12, "at most T2 apart, for 64*T1 (timer H)"


@behaviour("RFC 3261 §15")
async def test_a_hang_up_between_our_200_and_its_ack_waits_with_the_bye(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.final(200)
        dialog.hang_up()
        await asyncio.sleep(2 * desk.t1)
        assert not [message for message in pbx.seen if message.method == "BYE"]
        leg.ack()
        pbx.respond(await pbx.request("BYE"), 200, "OK")
        assert (await desk.calls.end()).by is EndedBy.US


@behaviour("RFC 3261 §15.1.2")
async def test_byes_that_cross_end_the_call_once(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        dialog.hang_up()
        leg.send("BYE")
        pbx.respond(await pbx.request("BYE"), 200, "OK")
        assert (await desk.calls.end()).by is EndedBy.US
        await asyncio.sleep(2 * desk.t1)
        assert any(message.status == 200 and message.method == "BYE" for message in pbx.seen)
        assert len(desk.calls.ends) == 1


@behaviour("RFC 3261 §15.1.2")
async def test_a_bye_before_the_answer_ends_the_invite_too(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = pbx.call()
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        leg.learn(await pbx.status(180))
        leg.send("BYE")
        statuses = {(await pbx.status(200, 487)).status, (await pbx.status(200, 487)).status}
        assert statuses == {200, 487}
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.PEER, 487)


@behaviour("RFC 3261 §13.3.1")
async def test_a_call_that_its_caller_lets_expire_ends_with_487(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "13800001234")
        leg.invite(headers=("Expires: 1",))
        dialog, *_ = await desk.calls.next("incoming")
        dialog.ring()
        await leg.final(487)
        leg.ack(refused=True)
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 487)


@behaviour("RFC 3325 §9.1")
async def test_the_caller_is_the_asserted_identity(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        for asserted, number in (
            ('"张三" <tel:+8613800001234;phone-context=x>', "+8613800001234"),
            ("<sip:13800001235@pbx.test;user=phone>", "13800001235"),
        ):
            leg = leg_class(pbx, "1001", "anonymous")
            leg.invite(headers=(f"P-Asserted-Identity: {asserted}",))
            dialog, invite, _ = await desk.calls.next("incoming")
            assert invite.number == number
            dialog.reject(486)
            await leg.final(486)
            leg.ack(refused=True)


@behaviour("RFC 4028 §8.1")
async def test_session_timers_are_not_declared_and_harm_nothing(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
        timers = ("Supported: timer, replaces", "Session-Expires: 90;refresher=uac", "Min-SE: 90")
        leg.invite(headers=timers)
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        answer = await leg.final(200)
        assert answer["session-expires"] == ""
        assert "timer" not in answer["require"] + answer["supported"]
        leg.ack()
        await desk.calls.next("confirmed")
        leg.send("UPDATE", headers=timers)  # the caller's refresh
        await pbx.status(200, method="UPDATE")
        leg.invite(OFFER, headers=timers)
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(ANSWER)
        await leg.answered()
        assert desk.calls.ends == []
