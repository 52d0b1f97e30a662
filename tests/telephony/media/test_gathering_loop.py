"""The phone's loop watches sockets in rounds; to those who use it, it is a loop like any other."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Coroutine
from typing import Any

import pytest
import uvloop

from telephony.media.gathering_loop import GatheringLoop


def pair() -> tuple[socket.socket, socket.socket]:
    here, there = socket.socketpair()
    here.setblocking(False)
    return here, there


def on_the_loop(work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(30):
            return await work

    return uvloop.run(bounded(), loop_factory=GatheringLoop)


def test_readers_get_their_words_take_each_others_place_and_go() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        here, there = pair()
        heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        loop.add_reader(here, lambda name: heard.put_nowait((name, here.recv(10))), "first")
        there.send(b"a")
        assert await heard.get() == ("first", b"a")
        loop.add_reader(here.fileno(), lambda: heard.put_nowait(("second", here.recv(10))))
        there.send(b"b")
        assert await heard.get() == ("second", b"b")
        assert loop.remove_reader(here)
        assert not loop.remove_reader(here.fileno())
        there.send(b"c")
        await asyncio.sleep(0.02)
        assert heard.empty()
        loop.add_reader(here, lambda: heard.put_nowait(("third", here.recv(10))))
        assert await heard.get() == ("third", b"c")
        loop.remove_reader(here)
        here.close()
        there.close()

    on_the_loop(work())


def test_datagrams_are_taken_one_after_another_without_a_round_between() -> None:
    async def work() -> float:
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        here.setblocking(False)
        left = 100
        over = asyncio.Event()

        def one() -> None:
            nonlocal left
            here.recv(10)
            left -= 1
            if not left:
                over.set()

        for _ in range(left):
            there.send(b"INVITE")
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            if not over.is_set():
                loop.call_soon(turn)

        loop.add_reader(here, one)
        turn()
        await over.wait()
        assert loop.remove_reader(here)
        assert not loop.remove_reader(here)
        here.close()
        there.close()
        return turns

    # in rounds at least 2 ms apart the loop would turn thousands of times meanwhile
    assert on_the_loop(work()) < 400


def test_a_number_that_another_socket_has_got_since_is_watched_anew() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        keeper, far = pair()
        loop.add_reader(keeper, lambda: heard.put_nowait(keeper.recv(10)))
        here, there = pair()
        number = here.fileno()
        loop.add_reader(here, lambda: None)
        here.close()  # without a word to the loop
        there.close()
        again, other = pair()
        if again.fileno() != number:
            again, other = other, again
            again.setblocking(False)
        assert again.fileno() == number
        loop.add_reader(again, lambda: heard.put_nowait(again.recv(10)))
        other.send(b"new")
        assert await heard.get() == b"new"
        for one in (again, keeper):
            loop.remove_reader(one)
        for one in (again, other, keeper, far):
            one.close()

    on_the_loop(work())


def test_a_reader_that_fails_is_logged_and_the_others_are_read(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        (here, there), (good, far) = pair(), pair()
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        def fail() -> None:
            here.recv(10)
            raise RuntimeError("a defect of a reader")

        loop.add_reader(here, fail)
        loop.add_reader(good, lambda: heard.put_nowait(good.recv(10)))
        there.send(b"x")
        far.send(b"y")
        assert await heard.get() == b"y"
        far.send(b"z")  # another round, which the first has then been ahead of
        assert await heard.get() == b"z"
        assert "a defect of a reader" in caplog.text
        for one in (here, good):
            loop.remove_reader(one)
        for one in (here, there, good, far):
            one.close()

    with caplog.at_level(logging.ERROR):
        on_the_loop(work())


def test_streams_and_datagrams_of_asyncio_work_on_it() -> None:
    async def work() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        assert await reader.read() == b"hello\n"
        writer.close()
        server.close()
        loop = asyncio.get_running_loop()
        here, there = pair()
        await loop.sock_sendall(here, b"z")
        there.setblocking(False)
        assert await loop.sock_recv(there, 10) == b"z"
        here.close()
        there.close()

    on_the_loop(work())
