"""What follows when somebody who is to be called back is not reached (D116): further tries by rule, then a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.calls.effects import CallAgain, Effects, Emit

if TYPE_CHECKING:
    from telephony.calls.call import Call


def unreached(call: Call, status: int, reason: str) -> Effects:
    """Of a call that ends: the number of a call-back was dialled, and nobody answered there."""
    if call.requested_in is None or call.answered_at or call.phase != "dialling":
        return []
    rules = call.rules
    seconds = 0.0
    if call.attempt < rules.callback_attempts:
        seconds = rules.callback_retry_first if call.attempt == 1 else rules.callback_retry_next
    told = events.CallbackUnreached(
        call=call.id,
        queue=call.queue,
        requested_in=call.requested_in,
        attempt=call.attempt,
        attempts=rules.callback_attempts,
        retry_in=seconds,
        sip_status=status,
        reason=reason,
    )
    return [Emit(told), *([CallAgain(seconds)] if seconds else [])]
