"""Within a standing call: hold, offers both ways, digits, other methods."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telephony.lines.line import EndedBy
from telephony.lines.sdp import make_answer, make_offer, read_answer

behaviour = pytest.mark.behaviour
HOLD = make_offer("127.0.0.1", 30000, version=2, direction="sendonly")
OURS = make_offer("127.0.0.1", 40000, version=2, direction="sendonly")
ANSWER = make_answer(HOLD, "127.0.0.1", 40000)[0]


@behaviour("RFC 3264 §8.4", needs="hold")
@pytest.mark.parametrize("kind", ["answered_call", "dialled_call"])
async def test_the_peer_holds_and_resumes(open_desk: Any, kind: str) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await getattr(desk, kind)(pbx)
        old = make_offer("0.0.0.0", 30000, version=2)
        for offer, mirrored in (
            (HOLD, "recvonly"),
            (make_offer("127.0.0.1", 30000, version=3, direction="inactive"), "inactive"),
            (make_offer("127.0.0.1", 30000, version=4), "sendrecv"),
            (old, "recvonly"),  # the hold of RFC 2543
            (make_offer("127.0.0.1", 30000, version=5), "sendrecv"),
        ):
            leg.invite(offer)
            assert await desk.calls.next("reoffer") == (offer,)
            answer, negotiated = make_answer(offer, "127.0.0.1", 40000)
            assert negotiated.direction == mirrored
            dialog.accept_reoffer(answer)
            assert (await leg.answered()).body == answer
        assert desk.calls.ends == []


@behaviour("RFC 3264 §8.4", needs="hold")
@pytest.mark.parametrize("kind", ["answered_call", "dialled_call"])
async def test_we_hold_and_resume(open_desk: Any, kind: str) -> None:
    async with open_desk() as (desk, pbx):
        _, dialog = await getattr(desk, kind)(pbx)
        for direction in ("sendonly", "inactive", "sendrecv"):
            dialog.reinvite(make_offer("127.0.0.1", 40000, version=2, direction=direction))
            invite = await pbx.request("INVITE")
            assert f"a={direction}" in invite.body
            assert invite["contact"]
            answer = make_answer(invite.body, "127.0.0.1", 30000)[0]
            pbx.respond(invite, 200, "OK", body=answer)
            assert (await pbx.request("ACK")).cseq == invite.cseq
            assert await desk.calls.next("reinvite_done") == (200, answer)
            assert read_answer(answer).direction == direction


@behaviour("RFC 3261 §13.2.2.4", needs="hold")
async def test_a_repeated_200_to_our_reinvite_is_acknowledged_again(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        _, dialog = await desk.answered_call(pbx)
        dialog.reinvite(OURS)
        invite = await pbx.request("INVITE")
        for _ in range(3):
            pbx.respond(invite, 200, "OK", body=make_answer(OURS, "127.0.0.1", 30000)[0])
            assert (await pbx.request("ACK")).cseq == invite.cseq
        assert (await desk.calls.next("reinvite_done"))[0] == 200
        assert desk.calls.reports.empty()


@behaviour("RFC 3261 §14.2", needs="hold")
async def test_an_offer_of_the_peer_that_we_refuse_leaves_the_call_as_it_was(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.reject_reoffer()
        await leg.final(488)
        leg.ack(refused=True)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(ANSWER)
        await leg.answered()
        assert desk.calls.ends == []


@behaviour("RFC 3261 §14.1", needs="hold")
@pytest.mark.parametrize("status", [403, 488, 500, 606])
async def test_a_reinvite_that_the_peer_refuses_leaves_the_call_as_it_was(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, pbx):
        _, dialog = await desk.answered_call(pbx)
        dialog.reinvite(OURS)
        invite = await pbx.request("INVITE")
        pbx.respond(invite, status, "No", headers=("Contact: <sip:lost@192.0.2.1>", "Retry-After: 1"))
        assert (await pbx.request("ACK")).branch == invite.branch
        assert await desk.calls.next("reinvite_done") == (status, "")
        dialog.reinvite(OURS)
        invite = await pbx.request("INVITE")
        pbx.respond(invite, 200, "OK", body=make_answer(invite.body, "127.0.0.1", 30000)[0])
        await pbx.request("ACK")
        assert (await desk.calls.next("reinvite_done"))[0] == 200


@behaviour("RFC 3261 §12.2.1.2", needs="hold")
@pytest.mark.parametrize("status", [408, 481])
async def test_a_reinvite_answered_408_or_481_ends_the_call(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, pbx):
        _, dialog = await desk.answered_call(pbx)
        dialog.reinvite(OURS)
        pbx.respond(await pbx.request("INVITE"), status, "Gone")
        pbx.respond(await pbx.request("BYE"), 481, "Gone")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, status)


@behaviour("RFC 3261 §14.2", needs="late_offer")
async def test_a_reinvite_without_sdp_is_a_late_offer(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        leg.invite("")
        assert await desk.calls.next("reoffer") == ("",)
        dialog.accept_reoffer(OURS)
        assert (await leg.final(200)).body == OURS
        theirs = make_answer(OURS, "127.0.0.1", 31000)[0]
        leg.ack(theirs)
        assert await desk.calls.next("confirmed") == (theirs,)


@behaviour("RFC 3261 §12.2.1.2", needs="hold")
async def test_a_reinvite_moves_the_target_of_later_requests(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        moved = await desk.peer()
        leg.contact = f"sip:moved@{moved.here}"
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(ANSWER)
        await leg.answered()
        dialog.hang_up()
        bye = await moved.request("BYE")
        moved.respond(bye, 200, "OK")
        assert bye.uri == leg.contact


@behaviour("RFC 3261 §9.2", needs="hold")
async def test_the_cancel_of_a_reinvite_leaves_the_call(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        leg.cancel()
        await leg.final(487)
        leg.ack(refused=True)
        dialog.accept_reoffer(ANSWER)
        leg.send("OPTIONS")
        await pbx.status(200, method="OPTIONS")
        assert desk.calls.ends == []


@behaviour("RFC 3261 §14.2", needs="hold")
async def test_an_answer_to_a_reinvite_that_is_never_acknowledged_ends_the_call(open_desk: Any) -> None:
    async with open_desk(t1=0.01) as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(ANSWER)
        pbx.respond(await pbx.request("BYE"), 200, "OK")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 408)


@behaviour("RFC 3261 §17.1.1.2", needs="hold")
async def test_a_reinvite_that_nobody_answers_ends_the_call(open_desk: Any) -> None:
    async with open_desk(t1=0.01) as (desk, pbx):
        _, dialog = await desk.answered_call(pbx)
        dialog.reinvite(OURS)
        pbx.respond(await pbx.request("BYE"), 200, "OK")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 408)


@behaviour("RFC 3261 §14.1", needs="hold")
@pytest.mark.parametrize("kind", ["answered_call", "dialled_call"])
async def test_a_reinvite_that_crosses_the_peers_is_tried_again_after_the_491(open_desk: Any, kind: str) -> None:
    async with open_desk() as (desk, pbx):
        _, dialog = await getattr(desk, kind)(pbx)
        dialog.reinvite(OURS)
        ours = await pbx.request("INVITE")
        pbx.respond(ours, 491, "Request Pending")
        assert (await pbx.request("ACK")).branch == ours.branch
        again = await pbx.request("INVITE")
        assert (again.body, again.cseq) == (OURS, ours.cseq + 1)
        pbx.respond(again, 200, "OK", body=make_answer(again.body, "127.0.0.1", 30000)[0])
        await pbx.request("ACK")
        assert (await desk.calls.next("reinvite_done"))[0] == 200


@behaviour("RFC 3261 §14.1", needs="hold")
async def test_who_chose_the_call_id_waits_longer_after_a_491(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        _, dialog = await desk.dialled_call(pbx)
        dialog.reinvite(OURS)
        pbx.respond(await pbx.request("INVITE"), 491, "Request Pending")
        began = asyncio.get_running_loop().time()
        again = await pbx.request("INVITE")
        # 2.1 s to 4 s at the usual T1 of half a second
        assert asyncio.get_running_loop().time() - began >= 4.2 * desk.t1
        pbx.respond(again, 200, "OK", body=make_answer(again.body, "127.0.0.1", 30000)[0])
        await pbx.request("ACK")


@behaviour("RFC 3261 §14.2", needs="hold")
async def test_a_reinvite_that_crosses_ours_is_refused_with_491(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        dialog.reinvite(OURS)
        ours = await pbx.request("INVITE")
        leg.invite(HOLD)
        await leg.final(491)
        leg.ack(refused=True)
        pbx.respond(ours, 200, "OK", body=make_answer(OURS, "127.0.0.1", 30000)[0])
        await pbx.request("ACK")
        assert (await desk.calls.next("reinvite_done"))[0] == 200
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(ANSWER)
        await leg.answered()


@behaviour("RFC 3261 §14.2", needs="hold")
async def test_a_second_offer_while_the_first_is_open_is_refused_with_500_and_retry_after(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        leg.send("UPDATE", HOLD)
        await desk.calls.next("reoffer")
        leg.invite(HOLD)
        assert (await leg.final(500))["retry-after"].isdigit()
        leg.ack(refused=True)
        dialog.accept_reoffer(ANSWER)
        await pbx.status(200, method="UPDATE")


@behaviour("RFC 3261 §14.1", needs="hold")
async def test_an_offer_of_ours_while_the_peers_is_open_waits_its_turn(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        leg.invite(HOLD)
        await desk.calls.next("reoffer")
        dialog.reinvite(OURS)
        dialog.accept_reoffer(ANSWER)
        await leg.answered()
        invite = await pbx.request("INVITE")
        assert invite.body == OURS
        pbx.respond(invite, 200, "OK", body=make_answer(OURS, "127.0.0.1", 30000)[0])
        await pbx.request("ACK")


@behaviour("RFC 3311 §5.2", needs="hold")
async def test_an_update_with_an_offer_is_answered_like_a_reinvite(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        leg.send("UPDATE", HOLD)
        assert await desk.calls.next("reoffer") == (HOLD,)
        dialog.accept_reoffer(ANSWER)
        assert (await pbx.status(200, method="UPDATE")).body == ANSWER
        leg.send("UPDATE", HOLD)
        await desk.calls.next("reoffer")
        dialog.reject_reoffer(488)
        await pbx.status(488, method="UPDATE")
        assert desk.calls.ends == []


@behaviour("RFC 3264 §5", needs="hold")
async def test_sdp_that_makes_no_sense_reaches_the_core_whole_and_harms_nothing(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        for garbage in ("v=0\r\nm=audio -1 RTP/AVP 999999999999\r\n", "\x00\x01\x02", "m=" * 500):
            leg.invite(garbage)
            assert await desk.calls.next("reoffer") == (garbage,)
            dialog.reject_reoffer(488)
            await leg.final(488)
            leg.ack(refused=True)
        assert desk.calls.ends == []


@behaviour("RFC 6086 §4", needs="dtmf_info")
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
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        leg.send("INFO", body, kind=kind)
        await pbx.status(200, method="INFO")
        assert await desk.calls.next("digit") == (digit,)
        pbx.send(leg.requests["INFO"])  # repeated: no second digit
        await pbx.status(200, method="INFO")
        leg.send("INFO", "1", kind="application/dtmf")
        assert await desk.calls.next("digit") == ("1",)


@behaviour("RFC 6086 §4.2.2", needs="dtmf_info")
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
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        leg.send("INFO", body, kind=kind)
        answer = await pbx.status(status, method="INFO")
        assert status != 415 or "application/dtmf-relay" in answer["accept"]
        assert desk.calls.ends == []


@behaviour("RFC 3261 §8.2.1")
@pytest.mark.parametrize(
    ("method", "status"),
    [("UPDATE", 200), ("NOTIFY", 200), ("OPTIONS", 200), ("PRACK", 405), ("MESSAGE", 405), ("FLY", 405)],
)
async def test_other_methods_within_a_call_are_answered(open_desk: Any, method: str, status: int) -> None:
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        leg.send(method)
        answer = await pbx.status(status, method=method)
        if status == 405:
            assert "INVITE" in answer["allow"]
            assert method not in answer["allow"]
        assert desk.calls.ends == []


@behaviour("RFC 3261 §8.2.2.3")
async def test_a_required_extension_is_refused_by_name_within_a_call(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        leg.send("INFO", headers=("Require: flying, 100rel",))
        assert (await pbx.status(420))["unsupported"] == "flying, 100rel"
        leg.send("BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER


@behaviour("RFC 3261 §12.2.2")
async def test_a_request_with_an_old_cseq_is_refused_with_500(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        leg.send("INFO", cseq=0)
        await pbx.status(500, method="INFO")
        leg.send("BYE", cseq=0)
        await pbx.status(500, method="BYE")
        assert desk.calls.ends == []


@behaviour("RFC 3261 §12.2.2")
@pytest.mark.parametrize("side", ["remote", "local"])
async def test_a_request_whose_tags_fit_no_call_is_refused_with_481(open_desk: Any, side: str) -> None:
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        setattr(leg, side, getattr(leg, side).replace("tag=", "tag=x"))
        for method in ("BYE", "INFO", "INVITE", "UPDATE", "REFER", "NOTIFY"):
            leg.send(method)
            await pbx.status(481, method=method)
        assert desk.calls.ends == []


@behaviour("RFC 3261 §26.1.4")
async def test_a_forged_bye_of_a_stranger_is_refused(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        stranger = await desk.peer("127.0.0.2")
        leg_class(stranger, "1001", "1", call_id=leg.call_id).send("BYE")
        leg_class(stranger, "1001", "1", call_id=leg.call_id, remote="<sip:1001@x>;tag=guess").send("BYE")
        for _ in range(2):
            await stranger.status(403, 481, method="BYE")
        assert desk.calls.ends == []
        leg.send("BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER


@behaviour("RFC 3261 §12.2.2")
async def test_a_request_from_elsewhere_is_taken_when_its_tags_are_right(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        other = await desk.peer("127.0.0.3")
        datagram = leg.build("BYE").replace(pbx.here.encode(), other.here.encode(), 1)
        other.send(datagram.replace(leg.remote.encode(), b"<sip:1001@x>;tag=guess"))
        assert (await other.status(403, 481)).method == "BYE"
        other.send(datagram)
        await other.status(200, method="BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER
