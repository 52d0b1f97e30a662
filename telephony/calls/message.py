"""A caller speaks a message: it is a stretch of the call's recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephony import events
from telephony.calls.effects import Effects, Emit, Record
from telephony.clock import SECOND

if TYPE_CHECKING:
    from telephony.calls.call import Call

#: shorter ones are somebody who hung up at the tone
SHORTEST_NS = SECOND


@dataclass(slots=True)
class Message:
    queue: str
    since: int


def begins(call: Call, queue: str, now: int) -> Effects:
    call.message = Message(queue, now)
    return [Record()]


def ends(call: Call, now: int) -> Effects:
    """The message is over, by # or because the caller hung up."""
    message, call.message = call.message, None
    if message is None or now - message.since < SHORTEST_NS:
        return []
    left = events.VoicemailLeft(
        call=call.id,
        queue=message.queue,
        starts=max(0, message.since - (call.recorded_since or message.since)) / SECOND,
        seconds=(now - message.since) / SECOND,
    )
    return [Emit(left)]
