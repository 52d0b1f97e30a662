"""How long requests wait for a phone process that is away."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from console.events.patient_link import PatientLink
from console.events.phone_link import PhoneLink
from console.http import ApiError


class Answers:
    """A connection to a phone that says yes."""

    async def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        return {"did": name, **arguments}


async def refused_after(link: PatientLink) -> float:
    begun = time.monotonic()
    with pytest.raises(ApiError) as refused:
        await link.command("snapshot")
    assert (refused.value.status, refused.value.code) == (503, "phone_unavailable")
    return time.monotonic() - begun


async def test_a_request_waits_as_long_as_a_restart_may_take_and_those_after_it_not_at_all() -> None:
    link = PatientLink(PhoneLink(), patience=0.4)
    assert await refused_after(link) == pytest.approx(0.4, abs=0.3)
    assert await refused_after(link) < 0.2


async def test_a_request_goes_on_once_the_new_connection_has_settled_and_not_before() -> None:
    bare = PhoneLink()
    link = PatientLink(bare, patience=20.0)
    asked = asyncio.create_task(link.command("agent.ready", agent="agent1"))
    bare.reached(Answers())  # type: ignore[arg-type]
    assert await bare.command("rules.set") == {"did": "rules.set"}
    assert not asked.done()
    bare.has_settled()
    assert await asked == {"did": "agent.ready", "agent": "agent1"}


async def test_after_a_loss_requests_are_patient_again() -> None:
    bare = PhoneLink()
    link = PatientLink(bare, patience=0.4)
    await refused_after(link)
    bare.reached(Answers())  # type: ignore[arg-type]
    bare.has_settled()
    bare.lost()
    assert await refused_after(link) == pytest.approx(0.4, abs=0.3)
