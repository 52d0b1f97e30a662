"""Each button of the call bar, over HTTP, with a real call behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.reception.dialable import dialable

Run = Callable[..., None]
WANG = "13812340001"


async def answered(desk: Any, agent: Any, events: Any) -> tuple[Any, str]:
    call = desk.source.invite(WANG)
    offered = await events.frame("call.offered")
    answer = await agent.post(f"/api/calls/{offered['call']}/answer")
    assert answer.status_code == 204, answer.text
    await events.frame("call.answered", call=offered["call"])
    assert await desk.over(call) == 200
    return call, offered["call"]


def test_a_call_is_answered_held_muted_and_hung_up(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.ready(agent)
            _, call = await answered(desk, agent, events)
            assert (await agent.post(f"/api/calls/{call}/mute", json={"muted": True})).status_code == 204
            await events.frame("call.muted", muted=True)
            assert (await agent.post(f"/api/calls/{call}/digits", json={"digits": "12#"})).status_code == 204
            assert (await events.frame("call.digit", digit="#"))["by"] == "agent"
            assert (await agent.post(f"/api/calls/{call}/hangup")).status_code == 204
            ended = await events.frame("call.ended")
            assert (ended["by"], ended["sip_status"]) == ("agent", 200)
            await events.frame("agent.state", status="wrap_up")
            assert (await agent.post(f"/api/calls/{call}/wrapped-up")).status_code == 204
            await events.frame("agent.state", status="ready", call="")
            gone = await agent.post(f"/api/calls/{call}/hangup")
            assert gone.status_code == 404
            assert gone.json()["error"]["code"] == "no_such_call"

    house(body)


def test_a_rejected_call_goes_to_the_next_agent(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as one, desk.signed_in("agent2") as two:
            consoles = {"agent1": await desk.ready(one), "agent2": await desk.ready(two)}
            clients = {"agent1": one, "agent2": two}
            call = desk.source.invite(WANG)
            await desk.until(lambda: any(a.status == "ringing" for a in desk.phone.floor))
            first = next(a.user for a in desk.phone.floor if a.status == "ringing")
            second = "agent2" if first == "agent1" else "agent1"
            offered = await consoles[first].frame("call.offered")
            refused = await clients[second].post(f"/api/calls/{offered['call']}/answer")
            assert refused.status_code == 409
            assert (await clients[first].post(f"/api/calls/{offered['call']}/reject")).status_code == 204
            again = await consoles[second].frame("call.offered")
            assert again["offer"] == 2
            assert again["pop"]["match"] == "one"
            desk.source.cancel(call)
            await consoles[second].frame("call.ended")

    house(body)


def test_ready_needs_a_headset_and_says_so(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            await desk.console(agent)
            refused = await agent.post("/api/agent/state", json={"state": "ready"})
            assert refused.status_code == 409
            assert refused.json()["error"]["code"] == "no_headset"
            assert "耳麦" in refused.json()["error"]["message"]
            busy = await agent.post("/api/agent/state", json={"state": "not_ready", "reason": "培训"})
            assert (busy.json()["status"], busy.json()["reason"]) == ("not_ready", "培训")

    house(body)


def test_dialling_rings_out_on_the_trunk_with_the_pop_of_the_called_patient(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.ready(agent)
            answer = await agent.post("/api/calls", json={"number": WANG})
            assert answer.status_code == 201, answer.text
            started = await events.frame("call.started", call=answer.json()["id"])
            assert started["direction"] == "outbound"
            assert started["pop"]["patients"][0]["name"] == "王小明"
            await agent.post(f"/api/calls/{answer.json()['id']}/hangup")
            await events.frame("call.ended", call=answer.json()["id"])

    house(body)


def test_dialling_without_a_headset_or_a_number_is_refused(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            await desk.console(agent)
            refused = await agent.post("/api/calls", json={"number": WANG})
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "no_headset")
            for number in ("abc", "  ", "+", "<script>"):
                refused = await agent.post("/api/calls", json={"number": number})
                assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_number")
            too_long = await agent.post("/api/calls", json={"number": "1" * 81})
            assert (too_long.status_code, too_long.json()["error"]["field"]) == (422, "number")

    house(body)


@pytest.mark.parametrize(
    ("typed", "dialled"),
    [
        ("138 1234 5678", "13812345678"),
        (" 0571-8888 6666 ", "057188886666"),
        ("(0571) 8888–6666", "057188886666"),
        ("0571-88886666-8012", "057188886666"),
        ("0571-88886666转8012", "057188886666"),
        ("88886666 ext. 8012", "88886666"),
        ("１３８１２３４５６７８", "13812345678"),
        ("+86 138 1234 5678", "+8613812345678"),
        ("*72#", "*72#"),
        ("sip:ward-3@192.0.2.1", "sip:ward-3@192.0.2.1"),
    ],
)
def test_numbers_are_dialled_without_separators_and_extensions(typed: str, dialled: str) -> None:
    assert dialable(typed, "0571") == dialled


@pytest.mark.parametrize("action", ["answer", "reject", "hangup", "hold", "resume", "wrapped-up"])
def test_a_call_that_does_not_exist_is_told_as_such(house: Run, action: str) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            await desk.console(agent)
            answer = await agent.post(f"/api/calls/no-such-call/{action}")
            if action == "wrapped-up":
                assert answer.status_code == 204
            else:
                assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_such_call")

    house(body)


def test_bad_bodies_name_the_field_and_other_roles_are_refused(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("reviewer1") as reviewer:
            for path, payload, field in (
                ("/api/calls/x/digits", {"digits": "hello"}, "digits"),
                ("/api/calls/x/digits", {"digits": ""}, "digits"),
                ("/api/calls/x/mute", {}, "muted"),
                ("/api/calls/x/mute", {"muted": "yes"}, "muted"),
                ("/api/agent/state", {"state": "asleep"}, "state"),
            ):
                answer = await agent.post(path, json=payload)
                assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
            for path in ("/api/headset", "/api/calls/x/answer", "/api/agent/state", "/api/calls"):
                assert (await reviewer.post(path, json={"state": "ready", "number": "1"})).status_code == 403

    house(body)


def test_the_phones_absence_is_told_as_503(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            answer = await agent.post("/api/calls/x/answer")
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "phone_unavailable"
            assert answer.headers["retry-after"]

    house(body, phone=False)


def test_the_headset_pass_opens_the_headset_socket_once_configured_or_by_the_browsers_own_host(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            ticket = (await agent.post("/api/headset", json={"console": "c1"})).json()
            assert ticket["url"] == f"ws://127.0.0.1:{desk.config.headset_port}/headset"
            assert ticket["expires_at"] > 0
            elsewhere = await agent.post("/api/headset", json={}, headers={"host": "desk.example:9999"})
            assert elsewhere.json()["url"] == f"ws://desk.example:{desk.config.headset_port}/headset"
            await desk.headset(agent)
            await desk.until(lambda: "agent1" in desk.phone.floor.agents and desk.phone.floor.agents["agent1"].headset)

    house(body)


def test_scripts_and_dispositions_come_in_both_languages(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            scripts = (await agent.get("/api/scripts")).json()
            assert scripts["opening"]["zh"].startswith("您好")
            assert "走开" in scripts["apology"]["zh"]
            assert scripts["apology"]["en"]
            dispositions = (await agent.get("/api/dispositions")).json()
            assert {"code", "label_zh", "label_en"} == set(dispositions[0])

    house(body, phone=False)
