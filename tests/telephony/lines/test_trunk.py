"""Trunks: lines without a registration, known by their peers' addresses."""

from __future__ import annotations

from typing import Any

from telephony.lines.line import EndedBy
from telephony.settings import LineSettings


async def test_a_trunk_takes_calls_of_its_peers_and_dials_by_its_proxy(open_desk: Any) -> None:
    async with open_desk() as (desk, peer):
        leg = peer.call("4001", "13800001234")
        dialog, invite, line = await desk.calls.next("incoming")
        assert (line.name, line.status, invite.dialled, invite.number) == ("trunk", "up", "4001", "13800001234")
        dialog.reject(486)
        await leg.final(486)
        leg.ack(refused=True)
        desk.dial("13900005678", caller_id="02112345678")
        asked = await peer.request("INVITE")
        assert asked.uri == f"sip:13900005678@{peer.here}"
        assert "sip:02112345678@" in asked["from"]
        # no credentials: a challenge is a refusal
        peer.respond(asked, 407, "Who Are You", headers=('Proxy-Authenticate: Digest realm="r", nonce="n"',))
        await peer.request("ACK")
        while (end := await desk.calls.end()).by is not EndedBy.PEER:
            pass
        assert end.status == 407


async def test_a_proxy_without_an_address_fails_the_call_and_not_the_desk(open_desk: Any) -> None:
    line = LineSettings("lost", peers=("127.0.0.1",), proxy="no-such-host.invalid")
    async with open_desk(line) as (desk, _peer):
        desk.dial()
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.NETWORK, 503)
