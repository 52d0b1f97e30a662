"""Digest challenges."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from telephony.lines.line import EndedBy
from telephony.lines.sdp import make_answer

behaviour = pytest.mark.behaviour
ASKED = {401: ("WWW-Authenticate", "authorization"), 407: ("Proxy-Authenticate", "proxy-authorization")}
CHALLENGES = {
    "MD5, no qop": 'Digest realm="r, s", nonce="n1"',
    "MD5, qop auth": 'Digest realm="r, s", nonce="n1", algorithm=MD5, qop="auth,auth-int", opaque="o"',
    "SHA-256, qop auth": 'Digest realm="r, s", nonce="n1", algorithm=SHA-256, qop="auth"',
}


def answer_to(invite: Any) -> str:
    return make_answer(invite.body, "127.0.0.1", 41000)[0]


async def refer_and_take(desk: Any, pbx: Any, leg: Any) -> None:
    desk.calls.takes_transfers = True
    leg.send("REFER", headers=("Refer-To: <sip:8001@pbx.test>",))
    await pbx.status(202)


@behaviour("RFC 3261 §22, RFC 8760")
@pytest.mark.parametrize("challenge", CHALLENGES)
@pytest.mark.parametrize("status", [401, 407])
async def test_a_challenged_invite_is_sent_again_with_credentials_which_its_ack_repeats(
    open_desk: Any, digest_of: Any, status: int, challenge: str
) -> None:
    async with open_desk() as (desk, pbx):
        asked, sent = ASKED[status]
        desk.dial()
        first = await pbx.request("INVITE")
        pbx.respond(first, status, "Who Are You", headers=(f"{asked}: {CHALLENGES[challenge]}",))
        assert (await pbx.request("ACK")).cseq == first.cseq
        second = await pbx.request("INVITE")
        assert (second.cseq, second["call-id"], second.tag("from")) == (
            first.cseq + 1,
            first["call-id"],
            first.tag("from"),
        )
        assert second.branch != first.branch
        assert digest_of(second, sent, "1001", "geheim")
        pbx.respond(second, 200, "OK", body=answer_to(second))
        assert (await pbx.request("ACK"))[sent] == second[sent], "§13.2.2.4"
        await desk.calls.next("answered")


@behaviour("RFC 3261 §22")
@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("method", ["INVITE", "BYE", "REFER", "NOTIFY"])
async def test_every_challenged_request_within_a_call_is_sent_again_with_credentials(
    open_desk: Any, digest_of: Any, status: int, method: str
) -> None:
    async with open_desk() as (desk, pbx):
        asked, sent = ASKED[status]
        leg, dialog = await desk.answered_call(pbx)
        if method == "NOTIFY":
            await refer_and_take(desk, pbx, leg)
        else:
            {
                "INVITE": lambda: dialog.reinvite(answer_to_offer()),
                "BYE": dialog.hang_up,
                "REFER": lambda: dialog.refer("8001"),
            }[method]()
        first = await pbx.request(method)
        pbx.respond(first, status, "Who Are You", headers=(f"{asked}: {CHALLENGES['SHA-256, qop auth']}",))
        while (again := await pbx.request(method)).branch == first.branch:
            pass
        assert again.cseq > first.cseq
        assert again.body == first.body
        assert digest_of(again, sent, "1001", "geheim")
        pbx.respond(again, 200, "OK", body=answer_to(again) if method == "INVITE" else "")
        if method == "INVITE":
            assert (await pbx.request("ACK"))[sent] == again[sent]
            assert (await desk.calls.next("reinvite_done"))[0] == 200


def answer_to_offer() -> str:
    from scripted_peer import OFFER

    return OFFER


@behaviour("RFC 3261 §22.3")
async def test_a_proxy_and_the_callee_may_both_ask_and_the_nonce_count_grows(open_desk: Any, digest_of: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        invite = await pbx.request("INVITE")
        for status, realm in ((407, "proxy"), (401, "callee")):
            asked, sent = ASKED[status]
            challenge = f'{asked}: Digest realm="{realm}", nonce="{realm}", qop="auth", algorithm=MD5'
            pbx.respond(invite, status, "Who Are You", headers=(challenge,))
            await pbx.request("ACK")
            invite = await pbx.request("INVITE")
            assert digest_of(invite, sent, "1001", "geheim")
        assert digest_of(invite, "proxy-authorization", "1001", "geheim")
        assert re.search(r"nc=00000002\b", invite["proxy-authorization"])
        assert re.search(r"nc=00000001\b", invite["authorization"])
        pbx.respond(invite, 486, "Busy Here")
        await desk.calls.end()


@behaviour("RFC 7616 §3.3")
async def test_a_stale_nonce_is_answered_anew(open_desk: Any, digest_of: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        for nonce, stale in (("one", ""), ("two", ", stale=TRUE"), ("three", ", stale=true")):
            invite = await pbx.request("INVITE")
            challenge = f'WWW-Authenticate: Digest realm="r", nonce="{nonce}", qop="auth"{stale}'
            pbx.respond(invite, 401, "Again", headers=(challenge,))
            await pbx.request("ACK")
        invite = await pbx.request("INVITE")
        assert digest_of(invite, "authorization", "1001", "geheim")
        assert 'nonce="three"' in invite["authorization"]
        assert "nc=00000001" in invite["authorization"]
        pbx.respond(invite, 486, "Busy Here")
        await desk.calls.end()


@behaviour("RFC 3261 §22.2")
@pytest.mark.parametrize("status", [401, 407])
async def test_wrong_credentials_are_not_sent_for_ever(open_desk: Any, status: int) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        for nonce in ("one", "two"):
            invite = await pbx.request("INVITE")
            challenge = f'{ASKED[status][0]}: Digest realm="r", nonce="{nonce}"'
            pbx.respond(invite, status, "No", headers=(challenge,))
            await pbx.request("ACK")
        end = await desk.calls.end()
        assert (end.by, end.status) == (EndedBy.PEER, status)
        await asyncio.sleep(2 * desk.t1)
        assert len({message.branch for message in pbx.seen if message.method == "INVITE"}) == 2


@behaviour("RFC 8760 §2.4")
async def test_of_several_challenges_the_first_that_we_know_is_answered(open_desk: Any, digest_of: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        headers = tuple(
            f"WWW-Authenticate: {value}"
            for value in (
                'Bearer realm="r"',
                'Digest realm="r", nonce="n", algorithm=QUANTUM',
                'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"',
                'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"',
            )
        )
        pbx.respond(await pbx.request("INVITE"), 401, "Choose", headers=headers)
        invite = await pbx.request("INVITE")
        assert "algorithm=SHA-256" in invite["authorization"]
        assert digest_of(invite, "authorization", "1001", "geheim")
        pbx.respond(invite, 486, "Busy Here")
        await desk.calls.end()


@behaviour("RFC 3261 §22.2")
async def test_a_challenge_that_we_cannot_answer_ends_the_call_with_its_status(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        desk.dial()
        pbx.respond(await pbx.request("INVITE"), 401, "Guess", headers=("WWW-Authenticate: Digest nonsense",))
        await pbx.request("ACK")
        assert (await desk.calls.end()).status == 401
