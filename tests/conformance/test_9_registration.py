"""Registration of a line."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from typing import Any

import pytest

behaviour = pytest.mark.behaviour


@behaviour("RFC 3261 §10.2, §22")
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


@behaviour("RFC 3261 §22.2")
async def test_a_register_asked_by_proxy_and_registrar_answers_both(open_desk: Any, digest_of: Any) -> None:
    def both(pbx: Any) -> None:
        pbx.told = [(407, ('Proxy-Authenticate: Digest realm="edge", nonce="e", qop="auth", algorithm=SHA-256',))]

    async with open_desk(prepare=both) as (_desk, pbx):
        last = pbx.registers[-1]
        assert digest_of(last, "proxy-authorization", "1001", "geheim")
        assert digest_of(last, "authorization", "1001", "geheim")
        assert "nc=00000002" in last["proxy-authorization"]


@behaviour("RFC 3261 §10.2.4")
async def test_the_registration_is_refreshed_before_it_expires(open_desk: Any) -> None:
    def short(pbx: Any) -> None:
        pbx.granted, pbx.challenge = 2, ""

    async with open_desk(prepare=short) as (desk, pbx):
        began = asyncio.get_running_loop().time()
        await pbx.registered(2)
        assert 1.0 < asyncio.get_running_loop().time() - began < 2.0
        assert pbx.registers[1]["call-id"] == pbx.registers[0]["call-id"]
        assert pbx.registers[1].cseq > pbx.registers[0].cseq
        assert [state[1] for state in desk.calls.states] == ["registering", "up"]


@behaviour("RFC 3261 §10.2.8")
async def test_a_too_brief_interval_is_raised_to_what_the_registrar_takes(open_desk: Any) -> None:
    def wants_more(pbx: Any) -> None:
        pbx.challenge, pbx.told = "", [(423, ("Min-Expires: 1800",))]

    async with open_desk(prepare=wants_more, expires=60) as (desk, pbx):
        assert [message["expires"] for message in pbx.registers] == ["60", "1800"]
        assert [state[1] for state in desk.calls.states] == ["registering", "up"]


@behaviour("RFC 3261 §10.2.7")
async def test_a_failed_registration_is_told_and_tried_again_until_it_works(open_desk: Any) -> None:
    def fails(pbx: Any) -> None:
        pbx.told = [(status, ()) for status in (403, 503, 500, 603, 404, 302)]

    async with open_desk(up=False, prepare=fails) as (desk, _pbx):
        times = []
        for status in ("registering", "failed", "down", "failed", "failed", "failed", "failed", "up"):
            name, told, detail = await desk.calls.next("state")
            assert (name, told) == ("pbx", status)
            assert detail == "" or re.fullmatch(r"\d{3} As Told", detail)
            times.append(asyncio.get_running_loop().time())
        waits = [later - earlier for earlier, later in pairwise(times[1:])]
        # the first wait is 0.1 s here and the longest 0.4 s, a fifth more or less
        assert waits[0] < 0.3
        assert 0.3 < waits[-1] < 0.8, "it grows, but not beyond the longest"


@behaviour("RFC 3261 §20.33")
async def test_a_registrars_retry_after_is_heeded(open_desk: Any) -> None:
    def busy(pbx: Any) -> None:
        pbx.told = [(503, ("Retry-After: 1 (rebooting);duration=9",))]

    async with open_desk(up=False, prepare=busy) as (desk, pbx):
        await pbx.registered(1)
        began = asyncio.get_running_loop().time()
        await pbx.registered(2)
        assert asyncio.get_running_loop().time() - began > 0.9
        while (await desk.calls.next("state"))[1] != "up":
            pass


@behaviour("RFC 3261 §10.2.7")
async def test_a_registrar_that_goes_and_comes_back_has_the_line_again(open_desk: Any) -> None:
    def short(pbx: Any) -> None:
        pbx.granted = 2

    async with open_desk(prepare=short, t1=0.01) as (desk, pbx):
        pbx.told = [(0, ())] * 60  # gone: several attempts with all their repetitions
        assert await desk.calls.next("state") == ("pbx", "down", "no answer from the registrar")
        await pbx.until(lambda: len(pbx.told) < 30)
        pbx.told = []
        assert (await desk.calls.next("state"))[1] == "up"
        assert pbx.bound == 300


@behaviour("RFC 3261 §22.2")
async def test_a_wrong_password_fails_the_line_is_tried_again_and_does_not_flood(open_desk: Any) -> None:
    async with open_desk(up=False, password="wrong") as (desk, pbx):
        await desk.calls.next("state")
        assert await desk.calls.next("state") == ("pbx", "failed", "403 Forbidden")
        assert len(pbx.registers) == 2
        pbx.password = "wrong"  # the PBX is told the password that the desk has
        assert (await desk.calls.next("state"))[1] == "up"


@behaviour("RFC 7616 §3.3")
async def test_a_stale_nonce_of_the_registrar_is_answered_anew(open_desk: Any) -> None:
    def stale(pbx: Any) -> None:
        quantum = 'WWW-Authenticate: Digest realm="pbx", nonce="q", algorithm=QUANTUM'
        known = 'WWW-Authenticate: Digest realm="pbx", nonce="one"'
        fresh = 'WWW-Authenticate: Digest realm="pbx", nonce="two", stale=TRUE'
        pbx.told = [(401, (quantum, known)), (401, (fresh,))]

    async with open_desk(prepare=stale) as (_desk, pbx):
        assert 'nonce="one"' in pbx.registers[1]["authorization"]
        assert 'nonce="two"' in pbx.registers[2]["authorization"]
        assert pbx.bound == 300


@behaviour("RFC 3261 §8.1.1.8")
async def test_the_public_host_is_what_the_pbx_is_told(open_desk: Any) -> None:
    async with open_desk(public_host="203.0.113.5") as (desk, pbx):
        assert desk.line.local_host() == "203.0.113.5"
        assert pbx.registers[-1]["contact"] == f"<sip:1001@203.0.113.5:{desk.driver.port}>"


@behaviour("RFC 3261 §10.2.1", needs="several_lines")
async def test_several_lines_of_one_socket_are_told_apart(driver: str) -> None:
    from line_desk import Desk, Pbx, line_at

    desk = Desk(driver)
    pbx = await desk.peer(kind=Pbx)
    await desk.start(*(line_at(pbx, driver, user, f"line-{user}") for user in ("1001", "1002")))
    await pbx.until(lambda: len(pbx.bindings) == 2)
    for user in ("1002", "1001"):
        leg = pbx.call(user)
        dialog, invite, line = await desk.calls.next("incoming")
        assert (line.name, invite.dialled) == (f"line-{user}", user)
        dialog.reject(486)
        await leg.final(486)
        leg.ack(refused=True)
        desk.dialled += 1
        desk.lines[f"line-{user}"].dial("13900005678", "v=0\r\n", desk.calls)
        invite = await pbx.request("INVITE")
        assert f"<sip:{user}@pbx.test>" in invite["from"]
        assert f"sip:{user}@127.0.0.1:{desk.driver.port}" in invite["contact"]
        pbx.respond(invite, 486, "Busy Here")
        while (await desk.calls.end()).by != "peer":
            pass
    await desk.close()
