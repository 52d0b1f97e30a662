"""The frame that tells everybody who waits, and that somebody has given up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from console.events.queue_board import QueueBoard


def of(call: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "call": call, "at": 1.79e9, **more}


def waits(call: str) -> dict[str, Any]:
    return of(call, "call.queued", queue="default", position=1)


ENDED = {"by": "caller", "sip_status": 487, "reason": "cancelled"}


@pytest.mark.parametrize(
    ("story", "given_up"),
    [
        ([waits("a"), of("a", "call.ended", **ENDED)], 1),
        ([waits("a"), of("a", "call.offered", agent="x", offer=1), of("a", "call.ended", **ENDED)], 1),
        # one comes as the other goes: as many wait as before
        ([waits("a"), waits("b"), of("a", "call.ended", **ENDED), waits("c"), of("c", "call.ended", **ENDED)], 2),
        ([waits("a"), of("a", "call.answered", agent="x"), of("a", "call.ended", **ENDED)], 0),
        # nobody gave up a call-back, and a message was left instead
        (
            [
                of("a", "callback.started", queue="default", requested_in="z"),
                waits("a"),
                of("a", "call.ended", **ENDED),
            ],
            0,
        ),
        (
            [
                waits("a"),
                of("a", "call.dequeued", queue="default", why="voicemail"),
                of("a", "voicemail.left", queue="default", starts=0.0, seconds=9.0),
                of("a", "call.ended", **ENDED),
            ],
            0,
        ),
        # in a menu, before there was anything to wait for
        ([of("a", "call.started", direction="inbound"), of("a", "call.ended", **ENDED)], 1),
        (
            [
                of("a", "call.started", direction="inbound"),
                of("a", "menu.entered", menu="main", version=1),
                of("a", "call.transferred", by=""),
                of("a", "call.ended", **ENDED),
            ],
            0,
        ),
        ([of("a", "call.started", direction="outbound"), of("a", "call.ended", **ENDED)], 0),
        ([of("unknown", "call.ended", **ENDED)], 0),
    ],
)
def test_who_gives_up_waiting_is_counted_and_told_within_a_moment(story: list[dict[str, Any]], given_up: int) -> None:
    async def main() -> None:
        frames: list[dict[str, Any]] = []
        told = asyncio.Event()

        def tell(frame: dict[str, Any]) -> None:
            frames.append(frame)
            told.set()

        board = QueueBoard(tell)
        board.begin([], 1.79e9)
        for event in story:
            board.heard(event)
        await asyncio.wait_for(told.wait(), 10)
        assert frames[-1]["type"] == "queues"
        assert frames[-1]["given_up"] == given_up
        board.close()

    asyncio.run(main())


def test_who_was_in_a_menu_when_the_web_process_came_and_gives_up_there_is_counted() -> None:
    async def main() -> None:
        told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        board = QueueBoard(told.put_nowait)
        board.begin([{"call": "a", "phase": "menu", "queue": "", "line": "trunk"}], 1.79e9)
        assert (await asyncio.wait_for(told.get(), 10))["given_up"] == 0
        board.heard(of("a", "call.ended", **ENDED))
        assert (await asyncio.wait_for(told.get(), 10))["given_up"] == 1
        board.close()

    asyncio.run(main())
