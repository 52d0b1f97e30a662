"""A recording that the worker has finished is told to every console, without a page asking for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from storage import recordings
from storage.database import transaction
from storage.event_log import append_events

Run = Callable[..., None]


def told(desk: Any, kind: str, call: str, sequence: int, **more: Any) -> dict[str, Any]:
    """Store an event of the phone, and let this process hear it as it hears the phone's own."""
    event = {"type": kind, "call": call, "node": "phone9", "sequence": sequence, "at": 1.79e9, "monotonic": 0, **more}
    with transaction(desk.desk.engine) as conn:
        append_events(conn, [event], desk.desk.plan)
    for listener in desk.desk.hub.listeners:
        listener(event)
    return event


def worked(desk: Any, error: str = "") -> str:
    """What the worker does with the next recording; gives its call."""
    with transaction(desk.desk.engine) as conn:
        one = recordings.claim_next(conn, "test")
        assert one is not None
        if error:
            recordings.attempt_failed(conn, one.id, "test", error, final=True)
        else:
            recordings.finished(
                conn, one.id, "test", path="a.webm", peaks_path="", codec="opus", seconds=1.0, channels=2, sha256="",
                size=1,
            )  # fmt: skip
    return one.call


def test_every_console_is_told_once_of_a_recording_that_is_ready_or_failed(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("supervisor1") as supervisor:
            consoles = [await desk.console(agent), await desk.console(supervisor)]
            for n, call in enumerate(("one", "two")):
                told(desk, "recording.started", call, 2 * n + 1, path=f"raw/{call}.cap")
                told(desk, "recording.closed", call, 2 * n + 2, path=f"raw/{call}.cap", bytes=10, packets=1)
            for error, state in (("", "ready"), ("nothing_recorded: silence", "failed")):
                call = worked(desk, error)
                for console in consoles:
                    frame = await console.frame("recording.finished", call=call)
                    assert frame["state"] == state
            board = desk.desk.finished_recordings
            await desk.until(lambda: not board._awaited)

    house(body)


def test_what_was_under_way_when_the_web_process_began_is_told_too(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            told(desk, "recording.started", "one", 1, path="raw/one.cap")
            told(desk, "recording.closed", "one", 2, path="raw/one.cap", bytes=10, packets=1)
            # as a process has it that has just begun: it heard nothing
            board = desk.desk.finished_recordings
            await board.stop()
            board._awaited.clear()
            board.start()
            await desk.until(lambda: "one" in board._awaited)
            console = await desk.console(agent)
            worked(desk)
            assert (await console.frame("recording.finished"))["call"] == "one"

    house(body)


def test_nothing_is_looked_up_while_no_recording_is_awaited(house: Run) -> None:
    async def body(desk: Any) -> None:
        board = desk.desk.finished_recordings
        await asyncio.sleep(1.0)
        looks: list[int] = []
        read = board._read

        async def counted(work: Any) -> Any:
            looks.append(1)
            return await read(work)

        board._read = counted
        await asyncio.sleep(1.0)
        assert looks == []

    house(body)
