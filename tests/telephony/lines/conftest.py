"""The sippy driver under test on loopback, between a strict scripted peer and a core that keeps what it reports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from coroutine_tests import pytest_pyfunc_call
from line_desk import Desk
from scripted_peer import Leg, Peer

from telephony.settings import LineSettings

__all__ = ["pytest_pyfunc_call"]


@asynccontextmanager
async def _desk(
    line: LineSettings | None = None, *more: LineSettings, **settings: Any
) -> AsyncIterator[tuple[Desk, Peer]]:
    desk = Desk("sippy")
    peer = await desk.peer()
    first = line or LineSettings("trunk", peers=("127.0.0.1",), proxy=peer.here)
    await desk.start(first, *more, **settings)
    try:
        yield desk, peer
    except BaseException:
        await desk.abort()
        raise
    await desk.close()


desk_class = pytest.fixture(lambda: partial(Desk, "sippy"), name="desk_class")
leg_class = pytest.fixture(lambda: Leg, name="leg_class")


@pytest.fixture
def open_desk() -> Any:
    """``async with open_desk() as (desk, peer)``: one trunk whose peer and proxy is ``peer``."""
    return _desk
