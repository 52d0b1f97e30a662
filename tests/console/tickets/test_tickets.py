"""Tickets from voicemails: made once, taken, done, opened again; each step known afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from storage import event_log, tickets
from storage.database import transaction
from storage.event_log import append_events

Run = Callable[..., None]


def voicemail(
    desk: Any, call: str = "vm-1", queue: str = "default", sequence: int = 1, number: str = "13812340001"
) -> None:
    at = time.time() - 60
    story = [
        {"type": "call.started", "direction": "inbound", "line": "trunk", "number": number, "queue": queue, "at": at},
        {"type": "voicemail.left", "queue": queue, "starts": 12.5, "seconds": 9.0, "at": at + 25},
        {"type": "call.ended", "by": "caller", "sip_status": 200, "reason": "BYE", "at": at + 25},
    ]
    events = [
        {**one, "call": call, "node": "phone9", "sequence": sequence + n, "monotonic": 0} for n, one in enumerate(story)
    ]
    with transaction(desk.desk.engine) as conn:
        append_events(conn, events, desk.desk.plan)
        # a node that resends what was stored makes no second ticket
        append_events(conn, events, desk.desk.plan)


async def only(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/api/tickets?{query}")
    assert answer.status_code == 200, answer.text
    (ticket,) = answer.json()["tickets"]
    told: dict[str, Any] = ticket
    return told


def test_a_voicemail_becomes_one_ticket_that_is_taken_done_and_opened_again(house: Run) -> None:
    async def body(desk: Any) -> None:
        voicemail(desk)
        async with desk.signed_in("agent1") as agent, desk.signed_in("agent2") as other:
            ticket = await only(agent)
            assert (ticket["state"], ticket["queue"], ticket["starts"], ticket["seconds"]) == (
                "open",
                "default",
                12.5,
                9.0,
            )
            assert (ticket["number"], ticket["call"], ticket["kind"]) == ("138****0001", "vm-1", "voicemail")
            assert (await agent.get("/api/tickets")).json()["open"] == {"default": 1}
            path = f"/api/tickets/{ticket['id']}"
            taken = await agent.post(f"{path}/take", json={"note": "我来回电"})
            assert (taken.status_code, taken.json()["state"], taken.json()["assignee"]) == (200, "taken", "agent1")
            refused = await other.post(f"{path}/done", json={})
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "taken")
            assert (await other.post(f"{path}/take", json={})).status_code == 409
            done = await agent.post(f"{path}/done", json={"note": "已答复"})
            assert (done.json()["state"], done.json()["note"]) == ("done", "已答复")
            again = await agent.post(f"{path}/done", json={})
            assert (again.status_code, again.json()["error"]["code"]) == (409, "wrong_state")
            opened = await other.post(f"{path}/reopen", json={"note": "患者又来电"})
            assert (opened.json()["state"], opened.json()["assignee"]) == ("open", None)
            assert [(one["step"], one["by"], one["note"]) for one in opened.json()["history"]] == [
                ("taken", "agent1", "我来回电"),
                ("done", "agent1", "已答复"),
                ("reopened", "agent2", "患者又来电"),
            ]
            assert [one["state"] for one in (await agent.get("/api/tickets?state=done")).json()["tickets"]] == []
            with transaction(desk.desk.engine) as conn:
                before = tickets.list_tickets(conn)
                event_log.rebuild(conn, desk.desk.plan)
                assert tickets.list_tickets(conn) == before

    house(body, phone=False)


def test_a_supervisor_may_take_a_ticket_over_and_a_reviewer_only_looks(house: Run) -> None:
    async def body(desk: Any) -> None:
        voicemail(desk)
        async with (
            desk.signed_in("agent1") as agent,
            desk.signed_in("supervisor1") as supervisor,
            desk.signed_in("reviewer1") as reviewer,
        ):
            path = f"/api/tickets/{(await only(agent))['id']}"
            assert (await agent.post(f"{path}/take", json={})).status_code == 200
            over = await supervisor.post(f"{path}/take", json={})
            assert (over.status_code, over.json()["assignee"]) == (200, "supervisor1")
            assert (await only(supervisor, "mine=true"))["assignee"] == "supervisor1"
            assert (await reviewer.get(path)).status_code == 200
            assert (await reviewer.post(f"{path}/done", json={})).status_code == 403

    house(body, phone=False)


def test_agents_see_the_tickets_of_their_queues_only(house: Run) -> None:
    async def body(desk: Any) -> None:
        voicemail(desk, "vm-1", "default", 1)
        voicemail(desk, "vm-2", "complaints", 11)
        async with desk.signed_in("admin") as admin, desk.signed_in("agent1") as agent:
            changed = await admin.patch("/api/users/agent1", json={"queues": ["complaints"]})
            assert changed.status_code == 200, changed.text
            assert (await only(agent))["call"] == "vm-2"
            other = next(one for one in (await admin.get("/api/tickets")).json()["tickets"] if one["call"] == "vm-1")
            assert (await agent.get(f"/api/tickets/{other['id']}")).status_code == 404
            assert (await agent.post(f"/api/tickets/{other['id']}/take", json={})).status_code == 404

    house(body, phone=False)


def test_bad_input_is_refused(house: Run) -> None:
    async def body(desk: Any) -> None:
        voicemail(desk)
        async with desk.signed_in("agent1") as agent:
            path = f"/api/tickets/{(await only(agent))['id']}"
            for wrong in ({"note": 5}, {"note": "x" * 2001}, []):
                assert (await agent.post(f"{path}/take", json=wrong)).status_code == 422
            assert (await agent.post(f"{path}/take", content=b"{")).status_code in (400, 415)
            for query in ("state=lost", "limit=0", "mine=perhaps", f"before={'x' * 65}"):
                assert (await agent.get(f"/api/tickets?{query}")).status_code == 422, query
            for missing in ("none", "%00"):
                assert (await agent.get(f"/api/tickets/{missing}")).status_code == 404
                assert (await agent.post(f"/api/tickets/{missing}/take", json={})).status_code == 404
            assert (await only(agent))["state"] == "open"
        async with httpx.AsyncClient(base_url=desk.url) as stranger:
            assert (await stranger.get("/api/tickets")).status_code == 401

    house(body, phone=False)
