"""The web process's link to the phone process: commands with their refusals told as API errors."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import structlog

from console.events.refusals import by_its_name, refused
from console.http import ApiError, Message
from telephony.seam.client import CommandError, SeamClient, SeamClosed

log = structlog.get_logger("console.events")


def phone_unavailable() -> ApiError:
    return ApiError(
        503,
        "phone_unavailable",
        Message("电话系统暂时不可用，正在恢复", "The telephone system is away for a moment; it is coming back"),
        headers={"retry-after": "2"},
    )


class PhoneLink:
    """``client`` is the seam's connection while there is one; the intake tells what becomes of it.

    ``queue`` gives what people call a queue. A new connection is ``settled`` once the phone process has been told how
    things stand: rules, routing, who is here.
    """

    def __init__(self, queue: Callable[[str], Message] = by_its_name) -> None:
        self._queue = queue
        self.client: SeamClient | None = None
        self._settled = asyncio.Event()
        self._unsettled_since = time.monotonic()

    @property
    def connected(self) -> bool:
        return self.client is not None

    def reached(self, client: SeamClient) -> None:
        self.client = client

    def has_settled(self) -> None:
        self._settled.set()

    def lost(self) -> None:
        self.client = None
        self._settled.clear()
        self._unsettled_since = time.monotonic()

    async def settled(self, within: float) -> None:
        """Wait until the connection has settled, until ``within`` seconds after the last one broke (or after the
        start) at most: while the phone process is away for longer, nobody waits."""
        left = self._unsettled_since + within - time.monotonic()
        if left > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), left)

    async def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Raises ApiError (see ``console.http.PhoneLink``)."""
        client = self.client
        if client is None:
            raise phone_unavailable()
        try:
            result = await client.command(name, **arguments)
        except CommandError as error:
            raise refused(error, self._queue) from error
        except (SeamClosed, TimeoutError, OSError) as error:
            log.warning("the phone process did not answer", command=name, reason=str(error) or type(error).__name__)
            raise phone_unavailable() from error
        return result if isinstance(result, dict) else {}
