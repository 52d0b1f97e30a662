"""Agents, callers and departments do whatever comes to their minds, over real sockets; at the end all is as before."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from random import Random
from typing import Any

import pytest
from call_floor import CallFloor, Telephone, call_floor

from telephony import events
from telephony.events import AgentStatus
from telephony.seam.client import CommandError

AGENTS = ("agent1", "agent2", "agent3", "boss")
NUMBERS: dict[str, str | int] = {"8001": "answer", "8002": "ring", "8003": 486, "8004": "answer"}
COMMANDS = (
    "answer", "answer", "answer", "reject", "hold", "resume", "mute", "transfer", "consult", "consult", "swap",
    "merge", "merge", "complete", "cancel_consult", "drop", "leave", "monitor", "take_over", "private", "hang_up",
)  # fmt: skip


def _target(random: Random) -> dict[str, str]:
    match random.randrange(3):
        case 0:
            return {"kind": "agent", "agent": random.choice(AGENTS)}
        case 1:
            return {"kind": "queue", "queue": "default"}
    return {"kind": "number", "number": random.choice(list(NUMBERS))}


async def _act(at: CallFloor, random: Random) -> None:
    """One command of somebody's, sensible or not; refusals are answers too."""
    if not at.phone.calls:
        return
    command, call = random.choice(COMMANDS), random.choice(list(at.phone.calls))
    live = at.phone.calls[call].call
    who = random.choice([live.agent or "agent1", *live.ringing, random.choice(AGENTS)])
    more: dict[str, dict[str, Any]] = {
        "mute": {"muted": random.random() < 0.5},
        "private": {"private": random.random() < 0.5},
        "transfer": {"target": _target(random)},
        "consult": {"target": _target(random)},
        "drop": {"party": random.randrange(4)},
        "monitor": {"mode": random.choice(["listen", "whisper", "barge"])},
    }
    with contextlib.suppress(CommandError):
        await at.do(command, who, call, **more.get(command, {}))


async def _outside(at: CallFloor, random: Random, callers: list[Telephone]) -> None:
    """Somebody outside answers late or hangs up."""
    telephone = random.choice([*callers, *at.town.telephones.values()])
    if telephone.leg is None or telephone.over.is_set():
        return
    if telephone.does == "ring" and telephone.to is None and telephone.invite is not None:
        at.town.answer(telephone)
    elif telephone.to is not None and random.random() < 0.4:
        telephone.over.set()
        telephone.hang_up()


async def _arrive(at: CallFloor, callers: list[Telephone]) -> None:
    caller = await at.caller(f"1380000{len(callers):04d}", hertz=404)
    callers.append(caller)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_they_do_nobody_and_nothing_is_left_behind(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(at: CallFloor) -> None:
        random = Random(seed)
        at.town.refer = random.choice([(603, ""), (202, "200 OK"), (202, "486 Busy Here")])
        callers: list[Telephone] = []
        for number, does in NUMBERS.items():
            at.telephone(number, does, hertz=404)
        for agent in AGENTS:
            await at.agent(agent, hertz=404)
        for step in range(150):
            if len(at.phone.calls) < 3 and step < 120:
                await _arrive(at, callers)
            await _act(at, random)
            if step % 4 == 0:
                await _outside(at, random, callers)
            for agent in AGENTS:
                if at.status(agent) in (AgentStatus.WRAP_UP, AgentStatus.NOT_READY) and random.random() < 0.5:
                    await at.seam.command("agent.ready", agent=agent)
            await asyncio.sleep(0.01)
        for live in list(at.phone.calls.values()):
            for agent in AGENTS:
                with contextlib.suppress(CommandError):
                    await at.do("hang_up", agent, live.call.id)
        for live in list(at.phone.calls.values()):
            live.system_ends(480, "the hour is over")
        await at.until(lambda: not at.phone.calls)
        assert all(at.status(agent) not in (AgentStatus.RINGING, AgentStatus.TALKING) for agent in AGENTS)
        await at.until(lambda: len(_of(at, events.CallEnded)) == len(_of(at, events.CallStarted)))
        recorded = _of(at, events.RecordingStarted)
        await at.until(lambda: len(_of(at, events.RecordingClosed)) == len(recorded))
        answered = {event.call for event in _of(at, events.CallAnswered)}
        assert len(answered) >= 2, "a wild hour, not an idle one"
        assert len(recorded) == len({event.call for event in recorded}) == len(answered), "one recording a call"
        dialled = [telephone for telephone in at.town.telephones.values() if telephone.invite is not None]
        for telephone in [*dialled, *callers]:
            if telephone.to is not None:
                await asyncio.wait_for(telephone.over.wait(), 5)

    async def main() -> None:
        async with asyncio.timeout(60), call_floor(tmp_path) as at:
            await body(at)

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert "Traceback" not in caplog.text
    assert "left behind" not in caplog.text


def _of(at: CallFloor, kind: type[events.CallEvent]) -> list[Any]:
    return [event for event in at.events if type(event) is kind]
