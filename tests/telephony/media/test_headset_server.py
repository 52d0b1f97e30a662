import asyncio
import contextlib
import json
import socket
import struct
import time
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from telephony.events import AgentRing, CallOffered, OfferEnded, OfferOutcome
from telephony.media.headset import MOST_IGNORED
from telephony.media.headset_liveness import PROBE_EVERY
from telephony.media.token import sign

FRAME = struct.pack("!BBHI", 8, 0, 1, 160) + b"\x2a" * 160


async def alive(client: Any, page_age_ms: float = 5) -> None:
    await client.send(json.dumps({"type": "alive", "n": 1, "page_age_ms": page_age_ms, "stats": {"late": 3}}))


def test_a_headset_with_a_good_token_is_welcomed_and_reported(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset("agent1", "console7") as client:
            probe = await parts.text_of(client, "probe")
            assert probe["n"] == 1
            assert desk.listener.told == [("connected", "agent1", "console7")]
            headset = desk.server.headset("agent1")
            assert headset is not None
            assert desk.server.headset("agent2") is None
            await alive(client)
            await parts.eventually(lambda: headset.stats == {"late": 3})
            await client.close()
            await parts.eventually(lambda: ("lost", "agent1", "closed") in desk.listener.told)
            assert desk.server.headset("agent1") is None

    on_loop(work())


@pytest.mark.parametrize("token", ["", "x", "a.b", sign("another secret", "agent1", "c"), "%00.%ff"])
def test_a_bad_token_is_closed_with_4003(on_loop: Any, parts: Any, token: str) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, connect(desk.url(token=token), proxy=None) as client:
            code, _ = await parts.close_of(client)
            assert code == 4003
            assert desk.listener.told == []

    on_loop(work())


def test_an_expired_token_is_closed_with_4003(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            token = sign(parts.SECRET, "agent1", "c", -1)
            async with connect(desk.url(token=token), proxy=None) as client:
                assert await parts.close_of(client) == (4003, "expired")

    on_loop(work())


def test_other_paths_are_not_found(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            with pytest.raises(InvalidStatus) as refused:
                await connect(desk.url().replace("/headset", "/other"), proxy=None)
            assert refused.value.response.status_code == 404

    on_loop(work())


def test_only_configured_origins_may_connect(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk(headset_origins=("https://desk.example",)) as desk:
            async with connect(desk.url(), origin="https://desk.example", proxy=None) as client:
                assert json.loads(await client.recv())["type"] == "welcome"
            for origin in ("https://elsewhere.example", None):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(desk.url(), origin=origin, proxy=None)
                assert refused.value.response.status_code == 403

    on_loop(work())


def test_a_newer_headset_replaces_the_older_which_is_told(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset(console="old") as old:
            async with await desk.headset(console="new"):
                await parts.text_of(old, "replaced")
                assert await parts.close_of(old) == (4001, "replaced")
                await asyncio.sleep(0.05)
                assert desk.listener.told == [("connected", "agent1", "old"), ("connected", "agent1", "new")]
                headset = desk.server.headset("agent1")
                assert headset is not None
                assert headset.console == "new"
            await parts.eventually(lambda: desk.listener.told[-1] == ("lost", "agent1", "closed"))

    on_loop(work())


def test_a_headset_that_answers_no_probe_is_lost_within_five_seconds(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as mute, await desk.headset("agent2") as well:

            async def answer() -> None:
                while True:
                    await parts.text_of(well, "probe")
                    await alive(well)

            answering = asyncio.create_task(answer())
            began = time.monotonic()
            await parts.eventually(lambda: ("lost", "agent1", "silent") in desk.listener.told, 8)
            assert 2.9 < time.monotonic() - began < 5
            assert desk.server.headset("agent1") is None
            assert desk.server.headset("agent2") is not None
            await mute.wait_closed()
            assert [told[0] for told in desk.listener.told].count("lost") == 1
            answering.cancel()

    on_loop(work())


def test_a_console_without_a_microphone_says_so_at_once_and_again_when_there_is_one(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            await alive(client)
            await client.send('{"type":"microphone","present":false}')
            await parts.eventually(lambda: desk.listener.told[-1] == ("lost", "agent1", "unplugged"), 0.5)
            assert desk.server.headset("agent1") is None
            await client.send('{"type":"microphone","present":false}')
            await alive(client, 4001)
            await parts.eventually(lambda: desk.listener.told[-1] == ("lost", "agent1", "frozen"))
            await alive(client)
            await parts.eventually(lambda: desk.listener.told[-1] == ("lost", "agent1", "unplugged"))
            await client.send('{"type":"microphone","present":"yes"}')
            await client.send('{"type":"microphone","present":true}')
            await parts.eventually(lambda: desk.listener.told[-1][0] == "connected", 0.5)
            headset = desk.server.headset("agent1")
            assert headset is not None
            assert headset.ignored == 1
            assert [told[2] for told in desk.listener.told if told[0] == "lost"] == ["unplugged", "frozen", "unplugged"]

    on_loop(work())


def test_a_frozen_page_is_lost_and_comes_back(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            await alive(client, 4001)
            await parts.eventually(lambda: ("lost", "agent1", "frozen") in desk.listener.told)
            assert desk.server.headset("agent1") is None
            await alive(client, 20)
            await parts.eventually(lambda: desk.listener.told[-1] == ("connected", "agent1", "console1"))
            assert desk.server.headset("agent1") is not None

    on_loop(work())


def test_start_stop_and_mute_are_said_once(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            headset = desk.server.headset("agent1")
            headset.start("call-1", 8, "sendrecv")
            headset.start("call-1", 8, "sendrecv")
            headset.set_muted(True)
            headset.stop("another call")
            headset.stop("call-1")
            headset.stop("call-1")
            headset.send_text({"type": "last"})
            said = []
            while not said or said[-1]["type"] != "last":
                said.append(json.loads(await client.recv()))
            assert [message for message in said if message["type"] not in ("probe", "last")] == [
                {"type": "start", "call": "call-1", "payload_type": 8, "direction": "sendrecv"},
                {"type": "mute", "muted": True},
                {"type": "stop", "call": "call-1"},
            ]

    on_loop(work())


def test_frames_reach_the_call_and_gaps_in_their_numbers_are_counted(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            headset = desk.server.headset("agent1")
            heard: list[bytes] = []
            headset.start("call-1", 8, "sendrecv")
            headset.on_audio = heard.append
            for number in [*range(250, 260), 263]:
                await client.send(struct.pack("!BBHI", 8, 0, number, number * 160) + bytes([number & 0xFF]) * 160)
            await parts.eventually(lambda: len(heard) == 11)
            assert heard[0] == b"\xfa" * 160
            assert (headset.received, headset.lost, headset.ignored) == (11, 3, 0)

    on_loop(work())


def test_audio_without_a_call_or_of_another_law_is_left_out(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            headset = desk.server.headset("agent1")
            heard: list[bytes] = []
            await client.send(FRAME)
            headset.start("call-1", 0, "sendrecv")
            headset.on_audio = heard.append
            await client.send(FRAME)
            await client.send(b"\x00" + FRAME[1:])
            await parts.eventually(lambda: heard)
            assert len(heard) == 1
            assert headset.ignored == 0

    on_loop(work())


NONSENSE: list[bytes | str] = [
    b"",
    b"\x08",
    FRAME[:8],
    b"\x09" + FRAME[1:],
    FRAME + bytes(1000),
    "",
    "no json",
    "[]",
    "{}",
    '{"type": "unheard of"}',
    '{"type": "alive", "n": "x"}',
    '{"type": "alive", "n": 1, "page_age_ms": -5}',
    '{"type": "alive", "n": 1, "page_age_ms": 1e999}',
    '{"type": 5}',
    "[" * 3000,
    "\x08\x00",
]


def test_nonsense_is_counted_and_the_headset_goes_on(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            headset = desk.server.headset("agent1")
            heard: list[bytes] = []
            headset.start("call-1", 8, "sendrecv")
            headset.on_audio = heard.append
            for nonsense in NONSENSE:
                await client.send(nonsense)
            await client.send(FRAME)
            await parts.eventually(lambda: heard)
            assert headset.ignored == len(NONSENSE)
            assert headset.open

    on_loop(work())


def test_a_flood_of_nonsense_is_closed_with_1008(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            for _ in range(MOST_IGNORED + 1):
                await client.send("{")
            code, _ = await parts.close_of(client)
            assert code == 1008
            await parts.eventually(lambda: desk.listener.told[-1][0] == "lost")

    on_loop(work())


@pytest.mark.parametrize(("message", "code"), [(b"x" * 10_000, 1009), ([b"\x08" * 100, b"y"], 1003)])
def test_too_large_and_fragmented_messages_are_closed_with_their_code(
    on_loop: Any, parts: Any, message: Any, code: int
) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset() as client:
            await client.send(message)
            closed, _ = await parts.close_of(client)
            assert closed == code
            async with await desk.headset("agent2"):
                assert desk.server.headset("agent2") is not None

    on_loop(work())


def test_a_stalled_network_keeps_little_stale_audio_and_recovers(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk:
            loop = asyncio.get_running_loop()
            tcp = socket.socket()
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            tcp.setblocking(False)
            await loop.sock_connect(tcp, ("127.0.0.1", desk.server.port))
            async with connect(desk.url(), sock=tcp, compression=None, proxy=None) as client:
                await client.recv()
                headset = desk.server.headset("agent1")
                client.transport.pause_reading()
                taken = 0
                for _ in range(5000):
                    headset.send_audio(FRAME)
                    taken += headset.dropped == 0
                    if headset.dropped > 100:
                        break
                assert headset.dropped > 100
                # what the other end's kernel took (its buffer, doubled, and what TCP rounds up) is not ours to bound
                assert taken * len(FRAME) < 40_000
                client.transport.resume_reading()
                dropped = headset.dropped
                audio = [message async for message in _until_quiet(client)]
                assert len([message for message in audio if isinstance(message, bytes)]) == taken
                headset.send_audio(FRAME)
                assert headset.dropped == dropped
                assert await client.recv() == FRAME

    async def _until_quiet(client: Any) -> Any:
        while True:
            try:
                async with asyncio.timeout(0.3):
                    message = await client.recv()
            except TimeoutError:
                return
            yield message

    on_loop(work())


def test_stopping_the_phone_closes_with_1001_and_reports_no_loss(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        desk = parts.Desk()
        await desk.server.start()
        client = await desk.headset()
        await desk.server.stop()
        code, _ = await parts.close_of(client)
        assert code == 1001
        assert desk.listener.told == [("connected", "agent1", "console1")]

    on_loop(work())


def test_a_headset_is_told_that_a_call_rings_at_its_agent_and_that_it_no_longer_does(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, await desk.headset("agent1") as client:
            offered = CallOffered(call="c1", agent="agent1", offer=1, number="1", line="trunk")
            desk.server.observe(msgspec.structs.replace(offered, agent="agent2", call="c2"))
            desk.server.observe(offered)
            assert await parts.text_of(client, "ring") == {"type": "ring", "call": "c1", "on": True}
            desk.server.observe(AgentRing(call="c1", agent="agent1", ring=2))
            desk.server.observe(
                OfferEnded(call="c1", agent="agent1", offer=1, outcome=OfferOutcome.CALLER_GONE, rings=2)
            )
            assert await parts.text_of(client, "ring") == {"type": "ring", "call": "c1", "on": False}

    on_loop(work())


def test_the_probes_of_many_headsets_are_spread_over_the_time_between_two(on_loop: Any, parts: Any) -> None:
    async def work() -> None:
        async with parts.Desk() as desk, contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(await desk.headset(f"agent{n}")) for n in range(20)]

            async def second_probe(client: Any) -> float:
                await parts.text_of(client, "probe")
                await parts.text_of(client, "probe")
                return time.monotonic()

            times = sorted(await asyncio.gather(*(second_probe(client) for client in clients)))
            # at once they would be within a few ms
            assert times[-1] - times[0] > PROBE_EVERY / 2

    on_loop(work())
