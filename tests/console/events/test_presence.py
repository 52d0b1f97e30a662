"""Who signs out by themselves is out of their calls; whose console is gone may come back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from console.events.presence import Presence
from console.identity.user import User
from console.routing.agent_profile import AgentProfile


class Phone:
    """Takes down who is signed out, and how."""

    def __init__(self) -> None:
        self.out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        if name == "agent.sign_out":
            self.out.put_nowait(arguments)
        return {}


@pytest.mark.parametrize(("how", "leaves"), [("on purpose", True), ("session over", False), ("gone", False)])
def test_only_who_signs_out_on_purpose_is_taken_out_of_what_others_go_on_with(how: str, leaves: bool) -> None:
    async def main() -> None:
        phone = Phone()

        async def profile(_: str) -> AgentProfile:
            return AgentProfile(("default",), {})

        presence = Presence(phone, profile, 0.01)  # type: ignore[arg-type]
        user = User(username="agent1", display_name="林晓", role="agent", locale="zh-CN")
        await presence.arrived(user)
        if how == "gone":
            presence.left(user)
        else:
            await presence.signed_out("agent1", leave=leaves)
        told = await asyncio.wait_for(phone.out.get(), 10)
        assert told == {"agent": "agent1", "leave": leaves}
        await presence.stop()

    asyncio.run(main())
