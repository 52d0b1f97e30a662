"""Who sees a call of several parties: those in it, those it rings at, with its story so far; nobody after they left."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from seam_phone import seam_phone

from telephony import events
from telephony.events import Direction, Party, Role, Target, TargetKind, TransferKind

Run = Callable[..., None]
WANG, WARD = "13812340001", "13998765432"
CALL = "01a20095-2664-78eb-a283-ec4d0b3b0ac8"


def begin(phone: Any) -> None:
    """agent1 talks to the caller."""
    for event in (
        events.CallStarted(call=CALL, direction=Direction.INBOUND, line="trunk", number=WANG, queue="default"),
        events.CallOffered(call=CALL, agent="agent1", offer=1, number=WANG, line="trunk"),
        events.CallAnswered(
            call=CALL,
            agent="agent1",
            codec="PCMA",
            caller_rings=1,
            agent_rings=1,
            within_three_rings=True,
            wait_seconds=1.0,
        ),
        events.PartyJoined(call=CALL, party=0, role=Role.CALLER, number=WANG),
        events.PartyJoined(call=CALL, party=1, role=Role.AGENT, agent="agent1"),
    ):
        phone.publish(event)


def invite(agent: str) -> events.PartyInvited:
    target = Target(kind=TargetKind.AGENT, agent=agent, name=agent)
    return events.PartyInvited(call=CALL, party=2, role=Role.CONSULTED, by="agent1", target=target)


def test_an_agent_is_offered_a_call_from_a_menu_with_the_caller_who_is_in_it_already(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as one:
            console = await desk.console(one)
            for event in (
                events.CallStarted(call=CALL, direction=Direction.INBOUND, line="trunk", number=WANG, queue="default"),
                events.LinePickedUp(call=CALL, codec="PCMA"),
                events.PartyJoined(call=CALL, party=0, role=Role.CALLER, number=WANG),
                events.CallOffered(call=CALL, agent="agent1", offer=1, number=WANG, line="trunk"),
            ):
                phone.publish(event)
            await console.frame("call.offered")
            assert [(f["type"], f.get("resent", False)) for f in console.frames if f.get("call") == CALL] == [
                ("call.started", True),
                ("call.picked_up", True),
                ("party.joined", True),
                ("call.offered", False),
            ]

    house(body, phone=False)


def test_an_agent_who_is_asked_gets_the_pop_and_the_calls_story_and_hears_no_more_after_leaving(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as one, desk.signed_in("agent2") as two:
            first, second = await desk.console(one), await desk.console(two)
            begin(phone)
            assert (await first.frame("party.joined", party=1))["name"] == "agent1 姓名"
            phone.publish(invite("agent2"))
            asked = await second.frame("party.invited")
            assert asked["pop"]["patients"][0]["name"] == "王小明"
            story = [(frame["type"], frame.get("resent", False)) for frame in second.frames if "." in frame["type"]]
            assert story == [
                ("call.started", True),
                ("call.offered", True),
                ("call.answered", True),
                ("party.joined", True),
                ("party.joined", True),
                ("party.invited", False),
            ]
            phone.publish(events.PartyLeft(call=CALL, party=2, by=Party.AGENT))
            await second.frame("party.left", party=2)
            phone.publish(events.CallHeld(call=CALL, by=Party.AGENT))
            phone.publish(events.LineState(line="trunk", status="up"))
            await first.frame("call.held")
            await second.frame("line.state")
            assert [frame["type"] for frame in second.frames].count("call.held") == 0
            assert WANG not in json.dumps(first.frames + second.frames)

    house(body, phone=False)


def test_who_sent_a_call_on_hears_what_came_of_it_and_numbers_of_targets_are_masked(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as one:
            first = await desk.console(one)
            begin(phone)
            target = Target(kind=TargetKind.NUMBER, number=WARD, name=f"住院部 {WARD}")
            phone.publish(events.PartyInvited(call=CALL, party=2, role=Role.MEMBER, by="agent1", target=target))
            phone.publish(events.PartyLeft(call=CALL, party=1, by=Party.AGENT))
            phone.publish(
                events.TransferFailed(
                    call=CALL,
                    kind=TransferKind.BLIND,
                    by="agent1",
                    target=target,
                    sip_status=486,
                    reason="busy",
                    returned_to="queue",
                )
            )
            failed = await first.frame("call.transfer_failed")
            assert failed["target"]["number"] == "139****5432"
            assert WARD not in json.dumps(first.frames)

    house(body, phone=False)


def test_a_console_that_opens_in_mid_call_finds_the_parties_with_names_and_masked_numbers(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as one, desk.signed_in("agent2") as two:
            phone.calls = [
                {
                    "call": CALL,
                    "direction": "inbound",
                    "phase": "talking",
                    "line": "trunk",
                    "queue": "default",
                    "number": WANG,
                    "agent": "agent1",
                    "parties": [
                        {"party": 0, "role": "caller", "agent": "", "number": WANG, "name": ""},
                        {"party": 1, "role": "agent", "agent": "agent1", "number": "", "name": ""},
                        {"party": 2, "role": "consulted", "agent": "agent2", "number": "", "name": ""},
                    ],
                }
            ]
            first, second = await desk.console(one), await desk.console(two)
            for console in (first, second):
                (call,) = console.frames[0]["calls"]
                assert call["parties"][0]["number"] == "138****0001"
                assert call["pop"]["match"] == "one"
            assert [party["name"] for party in second.frames[0]["calls"][0]["parties"][1:]] == [
                "agent1 姓名",
                "agent2 姓名",
            ]

    house(body, phone=False)


def test_everybody_is_told_how_many_wait_where(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as one:
            console = await desk.console(one)
            assert console.frames[0]["queues"] == []
            phone.publish(events.CallQueued(call="w1", queue="default", position=1))
            phone.publish(events.CallbackStarted(call="w2", queue="default", requested_in="w0"))
            phone.publish(events.CallQueued(call="w2", queue="default", position=2))
            (row,) = (await console.frame("queues"))["queues"]
            assert (row["queue"], row["waiting"], row["callbacks"]) == ("default", 1, 1)
            phone.publish(events.CallDequeued(call="w1", queue="default", why="overflow", waited_seconds=2.0))
            phone.publish(events.CallEnded(call="w2", by=Party.SYSTEM, sip_status=200, reason=""))
            await console.frame("queues", queues=[])

    house(body, phone=False)
