"""Responses of the sippy driver to requests that came in."""

from __future__ import annotations

from typing import Any

from telephony.lines.sippy_message import Request, parse
from telephony.lines.sippy_overrides import install

INVITE = (
    "INVITE sip:1000@desk.invalid SIP/2.0\r\n"
    "v: SIP/2.0/UDP proxy.invalid;branch=z9hG4bK2,SIP/2.0/UDP phone.invalid:5070;branch=z9hG4bK1\r\n"
    "Record-Route: <sip:proxy.invalid;lr>\r\n"
    'f: "Li \\"Ward 7\\"" <sip:%23138@phone.invalid;user=phone>;x=y;tag=a1\r\n'
    "To: sip:1000@desk.invalid\r\ni: c1@phone.invalid\r\nCSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n"
)


def test_a_response_repeats_what_came_as_it_came_and_adds_our_tag() -> None:
    install()
    request = parse(INVITE.encode())
    assert isinstance(request, Request)
    trying, ringing = request.genResponse(100, "Trying"), request.genResponse(180, "Ringing", server="x")
    ringing.getHFBody("to").setTag("ours")
    head = [
        "Via: SIP/2.0/UDP proxy.invalid;branch=z9hG4bK2",
        "Via: SIP/2.0/UDP phone.invalid:5070;branch=z9hG4bK1",
        "Record-Route: <sip:proxy.invalid;lr>",
        'From: "Li \\"Ward 7\\"" <sip:%23138@phone.invalid;user=phone>;x=y;tag=a1',
    ]
    behind = ["Call-ID: c1@phone.invalid", "CSeq: 7 INVITE"]
    end = ["Content-Length: 0", "", ""]
    to = "To: sip:1000@desk.invalid"
    assert trying.localStr().split("\r\n") == ["SIP/2.0 100 Trying", *head, to, *behind, *end]
    said = ["SIP/2.0 180 Ringing", *head, f"{to};tag=ours", *behind, "Server: x", *end]
    assert ringing.localStr().split("\r\n") == said


def test_a_tag_that_came_is_kept() -> None:
    install()
    request = parse(INVITE.replace("To: sip:1000@desk.invalid", "To: <sip:1000@desk.invalid>;tag=theirs").encode())
    response = request.genResponse(481, "Call Does Not Exist")
    response.getHFBody("to").setTag("ours")
    assert "\r\nTo: <sip:1000@desk.invalid>;tag=theirs\r\n" in response.localStr()
    assert response.getHFBody("to").getTag() == "theirs"


async def test_who_is_told_180_at_once_is_not_told_100(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        peer.call("4001")
        dialog, _, _ = await desk.calls.next("incoming")
        dialog.ring()
        assert (await peer.receive()).status == 180
        dialog.reject(486)
        assert (await peer.receive()).status == 486
