"""What pyVoIP's own dialling gets wrong, and ours does not. What both drivers must do: tests/conformance."""

from __future__ import annotations

import asyncio
from typing import Any


async def test_call_ids_and_tags_of_two_desks_and_two_calls_never_meet(open_desk: Any) -> None:
    seen = []
    for _ in range(2):  # pyVoIP counts its Call-IDs from 1 at each start
        async with open_desk() as (desk, pbx):
            for _ in range(2):
                desk.dial()
                invite = await pbx.request("INVITE")
                seen += [invite["call-id"], invite.tag("from")]
                pbx.respond(invite, 486, "Busy Here")
                await desk.calls.end()
    assert len(set(seen)) == 8


async def test_dialling_returns_at_once_while_the_proxy_is_silent(open_desk: Any) -> None:
    async with open_desk() as (desk, pbx):
        loop = asyncio.get_running_loop()
        began = loop.time()
        dialogs = [desk.dial(f"1390000567{digit}") for digit in range(5)]
        assert loop.time() - began < 0.1
        invites = [await pbx.request("INVITE") for _ in dialogs]
        assert len({invite.uri for invite in invites}) == 5
        for invite in invites:
            pbx.respond(invite, 486, "Busy Here")
            assert (await desk.calls.end()).status == 486
