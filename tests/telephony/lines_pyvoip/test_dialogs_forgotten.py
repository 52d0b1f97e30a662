"""A dialog that is over is gone from memory by itself, without the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_peer import OFFER

#: a dialog that is over is kept for 64 times this: 0.64 s
T1 = 0.01


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def when_freed(dialog: Any) -> asyncio.Event:
    freed = asyncio.Event()
    weakref.finalize(dialog, freed.set)
    return freed


@pytest.mark.usefixtures("no_collector")
async def test_dialogs_of_both_directions_are_freed_without_a_collection(open_desk: Any) -> None:
    async with open_desk(t1=T1) as (desk, pbx):
        leg, dialog = await desk.answered_call(pbx)
        freed = [when_freed(dialog)]
        leg.send("INVITE", OFFER)
        await desk.calls.next("reoffer")
        dialog.reject_reoffer(488)
        await pbx.status(488)
        leg.send("BYE")
        await pbx.status(200, method="BYE")
        await desk.calls.end()
        dialog = desk.dial()
        freed.append(when_freed(dialog))
        pbx.respond(await pbx.request("INVITE"), 486, "Busy Here")
        await desk.calls.end()
        del dialog
        desk.calls.incoming[:] = [None]
        async with asyncio.timeout(10):
            for each in freed:
                await each.wait()
