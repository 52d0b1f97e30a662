"""Calls that we make: every way they can go is told apart, and every final response is acknowledged rightly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy
from telephony.lines.sdp import make_answer
from telephony.settings import LineSettings

OFFER_PORT = 30000


def answer_to(invite: Any, port: int = 41000) -> str:
    return make_answer(invite.body, "127.0.0.1", port)[0]


async def test_a_call_is_dialled_answered_and_ended_by_the_callee(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        dialog = desk.dial("13900005678", caller_id="02112345678")
        invite = await peer.request("INVITE")
        assert invite.uri == f"sip:13900005678@{peer.here}"
        assert "sip:02112345678@" in invite["from"]
        assert invite["call-id"] == dialog.sip_call_id
        assert "m=audio 30000 RTP/AVP 8 0 101" in invite.body
        peer.respond(invite, 100, "Trying")
        peer.respond(invite, 180, "Ringing")
        assert await desk.calls.next("progress") == (180, "")
        answer = answer_to(invite)
        peer.respond(invite, 200, "OK", body=answer)
        ack = await peer.request("ACK")
        assert (ack.uri, ack.cseq, ack.tag("to")) == (f"sip:callee@{peer.here}", invite.cseq, "peer")
        assert ack.branch != invite.branch
        assert await desk.calls.next("answered") == (answer,)
        leg_class.of(peer, invite).send("BYE")
        await peer.status(200, method="BYE")
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, 200, "BYE")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(302, "Moved"), (404, "Not Found"), (480, "Gone For Lunch"), (486, "Busy Here"), (500, "Error"), (603, "Decline")],
)
async def test_a_refusal_is_told_with_its_status_and_acknowledged(open_desk: Any, status: int, reason: str) -> None:
    async with open_desk() as (desk, peer):
        elsewhere = await desk.peer()
        desk.dial()
        invite = await peer.request("INVITE")
        peer.respond(invite, status, reason, headers=(f"Contact: <sip:other@{elsewhere.here}>",))
        ack = await peer.request("ACK")
        # RFC 3261 §17.1.1.3: to where the INVITE went, whatever Contact the refusal names
        assert (ack.uri, ack.branch, ack.cseq) == (invite.uri, invite.branch, invite.cseq)
        assert ack.tag("to") == "peer"
        assert await desk.calls.end() == DialogEnd(EndedBy.PEER, status, reason)
        peer.respond(invite, status, reason)  # a repeated refusal: our ACK was lost
        assert (await peer.request("ACK")).branch == invite.branch
        assert elsewhere.seen == []


async def test_no_answer_at_all_ends_as_a_timeout_of_the_network(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        desk.dial()
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 408)
        repeats = [message for message in peer.seen if message.method == "INVITE"]
        assert len(repeats) in (6, 7), "at T1, 3*T1, 7*T1 … until 64*T1 (RFC 3261 §17.1.1.2)"
        assert len({message.branch for message in repeats}) == 1


async def test_early_media_is_passed_on(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        desk.dial()
        invite = await peer.request("INVITE")
        early = answer_to(invite, 42000)
        peer.respond(invite, 183, "Session Progress", body=early)
        assert await desk.calls.next("progress") == (183, early)
        peer.respond(invite, 200, "OK")  # a 200 without SDP stands on the early one
        await peer.request("ACK")
        assert await desk.calls.next("answered") == (early,)


async def test_we_cancel_a_ringing_call(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        dialog = desk.dial()
        invite = await peer.request("INVITE")
        peer.respond(invite, 180, "Ringing")
        await desk.calls.next("progress")
        dialog.hang_up()
        cancel = await peer.request("CANCEL")
        assert (cancel.branch, cancel.uri, cancel.cseq) == (invite.branch, invite.uri, invite.cseq)
        assert "tag=" not in cancel["to"]
        peer.respond(cancel, 200, "OK")
        peer.respond(invite, 487, "Request Terminated")
        await peer.request("ACK")
        assert await desk.calls.end() == DialogEnd(EndedBy.US, 487, "Cancelled")


async def test_a_cancel_waits_for_the_first_provisional_answer(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        dialog = desk.dial()
        invite = await peer.request("INVITE")
        dialog.hang_up()
        await asyncio.sleep(desk.t1 / 2)
        assert not [message for message in peer.seen if message.method == "CANCEL"]
        peer.respond(invite, 100, "Trying")
        peer.respond(await peer.request("CANCEL"), 200, "OK")
        peer.respond(invite, 487, "Request Terminated")
        await peer.request("ACK")


async def test_a_200_that_crosses_our_cancel_is_acknowledged_and_ended(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        dialog = desk.dial()
        invite = await peer.request("INVITE")
        peer.respond(invite, 180, "Ringing")
        await desk.calls.next("progress")
        dialog.hang_up()
        cancel = await peer.request("CANCEL")
        peer.respond(invite, 200, "OK", body=answer_to(invite))
        peer.respond(cancel, 200, "OK")
        assert (await peer.request("ACK")).cseq == invite.cseq
        bye = await peer.request("BYE")
        assert bye.cseq > invite.cseq
        peer.respond(bye, 200, "OK")
        assert [end.status for end in desk.calls.ends] == [487]


async def test_a_repeated_200_is_acknowledged_again(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        await desk.dialled_call(peer)
        invite = next(message for message in peer.seen if message.method == "INVITE")
        peer.respond(invite, 200, "OK", body=answer_to(invite))
        assert (await peer.request("ACK")).cseq == invite.cseq
        peer.respond(invite, 200, "OK", body=answer_to(invite), headers=("X-Hop: changed",))
        assert (await peer.request("ACK")).cseq == invite.cseq


async def test_a_second_answer_of_a_forked_call_is_acknowledged_and_ended(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        _, dialog = await desk.dialled_call(peer)
        invite = next(message for message in peer.seen if message.method == "INVITE")
        peer.respond(invite, 200, "OK", tag="fork", body=answer_to(invite), contact=f"sip:second@{peer.here}")
        ack = await peer.request("ACK")
        bye = await peer.request("BYE")
        assert (ack.tag("to"), bye.tag("to"), bye.uri) == ("fork", "fork", f"sip:second@{peer.here}")
        peer.respond(bye, 200, "OK")
        assert desk.calls.ends == []
        dialog.hang_up()
        bye = await peer.request("BYE")
        assert bye.tag("to") == "peer"
        peer.respond(bye, 200, "OK")


async def test_a_dialled_call_follows_the_record_route_in_reverse(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        near = await desk.peer()
        dialog = desk.dial()
        invite = await peer.request("INVITE")
        routes = ("<sip:192.0.2.9;lr>", f"<sip:{near.here};lr>")
        recorded = tuple(f"Record-Route: {route}" for route in routes)
        peer.respond(invite, 200, "OK", body=answer_to(invite), headers=recorded)
        ack = await near.request("ACK")
        assert ack.all("route") == list(reversed(routes))
        assert ack.uri == f"sip:callee@{peer.here}"
        await desk.calls.next("answered")
        dialog.hang_up()
        bye = await near.request("BYE")
        assert bye.all("route") == list(reversed(routes))
        near.respond(bye, 200, "OK")


async def test_an_answer_without_sdp_ends_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        desk.dial()
        invite = await peer.request("INVITE")
        peer.respond(invite, 200, "OK")
        await peer.request("ACK")
        peer.respond(await peer.request("BYE"), 200, "OK")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.PEER, 488)


async def test_a_number_is_escaped_and_a_uri_is_taken_as_it_is(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        for number, uri in (
            ("95#1;x=y", f"sip:95%231%3Bx=y@{peer.here}"),
            ("sip:bob@example.com", "sip:bob@example.com"),
        ):
            dialog = desk.dial(number)
            invite = await peer.request("INVITE")
            assert invite.uri == uri
            peer.respond(invite, 404, "Not Found")
            assert (await desk.calls.end()).status == 404
            dialog.hang_up()


@pytest.mark.parametrize("number", ["", "sip:", "sip:a b@c", "sip:x@host:port", "line\r\nbreak"])
async def test_what_is_no_number_ends_the_call_at_once_with_484(open_desk: Any, number: str) -> None:
    async with open_desk() as (desk, peer):
        desk.dial(number)
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 484)
        assert peer.seen == []


async def test_a_proxy_without_an_address_fails_the_call_and_not_the_desk(open_desk: Any) -> None:
    line = LineSettings("lost", peers=("127.0.0.1",), proxy="no-such-host.invalid")
    async with open_desk(line) as (desk, _peer):
        desk.dial()
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 503)


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_challenged_invite_and_bye_are_sent_again_with_credentials(
    open_desk: Any, status: int, algorithm: str, digest_of: Any
) -> None:
    desk_line = LineSettings("trunk", peers=("127.0.0.1",), proxy="127.0.0.1:9", username="desk", password="geheim")
    async with open_desk(desk_line) as (desk, peer):
        desk.line.addresses[:] = [peer.address]
        asked, sent = (
            ("WWW-Authenticate", "authorization") if status == 401 else ("Proxy-Authenticate", "proxy-authorization")
        )
        challenge = f'{asked}: Digest realm="r, s", nonce="n1", algorithm={algorithm}, qop="auth,auth-int", opaque="o"'
        dialog = desk.dial()
        first = await peer.request("INVITE")
        peer.respond(first, status, "Who Are You", headers=(challenge,))
        assert (await peer.request("ACK")).cseq == first.cseq
        second = await peer.request("INVITE")
        assert (second.cseq, second["call-id"]) == (first.cseq + 1, first["call-id"])
        assert second.branch != first.branch
        assert digest_of(second, sent, "desk", "geheim")
        peer.respond(second, 200, "OK", body=answer_to(second))
        ack = await peer.request("ACK")
        assert ack[sent] == second[sent], "RFC 3261 §13.2.2.4: the ACK carries the INVITE's credentials"
        await desk.calls.next("answered")
        dialog.hang_up()
        bye = await peer.request("BYE")
        peer.respond(bye, status, "Who Are You", headers=(challenge.replace("n1", "n2"),))
        again = await peer.request("BYE")
        assert digest_of(again, sent, "desk", "geheim")
        peer.respond(again, 200, "OK")


async def test_wrong_credentials_are_not_sent_for_ever(open_desk: Any) -> None:
    line = LineSettings("trunk", peers=("127.0.0.1",), proxy="127.0.0.1:9", username="desk", password="wrong")
    async with open_desk(line) as (desk, peer):
        desk.line.addresses[:] = [peer.address]
        desk.dial()
        for _ in range(2):
            invite = await peer.request("INVITE")
            peer.respond(invite, 401, "No", headers=('WWW-Authenticate: Digest realm="r", nonce="n"',))
            await peer.request("ACK")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.PEER, 401)
