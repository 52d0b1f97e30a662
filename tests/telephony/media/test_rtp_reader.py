"""One wake-up serves all RTP sockets; one that fails or goes away in between harms no other."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from telephony.media.rtp_reader import RtpReader


def pair() -> tuple[socket.socket, socket.socket]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.setblocking(False)
    return one, other


def test_each_socket_is_read_and_one_that_fails_disturbs_none(on_loop: Any) -> None:
    async def work() -> list[int]:
        reader, loop = RtpReader(), asyncio.get_running_loop()
        sockets = [pair() for _ in range(5)]
        read: list[int] = []

        def read_one(number: int) -> None:
            sockets[number][0].recv(100)
            read.append(number)
            if number == 2:
                raise RuntimeError("broken")

        for number, (one, _) in enumerate(sockets):
            reader.read(one.fileno(), lambda now, number=number: read_one(number), loop)  # type: ignore[misc]
        for _ in range(3):
            for _, other in sockets:
                other.send(b"x")
            for _ in range(200):
                await asyncio.sleep(0.001)
                if len(read) % 5 == 0 and read:
                    break
        for one, other in sockets:
            reader.forget(one.fileno())
            one.close()
            other.close()
        return sorted(read)

    assert on_loop(work()) == sorted(list(range(5)) * 3)


def test_a_socket_that_another_forgets_within_the_round_is_not_read(on_loop: Any) -> None:
    async def work() -> list[str]:
        reader, loop = RtpReader(), asyncio.get_running_loop()
        (one, one_far), (other, other_far) = pair(), pair()
        read: list[str] = []

        def end(name: str) -> None:
            read.append(name)
            for ended in (one, other):
                reader.forget(ended.fileno())

        reader.read(one.fileno(), lambda now: end("one"), loop)
        reader.read(other.fileno(), lambda now: end("other"), loop)
        one_far.send(b"x")
        other_far.send(b"x")
        await asyncio.sleep(0.05)
        for each in (one, one_far, other, other_far):
            each.close()
        return read

    assert len(on_loop(work())) == 1


def test_a_reader_may_be_used_again_after_its_last_socket_left(on_loop: Any) -> None:
    async def work() -> int:
        reader, loop = RtpReader(), asyncio.get_running_loop()
        count = 0

        def read(now: int) -> None:
            nonlocal count
            count += 1

        for _ in range(2):
            one, far = pair()
            reader.read(one.fileno(), read, loop)
            far.send(b"x")
            await asyncio.sleep(0.02)
            reader.forget(one.fileno())
            reader.forget(one.fileno())
            one.close()
            far.close()
        return count

    assert on_loop(work()) >= 2
