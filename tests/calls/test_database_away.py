"""The database is locked or away for some seconds while calls go on: nothing of them is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from postgresql_cluster import Cluster
from tones import SPEECH_CODER, hear_recording

pytestmark = pytest.mark.peer

KINDS = ("call.started", "call.offered", "call.answered", "recording.started", "call.ended", "recording.closed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def postgresql_house(start_house: Callable[..., Any], cluster: Cluster) -> Any:
    return start_house("postgresql", (36400, 36599), top=f'database_url = "{cluster.create_database()}"\n')


async def whole_call(house: Any, before_answer: Any = None, at_end: Any = None) -> str:
    """One answered call of two seconds."""
    scenario = house.scenario("caller_hangs_up", {'milliseconds="100"': 'milliseconds="2000"'})
    async with house.agent(play=house.tone(1000.0)) as agent:
        caller = await house.sipp.start(scenario)
        id_ = str((await agent.wait_for("ringing"))["call"])
        if before_answer is not None:
            await before_answer()
        await agent.answer(id_)
        await house.sipp.finished(caller)
        await house.event("call.ended", call=id_)
        await house.event("recording.closed", call=id_)
        if at_end is not None:
            at_end()
        return id_


async def stored_whole(house: Any, id_: str) -> dict[str, Any]:
    view: dict[str, Any] = await house.recorded(id_)
    events = [event["type"] for event in (await house.api.get(f"/api/calls/{id_}/events")).json()]
    assert {kind: events.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 1)
    assert (view["state"], view["outcome"], view["hung_up_by"]) == ("ended", "answered", "caller")
    assert view["talk_seconds"] == pytest.approx(2.0, abs=0.6)
    return view


async def test_an_exclusive_lock_of_five_seconds_on_sqlite_loses_nothing(house: Any) -> None:
    async with house.watching():
        lock = sqlite3.connect(house.product.data / "sansheng.db", isolation_level=None, timeout=15)
        over = asyncio.Event()
        held: list[asyncio.Task[None]] = []

        async def hold() -> None:
            lock.execute("BEGIN EXCLUSIVE")

            async def release() -> None:
                """After five seconds, and not before the whole call is over."""
                await asyncio.gather(asyncio.sleep(5), asyncio.wait_for(over.wait(), 40))
                lock.execute("ROLLBACK")

            held.append(asyncio.create_task(release()))

        try:
            id_ = await whole_call(house, hold, over.set)
            await held[0]
            await stored_whole(house, id_)
        finally:
            over.set()
            await asyncio.gather(*held, return_exceptions=True)
            lock.close()


async def test_the_product_runs_on_postgresql(postgresql_house: Any) -> None:
    house = postgresql_house
    async with house.watching():
        id_ = await whole_call(house)
        view = await stored_whole(house, id_)
        agent_side = hear_recording(await house.download(view))[1]
        found = (await house.api.get("/api/patients", params={"q": "wxm"})).json()
    assert agent_side.tone(1000.0) == pytest.approx(-15.0, abs=SPEECH_CODER)
    assert "王小明" in str(found)


async def test_a_postgresql_that_stops_and_comes_back_has_everything_afterwards(
    postgresql_house: Any, cluster: Cluster
) -> None:
    house = postgresql_house
    async with house.watching():
        scenario = house.scenario("caller_hangs_up", {'milliseconds="100"': 'milliseconds="2000"'})
        async with house.agent(auto_answer=True) as agent:
            caller = await house.sipp.start(scenario)
            id_ = (await agent.wait_for("answered"))["call"]
            await asyncio.to_thread(cluster.stop)
            try:
                await house.sipp.finished(caller)
                await house.event("recording.closed", call=id_)

                async def told() -> bool:
                    return (await house.health())["checks"]["database"]["status"] == "fail"

                await house.until(told)
            finally:
                await asyncio.to_thread(cluster.start)
            await stored_whole(house, id_)

            async def well() -> bool:
                return (await house.health())["checks"]["events"]["status"] == "ok"

            await house.until(well)
