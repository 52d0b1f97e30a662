"""Consultation, conference, transfer and supervision through a whole phone, proved by the tones at every ear."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from call_floor import CallFloor

from telephony import events
from telephony.events import AgentStatus, OfferOutcome, Party, Role, TransferKind
from telephony.seam.client import CommandError


def agent(name: str) -> dict[str, str]:
    return {"kind": "agent", "agent": name}


def number(digits: str) -> dict[str, str]:
    return {"kind": "number", "number": digits}


def test_a_consultation_is_between_two_while_the_caller_hears_music_and_a_merge_makes_it_one_talk(
    on_floor: Any,
) -> None:
    async def body(at: CallFloor) -> None:
        first = await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.hears({"agent1": {caller.name}, caller.name: {"agent1"}})
        doctor = at.telephone("8001")
        asked = await at.do("consult", "agent1", call, target=number("8001"))
        assert asked == {"party": 2}
        await at.event(events.PartyJoined, party=2, role=Role.CONSULTED)
        await at.hears({"agent1": {"8001"}, caller.name: set(), "8001": {"agent1"}}, played_to=caller.name)
        await at.do("swap", "agent1", call)
        await at.hears({"agent1": {caller.name}, caller.name: {"agent1"}, "8001": set()}, played_to=doctor.name)
        await at.do("merge", "agent1", call)
        everybody = {"agent1", caller.name, "8001"}
        await at.hears({name: everybody - {name} for name in everybody})
        (shown,) = (await at.seam.command("snapshot"))["calls"]
        assert [(p["party"], p["role"], p["kind"], p["state"]) for p in shown["parties"]] == [
            (0, "caller", "line", "joined"), (1, "agent", "headset", "joined"), (2, "member", "line", "joined"),
        ]  # fmt: skip
        await at.do("leave", "agent1", call)
        await at.hears({caller.name: {"8001"}, "8001": {caller.name}})
        assert at.status("agent1") == AgentStatus.WRAP_UP
        doctor.hang_up()
        ended = await at.event(events.CallEnded)
        assert (ended.by, ended.agent) == (Party.AGENT, "agent1")
        await asyncio.wait_for(caller.over.wait(), 5)
        qualities = {e.party for e in at.of_call(call) if isinstance(e, events.MediaQuality) and e.leg == "line"}
        assert qualities == {0, 2}
        assert len([e for e in at.of_call(call) if isinstance(e, events.RecordingStarted)]) == 1
        del first

    on_floor(body)


def test_an_agent_is_consulted_and_gets_the_caller_who_says_goodbye_first(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        await at.agent("agent2", ready=False)
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.do("consult", "agent1", call, target=agent("agent2"))
        offered = await at.event(events.CallOffered, agent="agent2")
        assert offered.call == call
        await at.do("answer", "agent2", call)
        await at.hears({"agent1": {"agent2"}, "agent2": {"agent1"}, caller.name: set()})
        await at.do("complete", "agent1", call)
        told = await at.event(events.CallTransferred)
        assert (told.kind, told.by, told.target.agent, told.party) == (TransferKind.CONSULT, "agent1", "agent2", 2)
        await at.hears({"agent1": set(), "agent2": {caller.name}, caller.name: {"agent2"}})
        assert at.status("agent1") == AgentStatus.WRAP_UP
        caller.hang_up()
        ended = await at.event(events.CallEnded)
        assert (ended.by, ended.agent) == (Party.CALLER, "agent2")
        await at.until(lambda: at.status("agent2") == AgentStatus.WRAP_UP)

    on_floor(body)


def test_a_cancelled_consultation_gives_the_caller_back_and_the_other_where_they_were(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        await at.agent("agent2", ready=False)
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.do("consult", "agent1", call, target=agent("agent2"))
        await at.do("answer", "agent2", call)
        await at.do("cancel_consult", "agent1", call)
        await at.hears({"agent1": {caller.name}, "agent2": set(), caller.name: {"agent1"}})
        assert at.status("agent2") == AgentStatus.NOT_READY
        await at.do("hang_up", "agent1", call)

    on_floor(body)


def test_a_supervisor_listens_whispers_and_barges_and_the_caller_never_hears_a_whisper(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        await at.agent("boss", ready=False)
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        name = caller.name
        await at.do("monitor", "boss", call, mode="listen")
        await at.hears({"agent1": {name}, "boss": {"agent1", name}, name: {"agent1"}})
        await at.do("monitor", "boss", call, mode="whisper")
        await at.hears({"agent1": {name, "boss"}, "boss": {"agent1", name}, name: {"agent1"}})
        await at.do("monitor", "boss", call, mode="barge")
        await at.hears({"agent1": {name, "boss"}, "boss": {"agent1", name}, name: {"agent1", "boss"}})
        heard = [e.hears["0"] for e in at.of_call(call) if isinstance(e, events.AudioRouted) and "0" in e.hears]
        assert heard[-1] == (1, 2)
        assert all(2 not in ears for ears in heard[:-1]), "told as it was heard"
        await at.do("take_over", "boss", call)
        await at.hears({"agent1": set(), "boss": {name}, name: {"boss"}})
        assert at.status("agent1") == AgentStatus.WRAP_UP
        await at.do("hang_up", "boss", call)
        ended = await at.event(events.CallEnded)
        assert (ended.by, ended.agent) == (Party.AGENT, "boss")
        await at.until(lambda: at.status("boss") == AgentStatus.WRAP_UP)

    on_floor(body)


def test_a_listener_is_freed_where_they_were_when_the_call_ends_and_did_not_keep_it_alive(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        await at.agent("boss", ready=False)
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.do("monitor", "boss", call, mode="whisper")
        caller.hang_up()
        assert (await at.event(events.CallEnded)).by is Party.CALLER
        await at.until(lambda: at.status("boss") == AgentStatus.NOT_READY)
        assert at.status("agent1") == AgentStatus.WRAP_UP

    on_floor(body)


def test_five_talk_at_once_and_a_sixth_is_refused(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        for digits in ("8001", "8002", "8003"):
            at.telephone(digits)
            asked = await at.do("consult", "agent1", call, target=number(digits))
            await at.event(events.PartyJoined, party=asked["party"])
            await at.do("merge", "agent1", call)
        everybody = {"agent1", caller.name, "8001", "8002", "8003"}
        await at.hears({name: everybody - {name} for name in everybody})
        with pytest.raises(CommandError) as refused:
            await at.do("consult", "agent1", call, target=number("8004"))
        assert refused.value.code == "full"
        await at.do("drop", "agent1", call, party=3)
        left = everybody - {"8002"}
        await at.hears({name: left - {name} for name in left} | {"8002": set()})
        await at.do("hang_up", "agent1", call)
        caller.hang_up()
        await at.event(events.PartyLeft, party=0)
        at.town.telephones["8001"].hang_up()
        assert (await at.event(events.CallEnded)).by is Party.CALLER, "who left first of those it began with"

    on_floor(body)


def test_a_blind_transfer_by_bridging_rings_back_and_frees_the_agent_at_once(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        ward = at.telephone("8001", does="ring")
        await at.do("transfer", "agent1", call, target=number("8001"))
        assert at.status("agent1") == AgentStatus.WRAP_UP
        await at.event(events.PartyRinging, party=2)
        await at.hears({caller.name: set()}, played_to=caller.name)
        at.town.answer(ward)
        told = await at.event(events.CallTransferred)
        assert (told.kind, told.target.number, told.party) == (TransferKind.BLIND, "8001", 2)
        await at.hears({caller.name: {"8001"}, "8001": {caller.name}})
        assert not at.town.referred
        caller.hang_up()
        ended = await at.event(events.CallEnded)
        assert (ended.by, ended.agent) == (Party.CALLER, "agent1")
        await asyncio.wait_for(ward.over.wait(), 5)

    on_floor(body, transfer="bridge")


def test_a_number_takes_the_call_by_refer_where_the_peer_does_that(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        at.town.refer = (202, "200 OK")
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.do("transfer", "agent1", call, target=number("8001"))
        told = await at.event(events.CallTransferred)
        assert (told.kind, told.party) == (TransferKind.REFER, -1)
        ended = await at.event(events.CallEnded)
        assert (ended.by, ended.sip_status, ended.reason) == (Party.SYSTEM, 200, "transferred")
        assert len(at.town.referred) == 1
        assert "8001" in at.town.referred[0]
        await asyncio.wait_for(caller.over.wait(), 5)
        assert at.status("agent1") == AgentStatus.WRAP_UP

    on_floor(body)


@pytest.mark.parametrize("refusal", [(603, ""), (202, "486 Busy Here")])
def test_a_refused_refer_is_bridged_instead(on_floor: Any, refusal: tuple[int, str]) -> None:
    async def body(at: CallFloor) -> None:
        at.town.refer = refusal
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        ward = at.telephone("8001")
        await at.do("transfer", "agent1", call, target=number("8001"))
        told = await at.event(events.CallTransferred)
        assert (told.kind, told.party) == (TransferKind.BLIND, 2)
        await at.hears({caller.name: {"8001"}, "8001": {caller.name}})
        ward.hang_up()
        await at.event(events.CallEnded)

    on_floor(body)


@pytest.mark.parametrize("does", [486, 503])
def test_a_transfer_that_nobody_takes_comes_back_to_the_queue_ahead_of_others(on_floor: Any, does: int) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        at.telephone("8001", does=does)
        await at.do("transfer", "agent1", call, target=number("8001"))
        failed = await at.event(events.TransferFailed)
        assert (failed.sip_status, failed.returned_to) == (does, "queue")
        raised = await at.event(events.CallPriority)
        assert (raised.priority, raised.reason) == (30, "returned")
        await at.hears({caller.name: set()}, played_to=caller.name)
        await at.seam.command("call.wrapped_up", agent="agent1", call=call)
        again = await at.event(events.CallOffered, agent="agent1", offer=2)
        assert again.call == call
        await at.do("answer", "agent1", call)
        await at.hears({"agent1": {caller.name}, caller.name: {"agent1"}, "8001": set()})
        assert len([e for e in at.of_call(call) if isinstance(e, events.CallAnswered)]) == 1
        await at.do("hang_up", "agent1", call)

    on_floor(body, transfer="bridge")


def test_a_transfer_to_an_agent_whose_headset_goes_fails_at_once(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        second = await at.agent("agent2", ready=False)
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.do("transfer", "agent1", call, target=agent("agent2"))
        await at.event(events.CallOffered, agent="agent2")
        await second.client.close()
        over = await at.event(events.OfferEnded, agent="agent2")
        assert over.outcome is OfferOutcome.HEADSET_LOST
        assert (await at.event(events.TransferFailed)).returned_to == "queue"
        assert at.status("agent2") == AgentStatus.NOT_READY
        caller.hang_up()
        assert (await at.event(events.CallEnded)).by is Party.CALLER

    on_floor(body)


def test_a_caller_who_hangs_up_in_mid_consultation_went_first_and_the_two_talk_on(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        doctor = at.telephone("8001")
        asked = await at.do("consult", "agent1", call, target=number("8001"))
        await at.event(events.PartyJoined, party=asked["party"])
        caller.hang_up()
        await at.event(events.PartyLeft, party=0)
        await at.hears({"agent1": {"8001"}, "8001": {"agent1"}})
        await at.do("hang_up", "agent1", call)
        assert (await at.event(events.CallEnded)).by is Party.CALLER
        await asyncio.wait_for(doctor.over.wait(), 5)

    on_floor(body)


def test_a_colleague_who_cannot_be_asked_is_said_to_be_busy_or_away(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        await at.agent("agent2")
        call = await at.answered("agent1", await at.caller())
        other = await at.answered("agent2", await at.caller("13900139000"))
        for name, code in (("agent2", "target_busy"), ("nobody", "target_away")):
            for deed in ("consult", "transfer"):
                with pytest.raises(CommandError) as refused:
                    await at.do(deed, "agent1", call, target={"kind": "agent", "agent": name})
                assert refused.value.code == code, (deed, name)
        assert at.status("agent1") == at.status("agent2") == AgentStatus.TALKING
        for name, own in (("agent1", call), ("agent2", other)):
            await at.do("hang_up", name, own)

    on_floor(body)


def test_a_headset_that_goes_in_mid_call_is_told_of_the_call_and_of_the_agent_until_it_is_back(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        first = await at.agent("agent1")
        await at.agent("agent2", ready=False)
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.do("consult", "agent1", call, target=agent("agent2"))
        await at.do("answer", "agent2", call)
        await first.client.send('{"type":"microphone","present":false}')
        told = await at.event(events.PartyAway, call=call, away=True)
        assert (told.party, told.agent, told.reason, told.limit) == (1, "agent1", "unplugged", 60.0)
        now = await at.seam.command("snapshot")
        (shown,) = now["calls"]
        assert [party["away"] for party in shown["parties"]] == ["", "unplugged", ""]
        (state,) = [one for one in now["agents"] if one["agent"] == "agent1"]
        assert (state["status"], state["headset"], state["headset_reason"]) == ("talking", False, "unplugged")
        assert 0.0 < state["headset_seconds"] < 10.0
        await first.client.send('{"type":"microphone","present":true}')
        await at.event(events.PartyAway, call=call, agent="agent1", away=False)
        await first.client.close()
        gone = await at.event(events.PartyAway, call=call, away=True, reason="closed")
        assert gone.limit == at.phone.rules.headset_lost_limit
        await at.agent("agent1", ready=False)
        await at.until(lambda: sum(isinstance(e, events.PartyAway) for e in at.of_call(call)) == 4)
        back = [e for e in at.of_call(call) if isinstance(e, events.PartyAway)]
        assert [(e.away, e.reason) for e in back] == [
            (True, "unplugged"), (False, ""), (True, "closed"), (False, ""),
        ]  # fmt: skip
        (shown,) = (await at.seam.command("snapshot"))["calls"]
        assert [party["away"] for party in shown["parties"]] == ["", "", ""]
        await at.do("cancel_consult", "agent1", call)
        caller.hang_up()

    on_floor(body)


def test_a_caller_whose_agent_lost_the_microphone_goes_to_another_agent_after_the_limit(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        limit = {"headset_lost_limit": {"value": 0.1, "unit": "s", "version": 2}}
        await at.seam.command("rules.set", rules=limit)
        first = await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await first.client.send('{"type":"microphone","present":false}')
        left = await at.event(events.PartyLeft, call=call, party=1)
        assert (left.by, left.reason) == (Party.SYSTEM, "the agent's microphone did not come back")
        await at.seam.command("call.wrapped_up", agent="agent1", call=call)
        gone = await at.event(events.AgentState, agent="agent1", status=AgentStatus.NOT_READY, reason="headset_lost")
        assert gone.call == ""
        await at.agent("agent2")
        offered = await at.event(events.CallOffered, agent="agent2", call=call)
        await at.seam.command("call.answer", agent="agent2", call=offered.call)
        await at.hears({"agent2": {caller.name}, caller.name: {"agent2"}})
        caller.hang_up()
        ended = await at.event(events.CallEnded, call=call)
        assert (ended.by, ended.agent) == (Party.CALLER, "agent2")

    on_floor(body)


def queue(name: str) -> dict[str, str]:
    return {"kind": "queue", "queue": name}


def test_of_a_queue_that_is_asked_the_next_who_is_free_rings_until_one_comes(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.seam.command("routing.set", routing={"queues": [{"name": "default"}, {"name": "ward"}]})
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        for refused_code, asked in (("nobody_free", "ward"), ("bad_arguments", "nowhere")):
            with pytest.raises(CommandError) as refused:
                await at.do("consult", "agent1", call, target=queue(asked))
            assert refused.value.code == refused_code
        for name in ("agent2", "agent3", "agent4"):
            await at.agent(name, ready=False)
            await at.seam.command("agent.sign_in", agent=name, name=f"Nurse {name}", queues=["ward"])
            if name != "agent4":
                await at.seam.command("agent.ready", agent=name)
        assert await at.do("consult", "agent1", call, target=queue("ward")) == {"party": 2}
        invited = await at.event(events.PartyInvited, party=2)
        assert (invited.target.kind, invited.target.agent, invited.target.name) == ("agent", "agent2", "Nurse agent2")
        assert invited.target.queue == "ward"
        await at.do("reject", "agent2", call)
        again = await at.event(events.PartyInvited, party=3)
        assert (again.target.agent, at.status("agent2")) == ("agent3", AgentStatus.READY)
        # the caller was not given back in between
        assert [type(e) for e in at.of_call(call) if isinstance(e, events.CallHeld | events.CallResumed)] == [
            events.CallHeld
        ]
        await at.do("answer", "agent3", call)
        await at.hears({"agent1": {"agent3"}, "agent3": {"agent1"}, caller.name: set()})
        await at.do("complete", "agent1", call)
        assert (await at.event(events.CallTransferred)).target.agent == "agent3"
        caller.hang_up()
        await at.event(events.CallEnded, call=call)

    on_floor(body)


def test_where_nobody_of_a_queue_comes_the_agent_has_the_caller_back(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.agent("agent2")
        await at.do("consult", "agent1", call, target=queue("default"))
        await at.do("reject", "agent2", call)
        await at.event(events.CallResumed, call=call)
        await at.hears({"agent1": {caller.name}, caller.name: {"agent1"}})
        assert at.status("agent2") == AgentStatus.READY
        await at.do("consult", "agent1", call, target=queue("default"))
        await at.do("cancel_consult", "agent1", call)
        with pytest.raises(CommandError) as refused:
            await at.do("cancel_consult", "agent1", call)
        assert (refused.value.code, refused.value.facts) == ("wrong_state", {"reason": "consults_nobody"})
        await at.do("hang_up", "agent1", call)

    on_floor(body)


def test_who_barges_does_not_fall_silent_where_the_agent_would_be_alone(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        await at.agent("boss", ready=False)
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        await at.do("monitor", "boss", call, mode="barge")
        caller.hang_up()
        await at.event(events.PartyLeft, call=call, party=0)
        with pytest.raises(CommandError) as refused:
            await at.do("monitor", "boss", call, mode="listen")
        assert refused.value.facts == {"reason": "agent_alone"}
        await at.do("leave", "boss", call)
        await at.event(events.CallEnded, call=call)

    on_floor(body)


def test_who_signs_out_on_purpose_leaves_a_conference_at_once_and_no_caller_to_nobody(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await at.agent("agent1")
        caller = await at.caller()
        call = await at.answered("agent1", caller)
        at.telephone("8001")
        await at.do("consult", "agent1", call, target=number("8001"))
        await at.event(events.PartyJoined, party=2)
        await at.do("merge", "agent1", call)
        # a console that has been gone for long: the headset may still come back
        await at.seam.command("agent.sign_out", agent="agent1")
        assert at.status("agent1") == AgentStatus.TALKING
        await at.seam.command("agent.sign_out", agent="agent1", leave=True)
        left = [e for e in at.of_call(call) if isinstance(e, events.PartyLeft)]
        assert [(e.party, e.by, e.reason) for e in left] == [(1, Party.AGENT, "signed out")]
        await at.until(lambda: at.status("agent1") != AgentStatus.TALKING)
        await at.hears({caller.name: {"8001"}, "8001": {caller.name}})
        caller.hang_up()
        await at.event(events.CallEnded, call=call)
        await at.agent("agent2")
        other = await at.caller("13900139000")
        alone = await at.answered("agent2", other)
        await at.seam.command("agent.sign_out", agent="agent2", leave=True)
        assert at.status("agent2") == AgentStatus.TALKING
        other.hang_up()
        await at.event(events.CallEnded, call=alone)

    on_floor(body)
