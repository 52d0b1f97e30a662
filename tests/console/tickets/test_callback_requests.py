"""Call-backs that callers asked for: seen, cancelled, placed again when the phone process comes back without them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx

from storage.database import transaction
from storage.event_log import append_events
from telephony import events

Run = Callable[..., None]


def request(desk: Any, call: str = "asked", sequence: int = 1, ago: float = 60.0) -> None:
    at = time.time() - ago
    story = [
        {"type": "call.started", "direction": "inbound", "line": "trunk", "number": "13812340001", "at": at},
        {
            "type": "callback.requested",
            "queue": "default",
            "number": "13812340001",
            "waiting_since": at + 1,
            "at": at + 9,
        },
        {"type": "call.ended", "by": "caller", "sip_status": 200, "reason": "BYE", "at": at + 10},
    ]
    with transaction(desk.desk.engine) as conn:
        append_events(
            conn,
            [
                {**one, "call": call, "node": "phone9", "sequence": sequence + n, "monotonic": 0}
                for n, one in enumerate(story)
            ],
            desk.desk.plan,
        )


async def requests(client: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/api/callback-requests?{query}")
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()["callbacks"]
    return told


def test_a_supervisor_sees_who_waits_and_cancels_it_once(house: Run) -> None:
    async def body(desk: Any) -> None:
        request(desk)
        async with desk.signed_in("supervisor1") as supervisor, desk.signed_in("agent1") as agent:
            (one,) = await requests(supervisor)
            assert (one["id"], one["state"], one["number"], one["queue"]) == (
                "asked",
                "waiting",
                "138****0001",
                "default",
            )
            assert await requests(supervisor, "state=reached") == []
            assert await requests(supervisor, "queue=vip") == []
            assert (await agent.get("/api/callback-requests")).status_code == 403
            cancelled = await supervisor.post("/api/callback-requests/asked/cancel", json={"note": "已自行来院"})
            assert cancelled.status_code == 200, cancelled.text
            assert (cancelled.json()["state"], cancelled.json()["cancelled_by"]) == ("cancelled", "supervisor1")
            again = await supervisor.post("/api/callback-requests/asked/cancel", json={})
            assert (again.status_code, again.json()["error"]["code"]) == (409, "wrong_state")
            for path in ("none", "%00"):
                assert (await supervisor.post(f"/api/callback-requests/{path}/cancel", json={})).status_code == 404
            for query in ("state=lost", "limit=0", "since=noon"):
                assert (await supervisor.get(f"/api/callback-requests?{query}")).status_code == 422
            wrong = await supervisor.post("/api/callback-requests/asked/cancel", json={"note": "x" * 501})
            assert wrong.status_code == 422

    house(body, phone=False)


def test_a_phone_that_comes_back_is_given_the_call_backs_that_wait_and_loses_a_cancelled_one(house: Run) -> None:
    async def body(desk: Any) -> None:
        request(desk)
        request(desk, "long ago", 11, ago=3 * 86400)
        async with desk.signed_in("supervisor1") as supervisor:
            await desk.start_phone()
            await desk.phone_there()
            await desk.until(lambda: len(desk.phone.calls) == 1)
            ((call, live),) = desk.phone.calls.items()
            assert (live.call.number, live.call.queue, live.call.requested_in) == ("13812340001", "default", "asked")

            async def stored(state: str, with_call: bool) -> bool:
                rows = [one for one in await requests(supervisor) if one["id"] == "asked"]
                return [(one["state"], bool(one["call"])) for one in rows] == [(state, with_call)]

            for _ in range(200):
                if await stored("waiting", True):
                    break
            assert (await requests(supervisor, "state=waiting"))[-1]["call"] == call
            cancelled = await supervisor.post("/api/callback-requests/asked/cancel", json={})
            assert cancelled.status_code == 200, cancelled.text
            await desk.until(lambda: not desk.phone.calls)

    house(body, phone=False)


def test_a_call_back_that_is_over_by_what_the_phone_said_meanwhile_is_not_placed_again(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.web():
            await desk.phone_there()
            await asyncio.wait_for(desk.desk._placing, 10)
            request(desk)
        # nobody listens to the phone as it says so, and the log has it a moment after the next link
        desk.phone.stream.publish(events.CallbackCancelled(call="asked", by="caller", by_call="in"))
        async with desk.web(), desk.signed_in("supervisor1") as supervisor:
            await desk.phone_there()
            await asyncio.wait_for(desk.desk._placing, 10)
            assert desk.phone.calls == {}
            (row,) = await requests(supervisor)
            assert (row["state"], row["call"]) == ("cancelled", "in")

    house(body, web=False)


def test_a_call_back_is_cancelled_at_the_phone_though_the_log_does_not_say_yet_which_call_it_waits_as(
    house: Run,
) -> None:
    async def body(desk: Any) -> None:
        await asyncio.wait_for(desk.desk._placing, 10)
        request(desk)
        # the call that calls back, of which the log hears a moment later
        desk.phone.callbacks.place("default", "13812340001", requested_in="asked")
        async with desk.signed_in("supervisor1") as supervisor:
            cancelled = await supervisor.post("/api/callback-requests/asked/cancel", json={})
            assert cancelled.status_code == 200, cancelled.text
            assert desk.phone.calls == {}

    house(body)
