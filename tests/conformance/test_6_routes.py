"""Proxies on the way."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.lines.sdp import make_answer, make_offer

behaviour = pytest.mark.behaviour
OFFER = make_offer("127.0.0.1", 30000)
ANSWER = make_answer(OFFER, "127.0.0.1", 40000)[0]


@behaviour("RFC 3261 §12.1.1")
async def test_a_call_through_two_proxies_is_ended_along_its_route(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        far = await desk.peer()
        leg = leg_class(pbx, "1001", "13800001234", contact=f"sip:phone@{far.here}")
        routes = (f"<sip:{pbx.here};lr>", "<sip:192.0.2.7;lr;x=y>")
        leg.invite(headers=tuple(f"Record-Route: {route}" for route in routes))
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        assert (await leg.final(200)).all("record-route") == list(routes)
        leg.ack()
        await desk.calls.next("confirmed")
        dialog.hang_up()
        bye = await pbx.request("BYE")
        assert bye.all("route") == list(routes)
        assert bye.uri == f"sip:phone@{far.here}"
        pbx.respond(bye, 200, "OK")


@behaviour("RFC 3261 §12.1.2")
@pytest.mark.parametrize("form", ["in two headers", "in one header"])
async def test_a_dialled_call_follows_the_record_route_in_reverse(open_desk: Any, form: str) -> None:
    async with open_desk() as (desk, pbx):
        near = await desk.peer()
        dialog = desk.dial()
        invite = await pbx.request("INVITE")
        routes = ("<sip:192.0.2.9;lr>", f"<sip:{near.here};lr>")
        recorded = tuple(f"Record-Route: {route}" for route in routes)
        if form == "in one header":
            recorded = (f"Record-Route: {', '.join(routes)}",)
        pbx.respond(invite, 200, "OK", body=make_answer(invite.body, "127.0.0.1", 41000)[0], headers=recorded)
        ack = await near.request("ACK")
        assert ack.all("route") == list(reversed(routes))
        assert ack.uri == f"sip:callee@{pbx.here}"
        await desk.calls.next("answered")
        dialog.hang_up()
        bye = await near.request("BYE")
        assert bye.all("route") == list(reversed(routes))
        assert bye.uri == f"sip:callee@{pbx.here}"
        near.respond(bye, 200, "OK")


@behaviour("RFC 3261 §12.2.1.1")
async def test_a_strict_router_gets_its_own_address_as_request_uri(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        strict = await desk.peer()
        dialog = desk.dial()
        invite = await pbx.request("INVITE")
        recorded = ("Record-Route: <sip:192.0.2.9;lr>", f"Record-Route: <sip:strict@{strict.here}>")
        pbx.respond(invite, 200, "OK", body=make_answer(invite.body, "127.0.0.1", 41000)[0], headers=recorded)
        ack = await strict.request("ACK")
        await desk.calls.next("answered")
        dialog.hang_up()
        bye = await strict.request("BYE")
        for request in (ack, bye):
            assert request.uri == f"sip:strict@{strict.here}"
            assert request.all("route") == ["<sip:192.0.2.9;lr>", f"<sip:callee@{pbx.here}>"]
        strict.respond(bye, 200, "OK")


@behaviour("RFC 3261 §12.2.1.2", needs="hold")
async def test_the_route_of_a_call_never_changes_within_it(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        leg = leg_class(pbx, "1001", "1")
        leg.invite(headers=(f"Record-Route: <sip:{pbx.here};lr>",))
        dialog, *_ = await desk.calls.next("incoming")
        dialog.answer(ANSWER)
        await leg.answered()
        await desk.calls.next("confirmed")
        leg.invite(OFFER, headers=("Record-Route: <sip:192.0.2.66;lr>",))
        await desk.calls.next("reoffer")
        dialog.accept_reoffer(ANSWER)
        await leg.answered()
        dialog.reinvite(OFFER)
        invite = await pbx.request("INVITE")
        assert invite.all("route") == [f"<sip:{pbx.here};lr>"]
        recorded = ("Record-Route: <sip:192.0.2.77;lr>",)
        pbx.respond(invite, 200, "OK", body=ANSWER, headers=recorded)
        assert (await pbx.request("ACK")).all("route") == [f"<sip:{pbx.here};lr>"]


@behaviour("RFC 3261 §8.2.6.2")
async def test_all_via_lines_come_back_in_order(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, pbx):
        vias = ('SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;odd="x"', "SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bKb")
        for form in (tuple(f"Via: {via}" for via in vias), (f"v: {vias[0]} , {vias[1]}",)):
            text = leg_class(pbx, "1001", "1").build("OPTIONS").decode()
            pbx.send(text.replace("\r\nMax-Forwards", "\r\n" + "\r\n".join(form) + "\r\nMax-Forwards"))
            answer = await pbx.status(200)
            found = [via for line in answer.all("via")[1:] for via in _split(line)]
            assert found == list(vias)


def _split(line: str) -> list[str]:
    return [part.strip() for part in line.replace(", SIP", "\nSIP").replace(" ,SIP", "\nSIP").split("\n")]


@behaviour("RFC 3581 §4")
async def test_a_response_goes_back_to_where_the_request_came_from(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (_desk, pbx):
        text = leg_class(pbx, "1001", "1").build("OPTIONS").decode()
        pbx.send(text.replace(f"SIP/2.0/UDP {pbx.here};rport", "SIP/2.0/UDP nat.invalid:9;rport", 1))
        via = (await pbx.status(200))["via"]
        assert f"received={pbx.address[0]}" in via
        assert f"rport={pbx.address[1]}" in via
