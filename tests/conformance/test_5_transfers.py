"""Transfers by REFER."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.lines.line import DialogEnd, EndedBy

behaviour = pytest.mark.behaviour


def notify(leg: Any, status: str, state: str = "active;expires=60", event: str = "refer") -> None:
    headers = (f"Event: {event}", f"Subscription-State: {state}")
    leg.send("NOTIFY", f"SIP/2.0 {status}\r\n", kind="message/sipfrag;version=2.0", headers=headers)


@behaviour("RFC 3515 §2.4", needs="refer")
@pytest.mark.parametrize("kind", ["answered_call", "dialled_call"])
async def test_a_transfer_that_succeeds_is_told_and_ends_the_call(open_desk: Any, kind: str) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await getattr(desk, kind)(pbx)
        dialog.refer("8001")
        refer = await pbx.request("REFER")
        assert refer["refer-to"] == "<sip:8001@pbx.test>"
        assert refer["referred-by"]
        pbx.respond(refer, 202, "Accepted")
        for status in ("100 Trying", "180 Ringing", "200 OK"):
            notify(leg, status, "terminated;reason=noresource" if status == "200 OK" else "active")
            await pbx.status(200, method="NOTIFY")
        assert await desk.calls.next("refer_done") == (200, "OK")
        pbx.respond(await pbx.request("BYE"), 200, "OK")
        assert await desk.calls.end() == DialogEnd(EndedBy.US, 200, "Transferred")


@behaviour("RFC 3515 §2.4.4", needs="refer")
async def test_a_notify_that_overtakes_the_202_counts(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        dialog.refer("8001")
        refer = await pbx.request("REFER")
        notify(leg, "200 OK", "terminated;reason=noresource")
        await pbx.status(200, method="NOTIFY")
        pbx.respond(refer, 202, "Accepted")
        assert (await desk.calls.next("refer_done"))[0] == 200
        pbx.respond(await pbx.request("BYE"), 200, "OK")
        await desk.calls.end()


@behaviour("RFC 3515 §2.4.2", needs="refer")
@pytest.mark.parametrize("status", [403, 405, 500, 603])
async def test_a_refused_transfer_is_told_and_keeps_the_call(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        for _ in range(2):
            dialog.refer("sip:ward@example.com")
            refer = await pbx.request("REFER")
            assert refer["refer-to"] == "<sip:ward@example.com>"
            pbx.respond(refer, status, "No")
            assert await desk.calls.next("refer_done") == (status, "No")
        leg.send("OPTIONS")
        await pbx.status(200, method="OPTIONS")
        assert desk.calls.ends == []


@behaviour("RFC 3515 §2.4.5", needs="refer")
@pytest.mark.parametrize("status", ["404 Not Found", "486 Busy Here", "603 Decline"])
async def test_a_transfer_whose_target_refuses_is_told_and_keeps_the_call(open_desk: Any, status: str) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        dialog.refer("8001")
        pbx.respond(await pbx.request("REFER"), 202, "Accepted")
        notify(leg, "100 Trying")
        notify(leg, status, "terminated;reason=noresource")
        code, _, reason = status.partition(" ")
        assert await desk.calls.next("refer_done") == (int(code), reason)
        leg.send("OPTIONS")
        await pbx.status(200, method="OPTIONS")
        assert desk.calls.ends == []


@behaviour("RFC 3515 §2.4.6", needs="refer")
@pytest.mark.parametrize("way", ["no answer", "no NOTIFY", "a NOTIFY that ends without a result"])
async def test_a_transfer_of_which_nothing_is_heard_is_told_as_408_and_keeps_the_call(open_desk: Any, way: str) -> None:
    async with open_desk(t1=0.01) as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        dialog.refer("8001")
        refer = await pbx.request("REFER")
        if way != "no answer":
            pbx.respond(refer, 202, "Accepted")
        if way.startswith("a NOTIFY"):
            notify(leg, "100 Trying", "terminated;reason=timeout")
        assert (await desk.calls.next("refer_done"))[0] == 408
        leg.send("OPTIONS")
        await pbx.status(200, method="OPTIONS")
        assert desk.calls.ends == []


@behaviour("RFC 3515 §2.4", needs="refer")
async def test_a_call_that_the_peer_ends_during_a_transfer_is_ended_by_the_peer(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        dialog.refer("8001")
        pbx.respond(await pbx.request("REFER"), 202, "Accepted")
        leg.send("BYE")
        assert (await desk.calls.end()).by is EndedBy.PEER
        notify(leg, "200 OK", "terminated;reason=noresource")
        await pbx.status(481, method="NOTIFY")


@behaviour("RFC 3515 §2.4.1", needs="refer")
async def test_what_cannot_be_a_transfers_target_is_told_at_once(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        _, dialog = await desk.answered_call(pbx)
        dialog.refer("sip:a b@c")
        assert (await desk.calls.next("refer_done"))[0] == 484
        dialog.refer("8001")
        dialog.refer("8002")
        assert (await desk.calls.next("refer_done"))[0] == 491
        pbx.respond(await pbx.request("REFER"), 603, "Decline")
        assert (await desk.calls.next("refer_done"))[0] == 603


@behaviour("RFC 3515 §2.4.2", needs="refer")
async def test_a_transfer_that_the_peer_asks_for_is_declined_unless_the_core_takes_it(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg, _ = await desk.answered_call(pbx)
        leg.send("REFER", headers=("Refer-To: <sip:8001@pbx.test;user=phone>;method=INVITE",))
        assert "Declined" in (await pbx.status(603, method="REFER")).start
        assert await desk.calls.next("refer") == ("sip:8001@pbx.test;user=phone",)
        assert desk.calls.ends == []


@behaviour("RFC 3515 §2.4.4", needs="refer")
@pytest.mark.parametrize("result", [200, 486])
async def test_a_transfer_that_the_core_takes_is_accepted_and_its_course_told(open_desk: Any, result: int) -> None:
    async with open_desk() as (desk, pbx):
        desk.calls.takes_transfers = True
        leg, dialog = await desk.answered_call(pbx)
        for serial in range(2):
            leg.send("REFER", headers=("Refer-To: sip:8001@pbx.test",))
            await pbx.status(202, method="REFER")
            assert await desk.calls.next("refer") == ("sip:8001@pbx.test",)
            for status, state in ((100, "active"), (180, "active"), (result, "terminated")):
                if status != 100:
                    dialog.refer_result(status)
                told = await pbx.request("NOTIFY")
                assert told["event"] == ("refer" if not serial else f"refer;id={leg.cseq}")
                assert told["subscription-state"].startswith(state)
                assert told["content-type"].startswith("message/sipfrag")
                assert told.body.startswith(f"SIP/2.0 {status} ")
                pbx.respond(told, 200, "OK")
            dialog.refer_result(200)  # after the end of it
        assert desk.calls.ends == []
        dialog.hang_up()
        pbx.respond(await pbx.request("BYE"), 200, "OK")


@behaviour("RFC 3515 §2.4.2", needs="refer")
@pytest.mark.parametrize(
    ("targets", "status"),
    [
        ((), 400),
        (("<sip:a@b>", "<sip:c@d>"), 400),
        (("<gopher:a@b>",), 416),
        (("<sip:a@b?Replaces=x%3Bto-tag%3D1>",), 603),
    ],
)
async def test_a_refer_that_we_cannot_follow_is_refused(open_desk: Any, targets: tuple[str, ...], status: int) -> None:
    async with open_desk() as (desk, pbx):
        desk.calls.takes_transfers = True
        leg, _ = await desk.answered_call(pbx)
        leg.send("REFER", headers=tuple(f"Refer-To: {target}" for target in targets))
        await pbx.status(status, method="REFER")
        assert desk.calls.ends == []


@behaviour("RFC 3515 §2.4.2", needs="refer")
async def test_a_refer_outside_a_call_is_declined(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg_class(pbx, "1001", "1").send("REFER", headers=("Refer-To: <sip:8001@pbx.test>",))
        await pbx.status(603, method="REFER")
        assert desk.calls.incoming == []
