"""What can wait until somebody's telephone rings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def afterwards(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *arguments: Any) -> None:
    """Call ``callback`` when what this turn of the loop does, and what it leaves to the next one, is done."""
    loop.call_soon(loop.call_soon, callback, *arguments)
