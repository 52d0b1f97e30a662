"""Menus, queues, messages and call-backs through a whole phone: what a caller meets before an agent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from call_floor import CallFloor, Telephone
from room_guests import talk

from telephony import events
from telephony.events import AgentStatus, OfferOutcome, Party, TransferKind
from telephony.seam.client import CommandError

MENU = {
    "name": "main",
    "greeting": "menu-main",
    "choices": [
        {"digit": "1", "label": {"zh": "业务咨询"}, "to": {"kind": "queue", "queue": "enquiries"}},
        {"digit": "2", "label": {"zh": "投诉建议"}, "to": {"kind": "voicemail", "queue": "complaints"}},
    ],
    "emergency": "0",
    "emergency_to": {"kind": "queue", "queue": "enquiries"},
    "gave_up": {"kind": "queue", "queue": "default"},
}
QUEUES = [{"name": "default"}, {"name": "enquiries", "waiting": "music"}, {"name": "complaints"}]


async def route(at: CallFloor, to: dict[str, Any], *queues: dict[str, Any], **more: Any) -> None:
    """Every call goes to this step first."""
    known = {queue["name"]: queue for queue in [*QUEUES, *queues]}
    document = {"version": 7, "entries": [{"to": to}], "menus": [MENU], "queues": list(known.values()), **more}
    await at.seam.command("routing.set", routing=document)
    assert (await at.event(events.RoutingChanged)).version == 7


def press(caller: Telephone, digit: str) -> None:
    assert caller.leg is not None
    caller.leg.send("INFO", f"Signal={digit}\r\nDuration=160\r\n", kind="application/dtmf-relay")


async def picked_up(at: CallFloor, caller: Telephone) -> str:
    """The phone answers by itself; gives the call."""
    assert caller.leg is not None
    caller.agree((await caller.leg.answered()).body)
    return str((await at.event(events.CallStarted, number=caller.name)).call)


async def sign_in(at: CallFloor, name: str, *queues: str) -> Any:
    guest = await at.agent(name, ready=False)
    await at.seam.command("agent.sign_in", agent=name, name=name, queues=list(queues))
    return guest


def test_a_caller_hears_the_menu_chooses_waits_with_music_and_is_answered(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await route(at, {"kind": "menu", "menu": "main"})
        await sign_in(at, "agent1", "enquiries")
        caller = await at.caller()
        call = await picked_up(at, caller)
        await at.event(events.MenuEntered, menu="main", version=7)
        await at.hears({caller.name: set()}, played_to=caller.name)
        (shown,) = (await at.seam.command("snapshot"))["calls"]
        assert (shown["menu"], shown["phase"]) == ("main", "menu")
        press(caller, "1")
        chosen = await at.event(events.MenuAnswered)
        assert (chosen.outcome, chosen.digit, chosen.label) == ("chosen", "1", "业务咨询")
        queued = await at.event(events.CallQueued)
        assert (queued.queue, queued.position) == ("enquiries", 1)
        await at.hears({caller.name: set()}, played_to=caller.name)
        await at.seam.command("agent.ready", agent="agent1")
        await at.event(events.CallOffered, agent="agent1")
        await at.do("answer", "agent1", call)
        answered = await at.event(events.CallAnswered)
        assert (answered.caller_rings, answered.within_three_rings) == (1, True)
        await at.hears({"agent1": {caller.name}, caller.name: {"agent1"}})
        caller.hang_up()
        assert (await at.event(events.CallEnded)).by is Party.CALLER

    on_floor(body)


def test_a_silent_caller_is_asked_again_and_given_up_on_though_nothing_but_time_happens(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        (at.settings.data / "short.wav").write_bytes(_wav(0.1))
        menu = {**MENU, "greeting": "short", "timeout": 1.0, "retries": 1}
        prompts = [{"name": "short", "file": "short.wav"}]
        await route(at, {"kind": "menu", "menu": "main"}, menus=[menu], prompts=prompts)
        caller = await at.caller()
        await picked_up(at, caller)
        await at.event(events.CallQueued, queue="default")
        said = [e.outcome for e in at.events if isinstance(e, events.MenuAnswered)]
        assert said == ["timeout", "timeout", "gave_up"]
        caller.hang_up()
        await at.event(events.CallEnded)

    on_floor(body)


def test_the_emergency_key_goes_ahead_of_whoever_waits_longer(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await route(at, {"kind": "menu", "menu": "main"})
        await sign_in(at, "agent1", "enquiries")
        first = await at.caller("13800000001")
        await picked_up(at, first)
        press(first, "1")
        await at.event(events.CallQueued)
        urgent = await at.caller("13800000002")
        call = await picked_up(at, urgent)
        press(urgent, "0")
        raised = await at.event(events.CallPriority)
        assert (raised.call, raised.priority, raised.reason) == (call, 100, "emergency")
        shown = {one["call"]: one["position"] for one in (await at.seam.command("snapshot"))["calls"]}
        assert shown[call] == 1
        await at.seam.command("agent.ready", agent="agent1")
        assert (await at.event(events.CallOffered)).call == call
        for caller in (urgent, first):
            caller.hang_up()
        await at.until(lambda: not at.phone.calls)
        left = [e for e in at.events if isinstance(e, events.CallDequeued)]
        assert [e.why for e in left] == ["abandoned", "abandoned"]

    on_floor(body)


def test_a_message_is_recorded_from_the_tone_until_the_caller_ends_it(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        prompt = {"name": "short", "file": "short.wav"}
        (at.settings.data / "short.wav").write_bytes(_wav(0.1))
        await route(at, {"kind": "voicemail", "queue": "complaints", "prompt": "short"}, prompts=[prompt])
        caller = await at.caller()
        call = await picked_up(at, caller)
        await at.event(events.RecordingStarted, call=call)
        await talk([caller], 1.2)
        press(caller, "#")
        left = await at.event(events.VoicemailLeft)
        assert (left.queue, left.starts) == ("complaints", 0.0)
        assert 1.2 <= left.seconds < 5
        caller.hang_up()
        closed = await at.event(events.RecordingClosed)
        assert closed.packets >= 55

    on_floor(body)


def test_a_call_that_nobody_takes_overflows_to_a_number_and_is_answered_only_when_that_answers(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        overflow = [{"after": 1.0, "to": {"kind": "number", "number": "8001"}}]
        await route(at, {"kind": "queue", "queue": "default"}, {"name": "default", "overflow": overflow})
        ward = at.telephone("8001", does="ring")
        caller = await at.caller()
        dequeued = await at.event(events.CallDequeued)
        assert (dequeued.why, dequeued.to) == ("overflow", "number:8001")
        await at.event(events.PartyRinging)
        assert not [m for m in at.town.seen if m.status == 200 and m.method == "INVITE"]
        at.town.answer(ward)
        await picked_up(at, caller)
        told = await at.event(events.CallTransferred)
        assert (told.kind, told.by, told.party) == (TransferKind.ROUTED, "", 1)
        await at.hears({caller.name: {"8001"}, "8001": {caller.name}})
        caller.hang_up()
        assert (await at.event(events.CallEnded)).by is Party.CALLER
        await asyncio.wait_for(ward.over.wait(), 5)

    on_floor(body)


def test_a_number_that_does_not_take_the_overflow_gives_the_caller_back_to_the_agents(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        overflow = [{"after": 1.0, "to": {"kind": "number", "number": "8001"}}]
        await route(at, {"kind": "queue", "queue": "default"}, {"name": "default", "overflow": overflow})
        at.telephone("8001", does=486)
        caller = await at.caller()
        failed = await at.event(events.TransferFailed)
        assert (failed.sip_status, failed.returned_to) == (486, "menu")
        await at.agent("agent1")
        await at.event(events.CallOffered, agent="agent1")
        call = await at.answered("agent1", caller)
        await at.hears({caller.name: {"agent1"}, "agent1": {caller.name}})
        await at.do("hang_up", "agent1", call)

    on_floor(body)


def test_a_caller_who_wants_to_be_called_back_keeps_their_place(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await route(at, {"kind": "queue", "queue": "default"}, {"name": "default", "callback_offer_after": 1.0})
        caller = await at.caller()
        call = await picked_up(at, caller)
        press(caller, "1")
        asked = await at.event(events.CallbackRequested, call=call)
        started = await at.event(events.CallbackStarted, requested_in=call)
        caller.hang_up()
        await at.event(events.CallEnded, call=call)
        later = await at.caller("13800000009")
        await at.until(lambda: len(at.phone.calls) == 2)
        at.town.telephones[caller.name] = caller
        caller.over.clear()
        at.town.by_call_id.clear()
        await at.agent("agent1")
        offered = await at.event(events.CallOffered, agent="agent1")
        assert offered.call == started.call, "before the caller who came later"
        assert asked.waiting_since < offered.at - 0.9
        await at.do("answer", "agent1", started.call)
        answered = await at.event(events.CallAnswered)
        assert answered.call == started.call
        await at.do("hang_up", "agent1", started.call)
        later.give_up()
        await at.event(events.CallEnded, call=next(iter(at.phone.calls)))

    on_floor(body)


def test_a_document_that_cannot_be_used_changes_nothing_and_names_the_place(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        before = at.phone.routing
        with pytest.raises(CommandError) as refused:
            await at.seam.command("routing.set", routing={"queues": [{"name": "q", "overflow": [{"after": 0}]}]})
        assert refused.value.code == "bad_routing"
        assert "queues[0].overflow[0]" in str(refused.value)
        assert at.phone.routing is before

    on_floor(body)


def test_a_call_in_a_queue_that_is_gone_goes_to_the_first_one(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await route(at, {"kind": "queue", "queue": "enquiries"})
        caller = await at.caller()
        await picked_up(at, caller)
        await at.event(events.CallQueued, queue="enquiries")
        await at.seam.command("routing.set", routing={"version": 8, "queues": [{"name": "default"}]})
        await at.event(events.CallQueued, queue="default")
        await at.agent("agent1")
        assert (await at.event(events.CallOffered, agent="agent1")).queue == "default"
        caller.hang_up()
        await at.event(events.CallEnded)

    on_floor(body)


def test_a_call_rings_at_all_and_whoever_answers_first_has_it(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        await route(at, {"kind": "queue", "queue": "default"}, {"name": "default", "strategy": "ring_all"})
        for name in ("agent1", "agent2", "agent3"):
            await at.agent(name)
        caller = await at.caller()
        for name in ("agent1", "agent2", "agent3"):
            await at.event(events.CallOffered, agent=name)
        call = await at.answered("agent2", caller)
        for name in ("agent1", "agent3"):
            assert (await at.event(events.OfferEnded, agent=name)).outcome is OfferOutcome.ELSEWHERE
            assert at.status(name) == AgentStatus.READY
        with pytest.raises(CommandError) as refused:
            await at.do("answer", "agent1", call)
        assert refused.value.code == "wrong_state"
        await at.do("hang_up", "agent2", call)

    on_floor(body)


def test_somebody_important_is_moved_forward_and_rings_at_the_agent_who_is_preferred(on_floor: Any) -> None:
    async def body(at: CallFloor) -> None:
        first = await at.caller("13800000001")
        await at.event(events.CallQueued)
        second = await at.caller("13800000002")
        started = await at.event(events.CallStarted, number="13800000002")
        await at.seam.command("call.prioritise", call=started.call, priority=50, reason="vip")
        await at.agent("agent1")
        assert (await at.event(events.CallOffered)).call == started.call
        call = await at.answered("agent1", second)
        await at.do("private", "agent1", call, private=True)
        assert (await at.event(events.CallPrivate)).private
        await at.do("hang_up", "agent1", call)
        await at.event(events.CallEnded, call=call)
        await at.do("mark", "agent1", call, mark="wrong_transfer", detail="骨科, not 内科")
        assert (await at.event(events.CallMarked)).mark == "wrong_transfer"
        first.give_up()
        await at.until(lambda: not at.phone.calls)

    on_floor(body)


def _wav(seconds: float) -> bytes:
    """Silence, 8 kHz mono 16 bit."""
    data = bytes(2 * round(8000 * seconds))
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little") + (1).to_bytes(2, "little")
    head += (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little") + (2).to_bytes(2, "little")
    head += (16).to_bytes(2, "little") + b"data" + len(data).to_bytes(4, "little")
    return b"RIFF" + (len(head) + len(data)).to_bytes(4, "little") + head + data
