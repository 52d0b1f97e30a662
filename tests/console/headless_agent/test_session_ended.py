"""The headless agent when its session is ended by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console import desk as desk_module
from console.headless_agent.agent import HeadlessAgent
from console.identity import session_cache
from storage.database import transaction
from storage.users import update_user

#: of the house's users, as its conftest makes them
PASSWORD = "correct horse"


def test_an_agent_who_is_disabled_says_so_and_does_not_try_for_ever(
    house: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "RECHECK_SECONDS", 0.1)
    monkeypatch.setattr(session_cache, "FRESH_SECONDS", 0.1)

    async def body(desk: Any) -> None:
        agent = HeadlessAgent(desk.url, "agent1", PASSWORD)
        async with agent:
            await agent.wait_for("console", within=10)
            with transaction(desk.desk.engine) as conn:
                update_user(conn, "agent1", active=False)
            await agent.wait_for("signed_out", within=10)
            assert agent.signed_out

    house(body)
