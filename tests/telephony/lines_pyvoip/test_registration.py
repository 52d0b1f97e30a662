"""The registered line: digest, refresh, retry for ever, withdrawal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        'Digest realm="pbx", nonce="abc"',
        'Digest realm="pbx, main", nonce="abc", algorithm=MD5, qop="auth"',
        'digest Realm="pbx",NONCE="abc",algorithm=SHA-256,QOP="auth,auth-int",opaque="x"',
    ],
)
async def test_the_line_registers_and_withdraws_on_stop(open_desk: Any, challenge: str) -> None:
    async with open_desk(prepare=lambda pbx: setattr(pbx, "challenge", challenge)) as (desk, pbx):
        assert desk.calls.states == [("pbx", "registering", ""), ("pbx", "up", "")]
        assert desk.line.status == "up"
        assert pbx.bound == 300
        first, last = pbx.registers[0], pbx.registers[-1]
        assert first.uri == "sip:pbx.test"
        assert first["contact"] == f"<sip:1001@127.0.0.1:{desk.driver.port}>"
        assert (last["call-id"], last.tag("from")) == (first["call-id"], first.tag("from"))
        assert last.cseq == first.cseq + bool(challenge)
        assert "geheim" not in str(pbx.registers)
    assert pbx.bound == 0
    assert desk.calls.states[-1] == ("pbx", "stopped", "")


async def test_the_registration_is_refreshed_before_it_expires(open_desk: Any) -> None:
    def short(pbx: Any) -> None:
        pbx.granted, pbx.challenge = 2, ""

    async with open_desk(prepare=short) as (desk, pbx):
        began = asyncio.get_running_loop().time()
        await pbx.registered(2)
        assert 1.0 < asyncio.get_running_loop().time() - began < 2.0
        assert pbx.registers[1]["call-id"] == pbx.registers[0]["call-id"]
        assert [state[1] for state in desk.calls.states] == ["registering", "up"]


async def test_a_wrong_password_fails_the_line_is_tried_again_and_does_not_flood(open_desk: Any) -> None:
    async with open_desk(up=False, password="wrong") as (desk, pbx):
        await desk.calls.next("state")
        assert await desk.calls.next("state") == ("pbx", "failed", "403 Forbidden")
        assert len(pbx.registers) == 2
        pbx.password = "wrong"  # the PBX is told the password that the desk has
        assert (await desk.calls.next("state"))[1] == "up"


async def test_a_failed_registration_is_told_and_tried_again_until_it_works(open_desk: Any) -> None:
    def fails(pbx: Any) -> None:
        pbx.told = [(403, ()), (503, ()), (500, ()), (603, ())]

    async with open_desk(up=False, prepare=fails) as (desk, _pbx):
        states = [await desk.calls.next("state") for _ in range(6)]
        assert [state[1] for state in states] == ["registering", "failed", "down", "failed", "failed", "up"]
        assert states[1][2] == "403 As Told"


async def test_a_silent_registrar_is_told_as_down_and_asked_again(open_desk: Any) -> None:
    async with open_desk(up=False, t1=0.02, prepare=lambda pbx: setattr(pbx, "told", [(0, ())] * 12)) as (desk, pbx):
        await desk.calls.next("state")
        assert await desk.calls.next("state") == ("pbx", "down", "no answer from the registrar")
        pbx.told = []
        assert (await desk.calls.next("state"))[1] == "up"


async def test_a_too_brief_interval_is_raised_to_what_the_registrar_takes(open_desk: Any) -> None:
    def wants_more(pbx: Any) -> None:
        pbx.challenge, pbx.told = "", [(423, ("Min-Expires: 1800",))]

    async with open_desk(prepare=wants_more, expires=60) as (desk, pbx):
        assert [message["expires"] for message in pbx.registers] == ["60", "1800"]
        assert [state[1] for state in desk.calls.states] == ["registering", "up"]


async def test_a_stale_nonce_is_answered_anew_and_an_unknown_algorithm_is_passed_over(open_desk: Any) -> None:
    def stale(pbx: Any) -> None:
        quantum = 'WWW-Authenticate: Digest realm="pbx", nonce="q", algorithm=QUANTUM'
        known = 'WWW-Authenticate: Digest realm="pbx", nonce="one"'
        fresh = 'WWW-Authenticate: Digest realm="pbx", nonce="two", stale=TRUE'
        pbx.told = [(401, (quantum, known)), (401, (fresh,))]

    async with open_desk(prepare=stale) as (_desk, pbx):
        assert 'nonce="one"' in pbx.registers[1]["authorization"]
        assert 'nonce="two"' in pbx.registers[2]["authorization"]
        assert pbx.bound == 300


async def test_the_public_host_is_what_the_pbx_is_told(open_desk: Any) -> None:
    async with open_desk(public_host="203.0.113.5") as (desk, pbx):
        assert desk.line.local_host() == "203.0.113.5"
        assert pbx.registers[-1]["contact"] == f"<sip:1001@203.0.113.5:{desk.driver.port}>"
