"""Calls that we make: every way they can go is told apart, and every final response is acknowledged rightly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy
from telephony.lines.sdp import make_answer


def answer_to(invite: Any, port: int = 41000) -> str:
    return make_answer(invite.body, "127.0.0.1", port)[0]


async def test_a_call_is_dialled_answered_and_ended_by_the_callee(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        dialog = desk.dial("13900005678", caller_id="02112345678")
        invite = await pbx.request("INVITE")
        assert invite.uri == "sip:13900005678@pbx.test"
        assert "<sip:02112345678@pbx.test>" in invite["from"]
        assert invite["contact"] == f"<sip:1001@127.0.0.1:{desk.driver.port}>"
        assert invite["call-id"] == dialog.sip_call_id
        assert "m=audio 30000 RTP/AVP 8 0 101" in invite.body
        pbx.respond(invite, 100, "Trying")
        pbx.respond(invite, 180, "Ringing")
        assert await desk.calls.next("progress") == (180, "")
        answer = answer_to(invite)
        pbx.respond(invite, 200, "OK", body=answer)
        ack = await pbx.request("ACK")
        assert (ack.uri, ack.cseq, ack.tag("to")) == (f"sip:callee@{pbx.here}", invite.cseq, "peer")
        assert ack.branch != invite.branch
        assert await desk.calls.next("answered") == (answer,)
        leg_class.of(pbx, invite).send("BYE")
        await pbx.status(200, method="BYE")
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 200, "BYE")


async def test_call_ids_and_tags_of_two_desks_and_two_calls_never_meet(open_desk: Any) -> None:
    seen = []
    for _ in range(2):  # pyVoIP counts its Call-IDs from 1 at each start
        async with open_desk() as (desk, pbx):
            for _ in range(2):
                desk.dial()
                invite = await pbx.request("INVITE")
                seen += [invite["call-id"], invite.tag("from")]
                pbx.respond(invite, 486, "Busy Here")
                await desk.calls.end()
    assert len(set(seen)) == 8


@pytest.mark.parametrize(
    ("status", "reason"),
    [(302, "Moved"), (404, "Not Found"), (480, "Gone For Lunch"), (486, "Busy Here"), (500, "Error"), (603, "Decline"),
     (499, "Not In pyVoIP's List")],
)  # fmt: skip
async def test_a_refusal_is_told_with_its_status_and_acknowledged(open_desk: Any, status: int, reason: str) -> None:
    async with open_desk() as (desk, pbx):
        elsewhere = await desk.peer()
        desk.dial()
        invite = await pbx.request("INVITE")
        pbx.respond(invite, status, reason, headers=(f"Contact: <sip:other@{elsewhere.here}>",))
        ack = await pbx.request("ACK")
        # RFC 3261 §17.1.1.3: to where the INVITE went, whatever Contact the refusal names
        assert (ack.uri, ack.branch, ack.cseq) == (invite.uri, invite.branch, invite.cseq)
        assert ack.tag("to") == "peer"
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, status, reason)
        pbx.respond(invite, status, reason)  # a repeated refusal: our ACK was lost
        assert (await pbx.request("ACK")).branch == invite.branch
        assert elsewhere.seen == []


async def test_no_answer_at_all_ends_as_a_timeout_of_the_network(open_desk: Any) -> None:
    async with open_desk(t1=0.02) as (desk, pbx):
        desk.dial()
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 408)
        repeats = [message for message in pbx.seen if message.method == "INVITE"]
        assert len(repeats) in (6, 7), "at T1, 3*T1, 7*T1 … until 64*T1 (RFC 3261 §17.1.1.2)"
        assert len({message.branch for message in repeats}) == 1


async def test_dialling_returns_at_once_while_the_proxy_is_silent(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        loop = asyncio.get_running_loop()
        began = loop.time()
        dialogs = [desk.dial(f"1390000567{digit}") for digit in range(5)]
        assert loop.time() - began < 0.1
        invites = [await pbx.request("INVITE") for _ in dialogs]
        assert len({invite.uri for invite in invites}) == 5
        for invite in invites:
            pbx.respond(invite, 486, "Busy Here")
            assert (await desk.calls.end()).status == 486


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


async def test_a_cancel_waits_for_the_first_provisional_answer(open_desk: Any) -> None:
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


async def test_a_200_that_crosses_our_cancel_is_acknowledged_and_ended(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        dialog = desk.dial()
        invite = await pbx.request("INVITE")
        pbx.respond(invite, 180, "Ringing")
        await desk.calls.next("progress")
        dialog.hang_up()
        cancel = await pbx.request("CANCEL")
        pbx.respond(invite, 200, "OK", body=answer_to(invite))
        pbx.respond(cancel, 200, "OK")
        assert (await pbx.request("ACK")).cseq == invite.cseq
        bye = await pbx.request("BYE")
        assert bye.cseq > invite.cseq
        pbx.respond(bye, 200, "OK")
        assert [end.status for end in desk.calls.ends] == [487]


async def test_a_repeated_200_is_acknowledged_again_and_a_forked_one_is_ended(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        await desk.dialled_call(pbx)
        invite = next(message for message in pbx.seen if message.method == "INVITE")
        pbx.respond(invite, 200, "OK", body=answer_to(invite))
        assert (await pbx.request("ACK")).cseq == invite.cseq
        pbx.respond(invite, 200, "OK", tag="fork", body=answer_to(invite), contact=f"sip:second@{pbx.here}")
        ack, bye = await pbx.request("ACK"), await pbx.request("BYE")
        assert (ack.tag("to"), bye.tag("to"), bye.uri) == ("fork", "fork", f"sip:second@{pbx.here}")
        pbx.respond(bye, 200, "OK")
        assert desk.calls.ends == []


async def test_our_ack_and_bye_follow_the_record_route(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        dialog = desk.dial()
        invite = await pbx.request("INVITE")
        recorded = f"Record-Route: <sip:192.0.2.9;lr>, <sip:{pbx.here};lr>"
        pbx.respond(invite, 200, "OK", body=answer_to(invite), contact="sip:callee@192.0.2.7", headers=(recorded,))
        ack = await pbx.request("ACK")
        assert (ack.uri, ack.all("route")) == ("sip:callee@192.0.2.7", [f"<sip:{pbx.here};lr>", "<sip:192.0.2.9;lr>"])
        await desk.calls.next("answered")
        dialog.hang_up()
        bye = await pbx.request("BYE")
        assert (bye.uri, bye.all("route")) == (ack.uri, ack.all("route"))


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_challenged_invite_and_bye_are_sent_again_with_credentials(
    open_desk: Any, status: int, algorithm: str, digest_of: Any
) -> None:
    asks, answers = {401: ("WWW-Authenticate", "authorization"), 407: ("Proxy-Authenticate", "proxy-authorization")}[
        status
    ]
    async with open_desk() as (desk, pbx):
        challenge = f'{asks}: Digest realm="pbx", nonce="n1", algorithm={algorithm}, qop="auth"'
        dialog = desk.dial()
        first = await pbx.request("INVITE")
        pbx.respond(first, status, "Who Are You", headers=(challenge,))
        assert (await pbx.request("ACK")).branch == first.branch
        second = await pbx.request("INVITE")
        assert (second["call-id"], second.cseq) == (first["call-id"], first.cseq + 1)
        assert second.branch != first.branch
        assert digest_of(second, answers, "1001", "geheim")
        pbx.respond(second, 200, "OK", body=answer_to(second))
        ack = await pbx.request("ACK")
        assert (ack.cseq, ack[answers]) == (second.cseq, second[answers])
        await desk.calls.next("answered")
        dialog.hang_up()
        bye = await pbx.request("BYE")
        pbx.respond(bye, status, "Who Are You", headers=(challenge,))
        again = await pbx.request("BYE")
        assert digest_of(again, answers, "1001", "geheim")
        pbx.respond(again, 200, "OK")


async def test_wrong_credentials_are_not_sent_for_ever(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        for _ in range(2):
            invite = await pbx.request("INVITE")
            pbx.respond(invite, 401, "No", headers=('WWW-Authenticate: Digest realm="pbx", nonce="n"',))
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 401, "No")


async def test_early_media_is_passed_on(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        early = answer_to(invite, 42000)
        pbx.respond(invite, 183, "Session Progress", body=early)
        assert await desk.calls.next("progress") == (183, early)
        pbx.respond(invite, 200, "OK")  # a 200 without SDP stands on the early one
        await pbx.request("ACK")
        assert await desk.calls.next("answered") == (early,)


async def test_a_200_without_any_sdp_is_ended(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        pbx.respond(await pbx.request("INVITE"), 200, "OK")
        await pbx.request("ACK")
        await pbx.request("BYE")
        assert (await desk.calls.end()).status == 488


@pytest.mark.parametrize("number", ["", "a b\r\nX: y", "sip:", "<sip:x@y>", "sip:x@y z", "1" * 300])
async def test_what_cannot_be_dialled_is_told_and_nothing_is_sent(open_desk: Any, number: str) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial(number)
        assert (await desk.calls.end()).status == 484
        assert [message for message in pbx.seen if message.method == "INVITE"] == []


@pytest.mark.parametrize(
    ("number", "uri"),
    [
        ("95#1;x=y", "sip:95%231%3Bx=y@pbx.test"),
        ("010 6512 0000", "sip:01065120000@pbx.test"),
        ("sip:desk@ward.test:5080", "sip:desk@ward.test:5080"),
    ],
)
async def test_a_number_is_escaped_and_a_uri_is_taken_as_it_is(open_desk: Any, number: str, uri: str) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial(number)
        invite = await pbx.request("INVITE")
        assert invite.uri == uri
        pbx.respond(invite, 486, "Busy Here")
        await desk.calls.end()
