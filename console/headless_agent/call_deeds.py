"""What an agent or a supervisor can do with a call, each deed one request (docs/call-control.md)."""

from __future__ import annotations

from typing import Any, TypedDict
from urllib.parse import quote

from console.headless_agent.console_api import ConsoleApi


class Target(TypedDict, total=False):
    """Where a call is to go: one of these. ``entry`` is the id of a directory entry."""

    agent: str
    queue: str
    number: str
    entry: str


def target_of(text: str) -> Target:
    """``agent:NAME``, ``queue:NAME``, ``entry:ID``, or a number. Raises ValueError for none of these."""
    kind, colon, name = text.partition(":")
    if not colon and any(character.isdigit() for character in text):
        return {"number": text}
    match (kind, bool(name)):
        case ("agent", True):
            return {"agent": name}
        case ("queue", True):
            return {"queue": name}
        case ("entry", True):
            return {"entry": name}
    raise ValueError(f"{text!r} is no target: expected agent:NAME, queue:NAME, entry:ID or a number")


class CallDeeds:
    """Each deed raises ConsoleRefused or OSError."""

    def __init__(self, api: ConsoleApi) -> None:
        self._api = api

    async def _on_call(self, call: str, deed: str, body: dict[str, Any] | None = None) -> None:
        await self._api.post(f"/api/calls/{quote(call)}/{deed}", body)

    async def answer(self, call: str) -> None:
        await self._on_call(call, "answer")

    async def reject(self, call: str) -> None:
        await self._on_call(call, "reject")

    async def hang_up(self, call: str) -> None:
        await self._on_call(call, "hangup")

    async def hold(self, call: str) -> None:
        await self._on_call(call, "hold")

    async def resume(self, call: str) -> None:
        await self._on_call(call, "resume")

    async def mute(self, call: str, muted: bool) -> None:
        await self._on_call(call, "mute", {"muted": muted})

    async def send_digits(self, call: str, digits: str) -> None:
        await self._on_call(call, "digits", {"digits": digits})

    async def transfer(self, call: str, **target: Any) -> None:
        """Blind: one of ``agent=``, ``queue=``, ``number=``, ``entry=`` (of the directory)."""
        await self._on_call(call, "transfer", {"target": target})

    async def consult(self, call: str, **target: Any) -> int:
        """The party's number in the call; ``target`` as for ``transfer``."""
        answer = await self._api.post(f"/api/calls/{quote(call)}/consult", {"target": target})
        return int(answer["party"])

    async def swap(self, call: str) -> None:
        await self._on_call(call, "swap")

    async def merge(self, call: str) -> None:
        await self._on_call(call, "merge")

    async def complete(self, call: str) -> None:
        await self._on_call(call, "complete")

    async def cancel_consult(self, call: str) -> None:
        await self._on_call(call, "cancel-consult")

    async def drop(self, call: str, party: int) -> None:
        await self._on_call(call, "drop", {"party": party})

    async def leave(self, call: str) -> None:
        await self._on_call(call, "leave")

    async def set_private(self, call: str, private: bool = True) -> None:
        await self._on_call(call, "private", {"private": private})

    async def mark(self, call: str, mark: str = "wrong_transfer", detail: str = "") -> None:
        await self._on_call(call, "mark", {"mark": mark, "detail": detail})

    async def wrapped_up(self, call: str) -> None:
        """Leave wrap-up without a disposition."""
        await self._on_call(call, "wrapped-up")

    async def use_device(self, device: str, number: str = "") -> None:
        """``headset``, or ``phone`` with the number that rings in its place (D103)."""
        await self._api.post("/api/agent/device", {"device": device, "number": number})

    # of a supervisor

    async def monitor(self, call: str, mode: str) -> None:
        """``listen``, ``whisper`` or ``barge``; again to change it."""
        await self._on_call(call, "monitor", {"mode": mode})

    async def take_over(self, call: str) -> None:
        await self._on_call(call, "take-over")

    async def prioritise(self, call: str, priority: int = 90, reason: str = "supervisor") -> None:
        await self._on_call(call, "prioritise", {"priority": priority, "reason": reason})

    async def force(self, agent: str, status: str, reason: str = "") -> None:
        """``ready``, ``not_ready`` or ``offline``."""
        await self._api.post(f"/api/floor/agents/{quote(agent)}/state", {"status": status, "reason": reason})
