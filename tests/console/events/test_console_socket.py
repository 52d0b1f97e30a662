"""``/ws/events`` with a real phone behind it: pops, visibility, resuming, replacement, bad clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from console import desk as desk_module
from console.events import console as console_module
from console.events import socket as socket_module
from console.identity import session_cache
from storage.database import transaction
from storage.users import update_user

Run = Callable[..., None]
WANG, LI = "13812340001", "13812340002"


def test_a_call_arrives_with_its_record_at_the_agent_it_rings_at_and_nowhere_else(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("agent2") as other:
            events = await desk.ready(agent)
            elsewhere = await desk.console(other)
            call = desk.source.invite(WANG, "057188000000")
            offered = await events.frame("call.offered")
            assert offered["pop"]["match"] == "one"
            assert offered["number"] == offered["pop"]["number"] == "138****0001"
            assert offered["pop"]["masked"] == "138****0001"
            assert offered["pop"]["kind"] == "mobile"
            patient = offered["pop"]["patients"][0]
            assert (patient["name"], patient["birth_date"], patient["phone_label"]) == ("王小明", "1980-01-02", "手机")
            assert patient["masked"] == "138****0001"
            desk.source.cancel(call, "057188000000")
            ended = await events.frame("call.ended")
            assert ended["by"] == "caller"
            assert WANG not in json.dumps(events.frames)
            assert await desk.over(call) == 487
            # the other agent's socket is told something of its own, and nothing of the call before it
            await other.delete("/api/session")
            assert await elsewhere.close_code() == 4003
            assert [frame["type"] for frame in elsewhere.frames if frame["type"].startswith("call.")] == []

    house(body)


def test_several_patients_on_one_number_come_as_candidates_and_an_unknown_number_as_nobody(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.ready(agent)
            first = desk.source.invite(LI)
            offered = await events.frame("call.offered")
            assert offered["pop"]["match"] == "several"
            assert {one["name"] for one in offered["pop"]["patients"]} == {"李大", "李二"}
            desk.source.cancel(first)
            await events.frame("agent.state", status="ready", call="")
            await desk.over(first)
            second = desk.source.invite("13900009999")
            offered = await events.frame("call.offered", number="139****9999")
            assert offered["pop"]["match"] == "none"
            assert offered["pop"]["patients"] == []
            assert offered["pop"]["masked"] == "139****9999"
            desk.source.cancel(second)
            await desk.over(second)

    house(body)


def test_supervisors_hear_of_all_calls_with_the_numbers_masked(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("supervisor1") as supervisor:
            await desk.ready(agent)
            watching = await desk.console(supervisor)
            call = desk.source.invite(WANG)
            started = await watching.frame("call.started")
            offered = await watching.frame("call.offered")
            assert offered["agent"] == "agent1"
            assert offered["pop"]["match"] == "one"
            for frame in (started, offered):
                assert frame["number"] == "138****0001"
                assert frame["pop"]["number"] == "138****0001"
            assert WANG not in json.dumps(watching.frames)
            desk.source.cancel(call)
            await watching.frame("call.ended")
            late = await desk.console(supervisor, "another")
            assert late.frames[0]["calls"] == []
            assert [one["agent"] for one in late.frames[0]["agents"]] == ["agent1", "supervisor1"]

    house(body)


def test_the_snapshot_shows_the_call_that_rings_with_its_pop(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.ready(agent)
            call = desk.source.invite(WANG)
            await events.frame("call.offered")
            again = await desk.console(agent, "after a reload")
            snapshot = again.frames[0]
            assert snapshot["user"]["username"] == "agent1"
            assert snapshot["agent"]["status"] == "ringing"
            assert [one["pop"]["patients"][0]["name"] for one in snapshot["calls"]] == ["王小明"]
            assert snapshot["lines"][0]["line"] == "trunk"
            assert snapshot["phone"] is True
            rules = {"three_rings": 3, "three_rings_version": 1, "ring_cadence": 5.0, "hold_hint": 60.0}
            assert rules.items() <= snapshot["rules"].items()
            assert WANG not in json.dumps(again.frames)
            desk.source.cancel(call)
            await again.frame("call.ended")

    house(body)


@pytest.mark.parametrize("from_memory", [True, False])
def test_a_console_that_comes_back_gets_what_it_missed_once_and_in_order(house: Run, from_memory: bool) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("supervisor1") as supervisor:
            watching = await desk.console(supervisor)
            await desk.ready(agent)
            call = desk.source.invite(WANG)
            seen = await watching.frame("call.offered")
            await watching.socket.close()
            desk.source.cancel(call)
            await desk.over(call)
            sequence = desk.phone.journal.sequence
            await desk.until(lambda: desk.desk.store.stored_through >= sequence)
            if not from_memory:
                desk.desk.hub.recent.clear()
            back = await desk.console(supervisor, after={"phone1": seen["sequence"]})
            assert back.frames[0]["resumed"] is True
            assert back.frames[0]["cursor"] == {"desk": 0, "phone1": seen["sequence"]}
            next_call = desk.source.invite(LI)
            await back.frame("call.started")
            sequences = [frame["sequence"] for frame in back.frames if "sequence" in frame]
            assert sequences == list(range(seen["sequence"] + 1, sequences[-1] + 1))
            resent = [frame["type"] for frame in back.frames if frame.get("resent")]
            assert "call.ended" in resent
            assert not back.frames[-1].get("resent")
            desk.source.cancel(next_call)
            await back.frame("call.ended", call=back.frames[-1]["call"])

    house(body)


def test_an_agent_that_comes_back_gets_only_its_own_missed_events_out_of_the_database(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("agent2") as other:
            events = await desk.ready(agent)
            call = desk.source.invite(WANG)
            seen = await events.frame("call.offered")
            desk.source.cancel(call)
            await desk.over(call)
            sequence = desk.phone.journal.sequence
            await desk.until(lambda: desk.desk.store.stored_through >= sequence)
            desk.desk.hub.recent.clear()
            back = await desk.console(agent, "same day", after={"phone1": seen["sequence"]})
            await back.frame("call.ended")
            stranger = await desk.console(other, after={"phone1": seen["sequence"]})
            await other.delete("/api/session")
            await stranger.close_code()
            assert [frame["type"] for frame in stranger.frames if frame["type"].startswith("call.")] == []

    house(body)


def test_a_newer_console_of_the_same_user_takes_over_and_the_older_is_told(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as first, desk.signed_in("agent1") as second:
            older = await desk.ready(first)
            newer = await desk.console(second, "c2")
            assert await older.close_code() == 4001
            assert older.frames[-1] == {"type": "replaced"}
            assert newer.frames[0]["agent"]["status"] == "ready"
            call = desk.source.invite(WANG)
            await newer.frame("call.offered")
            desk.source.cancel(call)
            await newer.frame("call.ended")

    house(body)


def test_a_console_that_cannot_keep_up_is_let_go_and_resumes_without_a_loss(
    house: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_module, "QUEUE_LIMIT", 20)

    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor:
            slow = await desk.console(supervisor)
            cursor = slow.frames[0]["cursor"]["phone1"]
            # one burst without a pause for the writer: as if the socket took nothing
            for number in range(1, 31):
                desk.desk.hub.publish(
                    {"type": "line.refused", "node": "phone1", "sequence": cursor + number, "source": "x", "count": 1}
                )
            assert await slow.close_code() == 4008
            got = [frame["sequence"] for frame in slow.frames if "sequence" in frame]
            monkeypatch.setattr(console_module, "QUEUE_LIMIT", 2000)
            back = await desk.console(supervisor, after={"phone1": max(got, default=cursor)})
            await back.frame("line.refused", sequence=cursor + 30)
            got += [frame["sequence"] for frame in back.frames if "sequence" in frame]
            assert got == list(range(cursor + 1, cursor + 31))

    house(body)


def test_without_a_session_the_socket_closes_with_4003_and_logging_out_closes_it_too(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with httpx.AsyncClient(base_url=desk.url) as nobody:
            assert await (await desk.socket(nobody)).close_code() == 4003
        async with desk.signed_in("agent1") as agent:
            events = await desk.console(agent)
            await agent.delete("/api/session")
            assert await events.close_code() == 4003
            assert desk.desk.hub.console_of("agent1") is None

    house(body, phone=False)


@pytest.mark.parametrize(
    "hello",
    ["", "{", "[]", '{"type":"hello"}', '{"type":"bye","console":"c"}', b"\x00\x01", '{"type":"hello","console":5}'],
)
def test_a_socket_that_says_no_valid_hello_is_closed_with_4000(house: Run, hello: str | bytes) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            opened = await desk.socket(agent)
            await opened.socket.send(hello)
            assert await opened.close_code() == 4000

    house(body, phone=False)


def test_a_socket_that_says_nothing_is_closed_and_later_chatter_is_ignored(
    house: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "HELLO_SECONDS", 0.2)

    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            silent = await desk.socket(agent)
            assert await silent.close_code() == 4000
            events = await desk.console(agent)
            await events.socket.send("chatter")
            await events.socket.send(b"\xff")
            call = desk.source.invite(WANG)
            desk.source.cancel(call)
            assert (await agent.get("/api/session")).status_code == 200
            assert desk.desk.hub.console_of("agent1") is not None

    house(body)


def test_a_page_of_another_site_cannot_open_the_socket(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            with pytest.raises(Exception, match="403"):
                await desk.socket(agent, origin="https://evil.example")
            opened = await desk.socket(agent, origin=desk.url)
            await opened.socket.close()

    house(body, phone=False)


def test_the_console_opens_and_says_so_while_the_phone_process_is_away(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.console(agent)
            assert events.frames[0]["phone"] is False
            assert events.frames[0]["agent"] is None
            await desk.start_phone()
            await events.frame("phone", connected=True)
            assert (await events.frame("agent.state", agent="agent1"))["status"] == "not_ready"
            await desk.stop_phone()
            await events.frame("phone", connected=False)

    house(body, phone=False)


def test_a_session_that_is_ended_elsewhere_closes_its_console(house: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "RECHECK_SECONDS", 0.1)
    monkeypatch.setattr(session_cache, "FRESH_SECONDS", 0.1)

    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("supervisor1") as supervisor:
            floor = await desk.console(supervisor)
            events = await desk.console(agent)
            with transaction(desk.desk.engine) as conn:
                update_user(conn, "agent1", active=False)
            assert await events.close_code() == 4003
            # no call rings there any more, not even for the time that a reload may take
            await floor.frame("agent.state", agent="agent1", status="offline")

    house(body)
