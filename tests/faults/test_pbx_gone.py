"""The PBX that a line registers at is gone for several refreshes and back: the line is down, and up again by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kamailio_registrar import free_port, run_kamailio

from telephony.lines.sippy_registration import FIRST_RETRY, REFRESH_AT

pytestmark = pytest.mark.peer

#: seconds that the registrar grants, whatever is asked
GRANTED = 2
REFRESH = GRANTED * REFRESH_AT
LINE = """
[[lines]]
name = "pbx"
mode = "register"
proxy = "127.0.0.1:{port}"
domain = "pbx.test"
username = "1001"
password = "geheim"
"""
REGISTRAR = {"ALGORITHM": "MD5", "QOP": "auth", "FLAGS": "1", "MOST_SECONDS": str(GRANTED)}
#: seconds for which a busy machine may be late
LATE = 2.0


async def shown(house: Any, line: str) -> str:
    """The line's status as ``/healthz`` has it."""
    return next(str(one["status"]) for one in (await house.health())["lines"] if one["line"] == line)


async def test_a_line_whose_pbx_was_gone_for_several_refreshes_is_registered_again_within_the_retry_plan(
    start_house: Callable[..., Any], say: Callable[[str], None], tmp_path: Path
) -> None:
    port = free_port()
    house = start_house("pbx-gone", (36400, 36499), LINE.format(port=port))
    async with house.watching():
        async with run_kamailio(tmp_path, "registrar", port, REGISTRAR):
            await house.until(lambda: is_shown(house, "up"))
            house.events.clear()
        gone = time.monotonic()
        down = await house.event("line.state", line="pbx", status="down")
        told = time.monotonic() - gone
        assert await shown(house, "pbx") == "down"
        assert (await house.health())["checks"]["lines"]["status"] == "warn"
        await asyncio.sleep(max(0.0, gone + 3 * REFRESH - time.monotonic()))
        away = time.monotonic() - gone
        async with run_kamailio(tmp_path, "registrar", port, REGISTRAR):
            back = time.monotonic()
            up = await house.event("line.state", line="pbx", status="up")
            took = time.monotonic() - back
            assert await shown(house, "pbx") == "up"
            assert (await house.health())["checks"]["lines"]["status"] == "ok"
            house.events.clear()
            # and it stays: another refresh passes without a word
            await asyncio.sleep(REFRESH)
            assert [one for one in house.events if one["type"] == "line.state"] == []
    states = [one["status"] for one in (down, up)]
    say(
        f"PBX gone for {away:.1f} s ({away / REFRESH:.0f} refreshes): told as down after {told:.2f} s, "
        f"registered again {took:.2f} s after it is back"
    )
    assert states == ["down", "up"]
    assert told < REFRESH + LATE
    # the plan: tried again after 2 s, then 4 s and so on, each by a fifth longer at most
    assert took < 2 * FIRST_RETRY * 1.2 + LATE


async def is_shown(house: Any, status: str) -> bool:
    return await shown(house, "pbx") == status
