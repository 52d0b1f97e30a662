"""Nothing that the phone says is lost or stored twice, whatever is away for a while."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from console import health
from console.events import event_store
from storage.database import reading, transaction
from storage.event_log import append_desk_event, events_after
from telephony.events import RequestRefused

Run = Callable[..., None]
WANG = "13812340001"


def stored(desk: Any) -> list[int]:
    with reading(desk.desk.engine) as conn:
        return [event["sequence"] for event in events_after(conn, "phone1", 0, 5000)]


def rename(desk: Any, before: str, after: str) -> None:
    with transaction(desk.desk.engine) as conn:
        conn.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))


async def ring_once(desk: Any, number: str = WANG) -> None:
    call = desk.source.invite(number)
    await desk.until(lambda: call.ringing)
    desk.source.cancel(call)
    await desk.over(call)


async def all_stored(desk: Any) -> None:
    await desk.until(lambda: desk.desk.store.stored_through >= desk.phone.journal.sequence)
    assert stored(desk) == list(range(1, desk.phone.journal.sequence + 1))


def test_every_event_is_stored_once_and_the_journal_is_told(house: Run) -> None:
    async def body(desk: Any) -> None:
        await ring_once(desk)
        await all_stored(desk)
        assert desk.desk.store.lag_seconds() == 0.0

    house(body)


def test_a_database_that_is_away_delays_events_and_loses_none_while_calls_still_pop(
    house: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "_LONGEST_PAUSE", 0.2)

    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.ready(agent)
            await desk.until(lambda: desk.desk.store.waiting == 0)
            rename(desk, "call_events", "call_events_gone")
            call = desk.source.invite(WANG)
            offered = await events.frame("call.offered")
            assert offered["pop"]["match"] == "one"
            desk.source.cancel(call)
            await desk.over(call)
            await desk.until(lambda: bool(desk.desk.store.trouble))
            assert (await agent.get("/healthz")).json()["checks"]["events"]["status"] == "fail"
            rename(desk, "call_events_gone", "call_events")
            await all_stored(desk)
            assert desk.desk.store.trouble == ""

    house(body)


def test_a_database_that_somebody_holds_locked_is_told_before_it_gives_up(
    house: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STUCK_SECONDS", 0.3)

    async def body(desk: Any) -> None:
        await desk.until(lambda: desk.desk.store.waiting == 0)
        with transaction(desk.desk.engine):
            await ring_once(desk)
            await desk.until(lambda: desk.desk.store.stuck_seconds() > 0.3)
            async with httpx.AsyncClient(base_url=desk.url) as client:
                answer = await client.get("/healthz")
            assert answer.status_code == 503
            assert "events wait for the database" in answer.json()["checks"]["events"]["detail"]
        await all_stored(desk)
        assert desk.desk.store.stuck_seconds() == 0.0

    house(body)


def test_a_page_that_asks_upon_an_event_finds_it_although_the_store_is_behind(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor:
            events = await desk.console(supervisor)
            await desk.until(lambda: desk.desk.store.waiting == 0)
            with transaction(desk.desk.engine):
                await ring_once(desk)
                ended = await events.frame("call.ended")
                asked = asyncio.create_task(supervisor.get(f"/api/calls/{ended['call']}"))
                listed = asyncio.create_task(supervisor.get("/api/calls"))
                await desk.until(lambda: len(desk.desk.store._readers) == 2)
            call = (await asked).json()
            assert call["ended_at"] is not None
            assert ended["call"] in [one["id"] for one in (await listed).json()]

    house(body)


def test_a_reader_of_the_log_does_not_wait_for_a_database_that_takes_nothing(
    house: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.desk.LOG_PATIENCE", 0.2)

    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor:
            await desk.until(lambda: desk.desk.store.waiting == 0)
            with transaction(desk.desk.engine):
                await ring_once(desk)
                answer = await supervisor.get("/api/calls")
                assert answer.status_code == 200
                assert answer.json() == []
            await all_stored(desk)

    house(body)


def test_events_beyond_what_memory_holds_come_out_of_the_journal_again(
    house: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "_LONGEST_PAUSE", 0.2)
    monkeypatch.setattr(event_store, "WAITING", 5)

    async def body(desk: Any) -> None:
        await desk.until(lambda: desk.desk.store.waiting == 0)
        rename(desk, "call_events", "call_events_gone")
        for _ in range(3):
            await ring_once(desk)
        await desk.until(lambda: desk.desk.store.overflowed)
        rename(desk, "call_events_gone", "call_events")
        await all_stored(desk)
        assert not desk.desk.store.overflowed
        await ring_once(desk)
        await all_stored(desk)

    house(body)


def test_an_event_that_no_database_takes_is_set_aside_and_the_others_go_on(house: Run) -> None:
    async def body(desk: Any) -> None:
        await desk.until(lambda: desk.desk.store.waiting == 0)
        with transaction(desk.desk.engine) as conn:
            conn.execute(
                text(
                    "CREATE TRIGGER refuse BEFORE INSERT ON call_events WHEN NEW.type = 'line.refused' "
                    "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
                )
            )
        desk.phone.stream.publish(RequestRefused(source="192.0.2.1", count=7))
        refused = desk.phone.journal.sequence
        await ring_once(desk)
        await desk.until(lambda: desk.desk.store.stored_through >= desk.phone.journal.sequence)
        assert stored(desk) == [one for one in range(1, desk.phone.journal.sequence + 1) if one != refused]
        aside = (desk.config.data / "events-set-aside.jsonl").read_text().splitlines()
        assert [json.loads(line)["sequence"] for line in aside] == [refused]
        assert desk.desk.store.refused == 1

    house(body)


def test_a_phone_process_that_comes_back_gets_its_agents_and_rules_again(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("admin") as admin:
            events = await desk.ready(agent)
            answer = await admin.put("/api/rules/agent_ring_limit", json={"value": 4})
            assert answer.status_code == 200, answer.text
            assert desk.phone.rules.agent_ring_limit == 4
            desk.desk.phone_for_requests.patience = 0.2
            await desk.stop_phone()
            await events.frame("phone", connected=False)
            refused = await agent.post("/api/agent/state", json={"state": "ready"})
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "phone_unavailable"
            again = await desk.start_phone()
            await desk.phone_there()
            await desk.until(lambda: "agent1" in again.floor.agents)
            await desk.until(lambda: again.rules.agent_ring_limit == 4)
            await all_stored(desk)

    house(body)


def test_a_request_during_a_restart_of_the_phone_process_waits_until_its_agents_are_signed_in_again(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("supervisor1") as supervisor:
            events = await desk.ready(agent)
            desk.desk.phone_for_requests.patience = 20.0
            await desk.stop_phone()
            await events.frame("phone", connected=False)
            asked = asyncio.create_task(supervisor.get("/api/floor"))
            assert (await agent.get("/healthz")).status_code == 503, "health is told at once"
            assert not asked.done()
            await desk.start_phone()
            told = await asked
            assert told.status_code == 200, told.text
            assert "agent1" in [one["agent"] for one in told.json()["agents"]]

    house(body)


def test_a_request_made_as_the_web_process_starts_waits_until_it_has_reached_the_phone(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.web(), desk.signed_in("supervisor1") as supervisor:
            desk.desk.phone_for_requests.patience = 20.0
            asked = asyncio.create_task(supervisor.get("/api/floor"))
            await desk.start_phone()
            told = await asked
            assert told.status_code == 200, told.text

    house(body, phone=False, web=False)


def test_what_the_phone_said_while_the_web_process_was_away_is_taken_in_afterwards(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.web():
            await desk.phone_there()
            await ring_once(desk)
        before = desk.phone.journal.sequence
        await ring_once(desk)
        assert desk.phone.journal.sequence > before
        async with desk.web():
            await desk.phone_there()
            await all_stored(desk)

    house(body, web=False)


def test_an_agent_whose_console_is_gone_is_signed_out_after_a_while_and_not_before(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            first = await desk.ready(agent)
            await first.socket.close()
            await desk.until(lambda: desk.desk.hub.console_of("agent1") is None)
            second = await desk.console(agent, "reloaded")
            assert second.frames[0]["agent"]["status"] == "ready"
            await asyncio.sleep(0.5)
            assert desk.phone.floor.agents["agent1"].status == "ready"
            await second.socket.close()
            await desk.until(lambda: desk.phone.floor.agents["agent1"].status == "offline")

    house(body, gone_seconds=0.3)


def test_logging_out_takes_the_agent_off_the_floor_at_once(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            await desk.ready(agent)
            await agent.delete("/api/session")
            assert desk.phone.floor.agents["agent1"].status == "offline"

    house(body)


def test_an_agent_without_a_console_is_found_by_a_web_process_that_starts_anew(house: Run) -> None:
    async def body(desk: Any) -> None:
        phone = await desk.start_phone()
        phone.floor.sign_in("agent2", "left behind", ("default",))
        await desk.until(lambda: phone.floor.agents["agent2"].status == "offline")

    house(body, phone=False, gone_seconds=0.2)


def test_what_the_desk_adds_to_calls_reaches_the_consoles_in_order_whoever_is_first(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor:
            watching = await desk.console(supervisor)

            def add(conn: Connection) -> list[dict[str, Any]]:
                wish = {"type": "call.disposed", "call": "c1", "at": 1.0, "agent": "agent1", "code": "answered"}
                return [append_desk_event(conn, wish) for _ in range(2)]

            first, second = await desk.desk.in_transaction(add)
            desk.desk.publish(second)
            desk.desk.publish(first)
            await watching.frame("call.disposed", sequence=second["sequence"])
            told = [frame["sequence"] for frame in watching.frames if frame["type"] == "call.disposed"]
            assert told == [first["sequence"], second["sequence"]]

    house(body, phone=False)


def test_a_pop_that_the_database_cannot_answer_fails_visibly_and_the_call_rings(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.ready(agent)
            rename(desk, "patient_phones", "patient_phones_gone")
            call = desk.source.invite(WANG)
            offered = await events.frame("call.offered")
            assert offered["pop"]["failed"] is True
            assert offered["pop"]["masked"] == "138****0001"
            desk.source.cancel(call)
            await desk.over(call)

    house(body)


def test_a_caller_who_is_announced_is_looked_up_once_and_one_who_never_comes_is_forgotten(house: Run) -> None:
    async def body(desk: Any) -> None:
        web = desk.desk
        web.calls.expect("c1", WANG, "")
        begun = web.lookup.look_up("c1", WANG)
        assert (await begun).patients[0].name == "王小明"
        assert web.lookup.look_up("c1", WANG) is not begun
        web.calls.begin({"call": "c2", "direction": "inbound", "number": WANG})
        found = web.calls.find("c2").pop
        # the word that a call comes may be later than its first event
        web.calls.expect("c2", WANG, "")
        web.calls.begin({"call": "c2", "direction": "inbound", "number": WANG})
        assert web.calls.find("c2").pop is found
        for number in range(1000):
            web.calls.expect(f"never {number}", "", "")
        assert len(web.lookup._expected) <= 200
        assert (await web.lookup.look_up("never 0", "")).kind == "anonymous"

    house(body, phone=False)
