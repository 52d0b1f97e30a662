"""What may happen within a standing call: hold both ways, digits, transfer, unknown methods, lost dialogs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import EndedBy
from telephony.lines.sdp import make_answer, make_offer, read_answer

HOLD = make_offer("127.0.0.1", 30000, version=2, direction="sendonly")
OURS = make_offer("127.0.0.1", 40000, version=2, direction="sendonly")


async def test_the_peer_holds_and_resumes(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        for direction, mirrored in (("sendonly", "recvonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")):
            offer = make_offer("127.0.0.1", 30000, version=2, direction=direction)
            leg.invite(offer)
            assert await desk.calls.next("reoffer") == (offer,)
            answer, negotiated = make_answer(offer, "127.0.0.1", 40000)
            assert negotiated.direction == mirrored
            dialog.accept_reoffer(answer)
            assert (await leg.answered()).body == answer


async def test_a_reoffer_that_we_refuse_leaves_the_call_as_it_was(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.reject_reoffer()
        await leg.final(488)
        leg.ack(refused=True)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(make_answer(HOLD, "127.0.0.1", 40000)[0])
        await leg.answered()
        assert desk.calls.ends == []


async def test_a_reinvite_without_sdp_is_a_late_offer(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        leg.invite("")
        assert await desk.calls.next("reoffer") == ("",)
        dialog.accept_reoffer(OURS)
        assert (await leg.final(200)).body == OURS
        theirs = make_answer(OURS, "127.0.0.1", 31000)[0]
        leg.ack(theirs)
        assert await desk.calls.next("confirmed") == (theirs,)


async def test_a_reinvite_moves_the_target_of_later_requests(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        moved = await desk.peer()
        leg.contact = f"sip:moved@{moved.here}"
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(make_answer(HOLD, "127.0.0.1", 40000)[0])
        await leg.answered()
        dialog.hang_up()
        bye = await moved.request("BYE")
        moved.respond(bye, 200, "OK")
        assert bye.uri == leg.contact


async def test_the_cancel_of_a_reinvite_leaves_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        leg.cancel()
        await leg.final(487)
        leg.ack(refused=True)
        dialog.accept_reoffer(make_answer(HOLD, "127.0.0.1", 40000)[0])
        leg.send("OPTIONS")
        await peer.status(200, method="OPTIONS")
        assert desk.calls.ends == []


async def test_a_reinvite_of_ours_that_is_never_acknowledged_by_the_peer_ends_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(make_answer(HOLD, "127.0.0.1", 40000)[0])
        peer.respond(await peer.request("BYE"), 200, "OK")
        assert (await desk.calls.end()).by is EndedBy.NETWORK


@pytest.mark.parametrize("kind", ["answered_call", "dialled_call"])
async def test_we_hold_and_resume(open_desk: Any, kind: str) -> None:
    async with open_desk() as (desk, peer):
        _, dialog = await getattr(desk, kind)(peer)
        for direction in ("sendonly", "sendrecv"):
            dialog.reinvite(make_offer("127.0.0.1", 40000, version=2, direction=direction))
            invite = await peer.request("INVITE")
            assert f"a={direction}" in invite.body
            answer = make_answer(invite.body, "127.0.0.1", 30000)[0]
            peer.respond(invite, 200, "OK", body=answer)
            assert (await peer.request("ACK")).cseq == invite.cseq
            assert await desk.calls.next("reinvite_done") == (200, answer)
            assert read_answer(answer).direction == direction


async def test_a_refused_hold_keeps_the_call_and_the_next_one_goes_through(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        _, dialog = await desk.answered_call(peer)
        dialog.reinvite(OURS)
        invite = await peer.request("INVITE")
        peer.respond(invite, 488, "Not Acceptable Here", headers=("Contact: <sip:lost@192.0.2.1>",))
        assert (await peer.request("ACK")).branch == invite.branch
        assert await desk.calls.next("reinvite_done") == (488, "")
        dialog.reinvite(OURS)
        invite = await peer.request("INVITE")
        peer.respond(invite, 200, "OK", body=make_answer(invite.body, "127.0.0.1", 30000)[0])
        await peer.request("ACK")
        assert (await desk.calls.next("reinvite_done"))[0] == 200


async def test_reinvites_that_cross_are_refused_with_491_and_tried_again(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        dialog.reinvite(OURS)
        ours = await peer.request("INVITE")
        leg.invite(HOLD)
        await leg.final(491)
        leg.ack(refused=True)
        peer.respond(ours, 491, "Request Pending")
        await peer.request("ACK")
        again = await peer.request("INVITE")
        assert again.body == OURS
        peer.respond(again, 200, "OK", body=make_answer(again.body, "127.0.0.1", 30000)[0])
        await peer.request("ACK")
        assert (await desk.calls.next("reinvite_done"))[0] == 200


async def test_the_owner_of_the_call_id_waits_longer_after_a_491(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        _, dialog = await desk.dialled_call(peer)
        dialog.reinvite(OURS)
        peer.respond(await peer.request("INVITE"), 491, "Request Pending")
        began = asyncio.get_running_loop().time()
        again = await peer.request("INVITE")
        # 2.1 to 4 s at the usual T1 of half a second
        assert 4.2 * desk.t1 <= asyncio.get_running_loop().time() - began
        peer.respond(again, 200, "OK", body=make_answer(again.body, "127.0.0.1", 30000)[0])
        await peer.request("ACK")
        assert (await desk.calls.next("reinvite_done"))[0] == 200


@pytest.mark.parametrize("status", [408, 481])
async def test_a_reinvite_answered_408_or_481_ends_the_call(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, peer):
        _, dialog = await desk.answered_call(peer)
        dialog.reinvite(OURS)
        peer.respond(await peer.request("INVITE"), status, "Gone")
        peer.respond(await peer.request("BYE"), 481, "Gone")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, status)


async def test_an_offer_made_while_the_peers_is_open_waits_its_turn(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.reinvite(OURS)
        dialog.accept_reoffer(make_answer(HOLD, "127.0.0.1", 40000)[0])
        await leg.answered()
        invite = await peer.request("INVITE")
        assert invite.body == OURS
        peer.respond(invite, 200, "OK", body=make_answer(OURS, "127.0.0.1", 30000)[0])
        await peer.request("ACK")


@pytest.mark.parametrize(
    ("kind", "body", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", "Signal= *\nDuration= 250", "*"),
        ("application/dtmf-relay; charset=x", "Duration=100\r\nSignal=11\r\n", "#"),
        ("application/dtmf", "8", "8"),
        ("Application/DTMF", "d\r\n", "D"),
    ],
)
async def test_digits_by_info_are_reported(open_desk: Any, kind: str, body: str, digit: str) -> None:
    async with open_desk() as (desk, peer):
        leg, _ = await desk.answered_call(peer)
        leg.send("INFO", body, kind=kind)
        await peer.status(200, method="INFO")
        assert await desk.calls.next("digit") == (digit,)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/dtmf-relay", "Signal=55\r\n", 400),
        ("application/dtmf-relay", "nonsense", 400),
        ("application/dtmf", "", 200),
        ("application/media_control+xml", "<x/>", 415),
    ],
)
async def test_an_info_without_a_digit_is_answered_and_harmless(
    open_desk: Any, kind: str, body: str, status: int
) -> None:
    async with open_desk() as (desk, peer):
        leg, _ = await desk.answered_call(peer)
        leg.send("INFO", body, kind=kind)
        await peer.status(status, method="INFO")
        assert desk.calls.ends == []


@pytest.mark.parametrize(
    ("method", "status"),
    [("UPDATE", 200), ("NOTIFY", 200), ("OPTIONS", 200), ("REFER", 400), ("MESSAGE", 405), ("FLY", 405)],
)
async def test_other_methods_within_a_call_are_answered(open_desk: Any, method: str, status: int) -> None:
    async with open_desk() as (desk, peer):
        leg, _ = await desk.answered_call(peer)
        leg.send(method)
        answer = await peer.status(status, method=method)
        if status == 405:
            assert "INVITE" in answer["allow"]
        assert desk.calls.ends == []


async def test_an_update_with_an_offer_is_answered_like_a_reinvite(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        leg.send("UPDATE", HOLD)
        assert await desk.calls.next("reoffer") == (HOLD,)
        answer = make_answer(HOLD, "127.0.0.1", 40000)[0]
        dialog.accept_reoffer(answer)
        assert (await peer.status(200, method="UPDATE")).body == answer


async def test_a_required_extension_is_refused_by_name(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, _ = await desk.answered_call(peer)
        leg.send("INFO", headers=("Require: flying, 100rel",))
        assert (await peer.status(420))["unsupported"] == "flying, 100rel"
        assert desk.calls.ends == []


async def test_an_old_cseq_is_refused(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, _ = await desk.answered_call(peer)
        leg.send("INFO", cseq=0)
        assert (await peer.status(500, method="INFO")).status == 500


async def test_a_request_in_no_dialog_is_refused_with_481(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, _ = await desk.answered_call(peer)
        leg.remote = leg.remote.replace("tag=", "tag=x")
        for method in ("BYE", "INFO", "INVITE"):
            leg.send(method)
            assert (await peer.status(481, method=method)).status == 481
        assert desk.calls.ends == []


async def test_a_transfer_that_succeeds_ends_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        dialog.refer("8001")
        refer = await peer.request("REFER")
        assert refer["refer-to"] == f"<sip:8001@{peer.here}>"
        assert refer["referred-by"]
        peer.respond(refer, 202, "Accepted")
        subscription = ("Event: refer", "Subscription-State: active")
        for status in ("SIP/2.0 100 Trying", "SIP/2.0 200 OK"):
            leg.send("NOTIFY", status, kind="message/sipfrag", headers=subscription)
            await peer.status(200, method="NOTIFY")
        peer.respond(await peer.request("BYE"), 200, "OK")
        assert (await desk.calls.end()).by is EndedBy.US


@pytest.mark.parametrize("status", [403, 603])
async def test_a_refused_transfer_keeps_the_call(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        dialog.refer("sip:ward@example.com")
        refer = await peer.request("REFER")
        assert refer["refer-to"] == "<sip:ward@example.com>"
        peer.respond(refer, status, "No")
        leg.send("OPTIONS")
        await peer.status(200, method="OPTIONS")
        assert desk.calls.ends == []


async def test_a_transfer_whose_target_refuses_keeps_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, dialog = await desk.answered_call(peer)
        dialog.refer("8001")
        peer.respond(await peer.request("REFER"), 202, "Accepted")
        leg.send("NOTIFY", "SIP/2.0 486 Busy Here", kind="message/sipfrag")
        await peer.status(200, method="NOTIFY")
        leg.send("OPTIONS")
        await peer.status(200, method="OPTIONS")
        assert desk.calls.ends == []


async def test_a_bye_from_elsewhere_ends_the_call_when_its_tags_are_right(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, peer):
        leg, _ = await desk.answered_call(peer)
        other = await desk.peer("127.0.0.3")
        datagram = leg.build("BYE").replace(peer.here.encode(), other.here.encode(), 1)
        other.send(datagram.replace(leg.remote.encode(), b"<sip:4001@x>;tag=guess"))
        assert (await other.status(481)).status == 481
        other.send(datagram)
        await other.status(200, method="BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER
