"""The seam carries every event once and in order, answers commands, and survives bad clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from telephony.clock import SystemClock
from telephony.event_stream import EventStream
from telephony.events import CallerRing, CallStarted, Direction
from telephony.journal import Journal
from telephony.seam import frames
from telephony.seam.client import CommandError, SeamClient, SeamClosed
from telephony.seam.server import CommandFailed, SeamServer


class Seam:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "phone.sock"
        self.stream = EventStream("n1", SystemClock(), Journal(folder / "journal", 2000))
        self.server = SeamServer(self.path, self.stream, "1.0", self._handle)

    async def _handle(self, name: str, arguments: dict[str, Any]) -> Any:
        if name == "echo":
            return arguments
        if name == "crash":
            raise RuntimeError("inside")
        raise CommandFailed("no_such_call", "This call is over.")

    def ring(self, times: int) -> None:
        for ring in range(times):
            self.stream.publish(CallerRing(call="a", ring=ring))


def run(tmp_path: Path, body: Callable[[Seam], Awaitable[None]]) -> None:
    async def main() -> None:
        seam = Seam(tmp_path)
        await seam.server.start()
        try:
            async with asyncio.timeout(20):
                await body(seam)
        finally:
            await seam.server.stop()

    asyncio.run(main())


async def take(events: AsyncIterator[dict[str, Any]], count: int) -> list[int]:
    return [(await anext(events))["sequence"] for _ in range(count)]


def test_a_client_hears_what_it_missed_and_then_what_follows(tmp_path: Path) -> None:
    async def body(seam: Seam) -> None:
        seam.ring(300)
        client = await SeamClient.connect(seam.path, after=100)
        events = client.events()
        assert await take(events, 100) == list(range(101, 201))
        seam.ring(50)
        assert await take(events, 150) == list(range(201, 351))
        await client.close()

    run(tmp_path, body)


def test_a_live_only_client_hears_nothing_of_the_past(tmp_path: Path) -> None:
    async def body(seam: Seam) -> None:
        seam.ring(10)
        client = await SeamClient.connect(seam.path)
        assert client.sequence == 10
        await client.command("echo")
        seam.ring(2)
        assert await take(client.events(), 2) == [11, 12]
        await client.close()

    run(tmp_path, body)


def test_a_client_is_told_that_a_call_comes_before_its_first_event_and_not_of_calls_in_the_past(tmp_path: Path) -> None:
    async def body(seam: Seam) -> None:
        def begin(call: str) -> None:
            seam.stream.publish(CallStarted(call=call, direction=Direction.INBOUND, line="trunk", number=f"1{call}"))

        seam.stream.start()
        begin("old")
        await seam.stream.settled()
        client = await SeamClient.connect(seam.path, after=0)
        heard: list[tuple[str, str, str]] = []
        client.coming = lambda *told: heard.append(told)
        reader, writer = await asyncio.open_unix_connection(str(seam.path))
        writer.write(frames.encode({"hello": {"after": -1}}))
        assert "welcome" in await frames.read(reader)
        await client.command("echo")
        begin("new")
        assert await frames.read(reader) == {"coming": {"call": "new", "number": "1new", "patient_id": ""}}
        assert (await frames.read(reader))["event"]["call"] == "new"
        events = client.events()
        assert [(await anext(events))["call"] for _ in range(2)] == ["old", "new"]
        assert heard == [("new", "1new", "")]
        writer.close()
        await client.close()
        await seam.stream.stop()

    run(tmp_path, body)


def test_commands_are_answered_refused_and_survive_a_crash_inside(tmp_path: Path) -> None:
    async def body(seam: Seam) -> None:
        client = await SeamClient.connect(seam.path)
        assert await client.command("echo", a=1) == {"a": 1}
        for name, code in (("nothing", "no_such_call"), ("crash", "internal")):
            with pytest.raises(CommandError) as error:
                await client.command(name)
            assert error.value.code == code
        assert await client.command("echo", b=[2]) == {"b": [2]}
        await client.close()

    run(tmp_path, body)


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02\xc1\xc1", b"\x00\x00\x00\x01\x80", b""],
)
def test_garbage_closes_only_the_client_that_sent_it(tmp_path: Path, garbage: bytes) -> None:
    async def body(seam: Seam) -> None:
        good = await SeamClient.connect(seam.path)
        reader, writer = await asyncio.open_unix_connection(str(seam.path))
        writer.write(garbage)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        assert await good.command("echo", a=1) == {"a": 1}
        await good.close()

    run(tmp_path, body)


def test_when_the_phone_goes_away_listening_and_commanding_say_so(tmp_path: Path) -> None:
    async def body(seam: Seam) -> None:
        client = await SeamClient.connect(seam.path)
        await seam.server.stop()
        with pytest.raises(SeamClosed):
            await anext(client.events())
        with pytest.raises(SeamClosed):
            await client.command("echo")
        with pytest.raises(SeamClosed):
            await SeamClient.connect(seam.path)

    run(tmp_path, body)


def test_segments_go_once_the_client_says_they_are_stored(tmp_path: Path) -> None:
    async def body(seam: Seam) -> None:
        seam.ring(200)
        segments = len(list((tmp_path / "journal").glob("*.journal")))
        client = await SeamClient.connect(seam.path)
        client.stored(200)
        await client.command("echo")
        assert len(list((tmp_path / "journal").glob("*.journal"))) < segments
        await client.close()

    run(tmp_path, body)


def test_the_socket_is_for_its_owner_only(tmp_path: Path) -> None:
    async def body(seam: Seam) -> None:
        assert seam.path.stat().st_mode & 0o077 == 0

    run(tmp_path, body)


def test_a_client_that_has_stored_more_than_the_journal_holds_makes_numbering_go_on_there(tmp_path: Path) -> None:
    async def body(seam: Seam) -> None:
        seam.ring(3)
        client = await SeamClient.connect(seam.path, after=50)
        await client.command("echo")
        seam.ring(1)
        assert await take(client.events(), 1) == [51]
        await client.close()

    run(tmp_path, body)
