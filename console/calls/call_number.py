"""The outside party's whole number of a call, for the server's own use: consoles hold masked ones only."""

from __future__ import annotations

from sqlalchemy import Connection

from console.calls import service
from console.events.live_calls import LiveCalls
from console.identity.user import User
from storage.phone_numbers import ANONYMOUS, normalise


def number_of_call(conn: Connection, calls: LiveCalls, user: User, call: str) -> str:
    """As it was signalled; empty when it was withheld. A call that rings may not be stored yet: the live ones know it.

    Raises ApiError: 404 no_such_call, 403 not_yours.
    """
    live = calls.find(call)
    if live is not None and (user.oversees or user.username in live.agents):
        number = live.number
    else:
        number = service.open_call(conn, user, call).number
    # each network has its own word for it, which many callers share
    return "" if normalise(number).kind == ANONYMOUS else number
