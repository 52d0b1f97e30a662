"""Registered lines: digest, refresh, retry for ever, withdrawal, several on one socket."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from telephony.lines.line import EndedBy
from telephony.lines.sdp import make_answer
from telephony.settings import LineSettings


def line_at(peer: Any, user: str = "1001", **options: Any) -> LineSettings:
    return LineSettings(
        f"line-{user}", mode="register", proxy=peer.here, username=user, password="geheim", domain="pbx.test", **options
    )


class Registrar:
    """Answers each REGISTER of its peer; counts, remembers bindings, may fail or challenge."""

    def __init__(self, peer: Any, digest_of: Any = None) -> None:
        self.peer, self.digest_of = peer, digest_of
        self.challenge = ""
        self.statuses: list[tuple[int, tuple[str, ...]]] = []
        self.granted = 300
        self.bindings: dict[str, int] = {}
        self.seen: list[Any] = []
        self.changed = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            request = await self.peer.inbox.get()
            if request.method != "REGISTER" or not request.is_request:
                continue
            self.seen.append(request)
            self.answer(request)
            self.changed.set()

    def answer(self, request: Any) -> None:
        if self.statuses:
            status, headers = self.statuses.pop(0)
            if status:
                self.peer.respond(request, status, "As Told", headers=headers)
            return
        user = re.search(r"sip:([^@>]+)@", request["to"]).group(1)
        if self.challenge and not request["authorization"]:
            self.peer.respond(request, 401, "Unauthorized", headers=(f"WWW-Authenticate: {self.challenge}",))
            return
        if self.challenge and not self.digest_of(request, "authorization", user, "geheim"):
            self.peer.respond(request, 403, "Forbidden")
            return
        asked = int(request["expires"])
        self.bindings[user] = asked
        contact = f"Contact: {request['contact']};expires={min(asked, self.granted)}"
        self.peer.respond(request, 200, "OK", headers=(contact,) if asked else ())

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def with_registrar(desk_class: Any, digest_of: Any) -> Any:
    """``await with_registrar(body)``: ``body(desk, registrar)`` with a desk that is stopped at the end."""

    async def run(body: Any) -> tuple[Any, Registrar]:
        desk = desk_class()
        peer = await desk.peer()
        registrar = Registrar(peer, digest_of)
        try:
            await body(desk, registrar)
        finally:
            peer.polite = registrar.task.cancelled()
            if hasattr(desk, "driver"):
                await desk.driver.stop()
            registrar.task.cancel()
            peer.transport.close()
        assert peer.failures == []
        return desk, registrar

    return run


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="pbx", nonce="abc"',
        'Digest realm="pbx, \\"main\\"", nonce="abc", algorithm=MD5, qop="auth"'.replace('\\"', "'"),
        'digest Realm="pbx",NONCE="abc",algorithm=SHA-256,QOP="auth,auth-int",opaque="x"',
    ],
)
async def test_a_line_registers_with_digest_and_withdraws_on_stop(with_registrar: Any, challenge: str) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        registrar.challenge = challenge
        await desk.start(line_at(registrar.peer))
        assert await desk.calls.next("state") == ("line-1001", "registering", "")
        assert await desk.calls.next("state") == ("line-1001", "up", "")
        assert desk.line.status == "up"
        assert registrar.bindings == {"1001": 300}
        first, second = registrar.seen
        assert first.uri == "sip:pbx.test"
        assert (second["call-id"], second.cseq, second.tag("from")) == (
            first["call-id"],
            first.cseq + 1,
            first.tag("from"),
        )

    desk, registrar = await with_registrar(body)
    assert registrar.bindings == {"1001": 0}
    assert desk.calls.states[-1] == ("line-1001", "stopped", "")


async def test_a_registration_is_refreshed_before_it_expires(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        registrar.granted = 3
        await desk.start(line_at(registrar.peer))
        began = asyncio.get_running_loop().time()
        await registrar.until(lambda: len(registrar.seen) == 2)
        assert 1.5 < asyncio.get_running_loop().time() - began < 3.0
        assert [state[1] for state in desk.calls.states] == ["registering", "up"]

    await with_registrar(body)


async def test_a_failed_registration_is_told_and_tried_again_until_it_works(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        registrar.statuses = [(403, ()), (503, ()), (500, ())]
        await desk.start(line_at(registrar.peer))
        states = [await desk.calls.next("state") for _ in range(5)]
        assert [state[1] for state in states] == ["registering", "failed", "down", "failed", "up"]
        assert states[1][2] == "403 As Told"

    await with_registrar(body)


async def test_a_silent_registrar_is_told_as_down_and_asked_again(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        registrar.statuses = [(0, ())] * 12
        await desk.start(line_at(registrar.peer))
        await desk.calls.next("state")
        assert await desk.calls.next("state") == ("line-1001", "down", "no answer from the registrar")
        registrar.statuses = []
        assert (await desk.calls.next("state"))[1] == "up"

    await with_registrar(body)


async def test_wrong_credentials_fail_the_line_and_do_not_flood(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        registrar.challenge = 'Digest realm="pbx", nonce="n"'
        registrar.digest_of = lambda *_: False
        await desk.start(line_at(registrar.peer))
        await desk.calls.next("state")
        assert await desk.calls.next("state") == ("line-1001", "failed", "403 Forbidden")
        assert len(registrar.seen) == 2

    await with_registrar(body)


async def test_a_too_brief_interval_is_raised_to_what_the_registrar_takes(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        registrar.statuses = [(423, ("Min-Expires: 1800",))]
        await desk.start(line_at(registrar.peer, expires=60))
        await registrar.until(lambda: len(registrar.seen) == 2)
        assert [message["expires"] for message in registrar.seen] == ["60", "1800"]

    await with_registrar(body)


async def test_a_stale_nonce_is_answered_anew(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        fresh = 'WWW-Authenticate: Digest realm="pbx", nonce="two", stale=TRUE'
        registrar.challenge = 'Digest realm="pbx", nonce="two"'
        registrar.statuses = [(401, ('WWW-Authenticate: Digest realm="pbx", nonce="one"',)), (401, (fresh,))]
        await desk.start(line_at(registrar.peer))
        await registrar.until(lambda: bool(registrar.bindings))
        assert 'nonce="two"' in registrar.seen[-1]["authorization"]

    await with_registrar(body)


async def test_a_challenge_of_an_unknown_algorithm_is_passed_over(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        unknown = 'WWW-Authenticate: Digest realm="pbx", nonce="n", algorithm=QUANTUM'
        known = 'WWW-Authenticate: Digest realm="pbx", nonce="n", algorithm=SHA-256, qop="auth"'
        registrar.statuses = [(401, (unknown,)), (401, (unknown, known))]
        await desk.start(line_at(registrar.peer))
        await desk.calls.next("state")
        assert await desk.calls.next("state") == ("line-1001", "failed", "401 As Told")
        await registrar.until(lambda: len(registrar.seen) == 3)
        assert registrar.digest_of(registrar.seen[-1], "authorization", "1001", "geheim")

    await with_registrar(body)


async def test_calls_come_in_on_the_line_that_registered_the_dialled_contact(
    with_registrar: Any, leg_class: Any
) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        peer = registrar.peer
        await desk.start(line_at(peer, "1001"), line_at(peer, "1002"), LineSettings("trunk", peers=("127.0.0.0/8",)))
        await registrar.until(lambda: len(registrar.bindings) == 2)
        registrar.task.cancel()
        for user, name in (("1002", "line-1002"), ("1001", "line-1001")):
            leg = leg_class(peer, user, "13800001234")
            leg.invite()
            dialog, invite, line = await desk.calls.next("incoming")
            assert (line.name, invite.dialled) == (name, user)
            dialog.answer(make_answer(invite.sdp, "127.0.0.1", 40000)[0])
            await leg.answered()
            leg.send("BYE")
            assert (await desk.calls.end()).by is EndedBy.PEER
        other = await desk.peer("127.0.0.4")
        leg_class(other, "1002", "1").invite()
        assert (await desk.calls.next("incoming"))[2].name == "trunk"
        other.polite = True

    await with_registrar(body)


async def test_two_registered_lines_dial_each_with_its_own_identity(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        peer = registrar.peer
        await desk.start(line_at(peer, "1001"), line_at(peer, "1002"))
        await registrar.until(lambda: len(registrar.bindings) == 2)
        registrar.task.cancel()
        for user in ("1001", "1002"):
            desk.lines[f"line-{user}"].dial("13900005678", "v=0\r\n", desk.calls)
            invite = await peer.request("INVITE")
            assert invite.uri == "sip:13900005678@pbx.test"
            assert f"<sip:{user}@pbx.test>" in invite["from"]
            assert f"sip:{user}@127.0.0.1:{desk.driver.port}" in invite["contact"]
            peer.respond(invite, 486, "Busy Here")
            assert (await desk.calls.end()).status == 486

    await with_registrar(body)


async def test_a_registrar_that_cannot_be_resolved_is_told_as_down(with_registrar: Any) -> None:
    async def body(desk: Any, registrar: Registrar) -> None:
        settings = LineSettings("lost", mode="register", proxy="no-such-host.invalid", username="u", password="p")
        await desk.start(settings)
        await desk.calls.next("state")
        name, status, detail = await desk.calls.next("state")
        assert (name, status) == ("lost", "down")
        assert "no-such-host.invalid" in detail

    await with_registrar(body)
