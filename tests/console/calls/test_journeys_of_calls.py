"""What the API tells of a call that went through many hands: menu, queue, transfer, conference, supervision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

AT = 1_772_352_000.0
DEPARTMENT = {"kind": "number", "number": "8301", "name": "心血管内科", "entry": ""}
OUTSIDE = {"kind": "number", "number": "13905710007", "name": "13905710007"}


def conference(log: Any, call: str = "call-1", at: float = AT) -> None:
    """From the menu through a queue to agent1, who asks a department, makes a conference and is listened to."""
    log.event("call.started", call, at, direction="inbound", line="trunk", number="13812340001", queue="default")
    log.event("call.picked_up", call, at, codec="PCMA")
    log.event("menu.entered", call, at, menu="main", version=1)
    log.event("menu.answered", call, at + 3, menu="main", outcome="timeout")
    log.event("menu.answered", call, at + 5, menu="main", outcome="chosen", digit="1", label="业务咨询")
    log.event("call.queued", call, at + 5, queue="enquiries", position=1)
    log.event("call.priority", call, at + 6, priority=20, reason="elderly", by="")
    offer = {"agent": "agent1", "offer": 1}
    log.event("call.offered", call, at + 6, number="13812340001", line="trunk", queue="enquiries", **offer)
    log.event("call.offer_ended", call, at + 8, outcome="answered", rings=1, **offer)
    log.event("call.answered", call, at + 8, agent="agent1", codec="PCMA", wait_seconds=8.0, within_three_rings=True)
    log.event("party.joined", call, at + 8, party=0, role="caller", number="13812340001")
    log.event("party.joined", call, at + 8, party=1, role="agent", agent="agent1")
    log.event("call.held", call, at + 10, by="agent")
    log.event("party.invited", call, at + 10, party=2, role="consulted", by="agent1", target=DEPARTMENT)
    log.event("party.joined", call, at + 12, party=2, role="consulted", number="8301", name="心血管内科")
    log.event("call.resumed", call, at + 20, by="agent")
    log.event("party.role", call, at + 20, party=2, role="member")
    log.event("party.invited", call, at + 21, party=3, role="consulted", by="agent1", target=OUTSIDE)
    log.event("party.left", call, at + 25, party=3, by="network", sip_status=486, reason="busy", joined=False)
    log.event("party.joined", call, at + 26, party=4, role="listener", agent="supervisor1")
    log.event("party.invited", call, at + 26, party=5, role="consulted", by="agent1", target={"kind": "agent"})
    log.event("party.joined", call, at + 27, party=5, role="consulted", agent="agent2")
    log.event("call.transferred", call, at + 30, kind="consult", by="agent1", target=DEPARTMENT, party=2)
    log.event("party.left", call, at + 30, party=1, by="agent")
    log.event("call.marked", call, at + 31, by="agent1", mark="wrong_transfer", detail="应转呼吸科")
    log.event("call.private", call, at + 32, agent="agent1", private=True)
    log.event("call.ended", call, at + 40, by="caller", sip_status=200, reason="BYE", talk_seconds=32.0)


async def ids(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"/api/calls?{query}")
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()]


def test_a_call_tells_who_was_in_it_and_which_way_it_took(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        conference(log_of(house))
        async with house.signed_in("admin") as admin, house.signed_in("agent1") as agent:
            entry = {"name_zh": "心内科（二楼）", "number": "8301"}
            assert (await admin.post("/api/directory", json=entry)).status_code == 201
            told = (await agent.get("/api/calls/call-1")).json()
            parties = {one["party"]: one for one in told["parties"]}
            assert (parties[0]["number"], parties[0]["role"], parties[0]["seconds"]) == ("138****0001", "caller", 32.0)
            assert (parties[1]["agent"], parties[1]["agent_name"], parties[1]["seconds"]) == (
                *("agent1", "agent1 姓名"),
                22.0,
            )
            # the hospital's own numbers are no secret, anybody else's are
            assert (parties[2]["number"], parties[2]["name"]) == ("8301", "心内科（二楼）")
            assert parties[2]["roles"] == ["consulted", "member"]
            assert (parties[3]["number"], parties[3]["joined_at"], parties[3]["sip_status"]) == (
                "139****0007",
                None,
                486,
            )
            assert "13905710007" not in str(told)
            (transfer,) = told["transfers"]
            assert (transfer["kind"], transfer["by"], transfer["to"], transfer["outcome"]) == (
                *("consult", "agent1"),
                *("8301", "ok"),
            )
            expected = {
                "transferred": True,
                "wrong_transfer": True,
                "private": True,
                "holds": 1,
                "held_seconds": 10.0,
                "consults": 3,
                "conference_size": 3,
                "monitored_by": ["supervisor1"],
                "priority": 20,
                "priority_reason": "elderly",
                "branches": ["业务咨询"],
                "voicemail": None,
            }
            assert {name: told[name] for name in expected} == expected
            (stay,) = told["queue_path"]
            assert (stay["queue"], stay["waited_seconds"], stay["why"]) == ("enquiries", 3.0, "answered")
            (step,) = told["menu_path"]
            assert (step["digit"], step["label"], step["outcome"], step["tries"]) == ("1", "业务咨询", "chosen", 2)
            assert [(one["mark"], one["detail"]) for one in told["marks"]] == [("wrong_transfer", "应转呼吸科")]

    house(body, phone=False)


def test_the_log_is_filtered_by_what_happened_in_calls(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        conference(log)
        log.answered("plain", AT + 100)
        log.event("call.started", "message", AT + 200, direction="inbound", line="trunk", number="13812340002")
        log.event("voicemail.left", "message", AT + 220, queue="default", starts=5.0, seconds=15.0)
        log.event("call.ended", "message", AT + 220, by="caller", sip_status=200, reason="BYE")
        log.event("call.started", "asked", AT + 300, direction="inbound", line="trunk", number="13812340002")
        log.event(
            "callback.requested", "asked", AT + 320, queue="default", number="13812340002", waiting_since=AT + 300
        )
        log.event("call.ended", "asked", AT + 321, by="caller", sip_status=200, reason="BYE")
        async with house.signed_in("supervisor1") as supervisor:
            for query, found in {
                "transferred=true": ["call-1"],
                "transferred=false": ["asked", "message", "plain"],
                "private=true": ["call-1"],
                "wrong_transfer=true": ["call-1"],
                "voicemail=true": ["message"],
                "callback=true": ["asked"],
                "outcome=voicemail": ["message"],
                "outcome=callback": ["asked"],
                "branch=业务咨询": ["call-1"],
                "branch=业务": [],
                "branch=%25": [],
                "queue=enquiries": ["call-1"],
                "transferred=true&private=false": [],
            }.items():
                assert await ids(supervisor, query) == found, query
            for query in ("transferred=maybe", f"branch={'x' * 81}", "voicemail=2"):
                assert (await supervisor.get(f"/api/calls?{query}")).status_code == 422, query
            told = (await supervisor.get("/api/calls/message")).json()
            assert (told["voicemail"]["starts"], told["voicemail"]["seconds"]) == (5.0, 15.0)
            assert (await supervisor.get(f"/api/tickets/{told['voicemail']['ticket']}")).status_code == 200

    house(body, phone=False)


def test_who_was_consulted_finds_the_call_among_their_own_and_who_was_not_does_not(
    house: Any, log_of: Callable[..., Any]
) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        conference(log)
        log.answered("others", AT + 100, agent="agent1")
        async with house.signed_in("agent2") as consulted, house.signed_in("agent1") as handled:
            assert await ids(consulted, "") == ["call-1"]
            assert (await consulted.get("/api/calls/call-1/events")).status_code == 200
            assert (await consulted.get("/api/calls/others/events")).status_code == 403
            assert await ids(handled, "") == ["others", "call-1"]

    house(body, phone=False)
