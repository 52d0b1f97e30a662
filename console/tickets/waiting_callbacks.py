"""Call-backs outlive the phone process: those that wait, in a queue or for their next try, are placed again when it
comes back without them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog

from console.http import ApiError, PhoneLink
from storage.callbacks import Callback

log = structlog.get_logger("console.tickets")

#: so old a wish to be called back is not brought up again by itself (seconds)
OLDEST = 24 * 3600.0


async def place_again(phone: PhoneLink, snapshot: dict[str, Any], waiting: Iterable[Callback], now: float) -> int:
    """Give the phone the call-backs that wait and that it does not hold; gives how many. Raises ApiError when it goes
    away meanwhile."""
    calls = snapshot.get("calls", ())
    # the log may not say yet which call calls back: the phone does
    held = {call["call"] for call in calls} | {call.get("requested_in") or call["call"] for call in calls}
    held |= {later["requested_in"] for later in snapshot.get("callbacks", ())}
    placed = 0
    for one in waiting:
        if one.call in held or one.requested_in in held or one.requested_at < now - OLDEST:
            continue
        try:
            await phone.command(
                "callback.place",
                queue=one.queue,
                number=one.number,
                requested_in=one.requested_in,
                waiting_since=one.waiting_since,
                priority=one.priority,
                attempt=one.attempts + 1,
                not_before=one.due_at or 0.0,
            )
        except ApiError as error:
            if error.status == 503:
                raise
            log.error("a call-back cannot be placed again", requested_in=one.requested_in, reason=str(error))
            continue
        placed += 1
    if placed:
        log.info("call-backs were placed again", number=placed)
    return placed
