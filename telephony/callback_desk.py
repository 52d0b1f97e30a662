"""Call-backs of one phone (D116): placed in their queues beside the callers, tried again, cancelled when nobody is left
to be called."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from telephony.calls.call import Call, CallRefused, Phase
from telephony.calls.live_call import LiveCall
from telephony.calls.pending_callbacks import PendingCallback, PendingCallbacks
from telephony.calls.refusal import Reason, wrong_state
from telephony.clock import SECOND, Clock
from telephony.events import CallAnswered, CallbackCancelled, CallQueued, Direction, Event, Party
from telephony.routing.attended import Outlook
from telephony.routing.settings import RoutingSettings

log = logging.getLogger(__name__)

#: who cancels the call-back of somebody who called in or was reached otherwise
CALLER = "caller"


class CallbackDesk:
    """``live(direction, line, number, **details)`` makes a call; ``diallable`` raises CallRefused ``bad_number``."""

    def __init__(
        self,
        clock: Clock,
        calls: Mapping[str, LiveCall],
        live: Callable[..., LiveCall],
        diallable: Callable[[str], str],
        routing: Callable[[], RoutingSettings],
        outlook: Outlook,
        publish: Callable[[Event], object],
    ) -> None:
        self._clock = clock
        self._calls = calls
        self._live = live
        self._diallable = diallable
        self._routing = routing
        self._outlook = outlook
        self._publish = publish
        self._pending = PendingCallbacks()
        #: live calls that call back
        self._waiting: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    # ---- placed, and cancelled

    def place(
        self,
        queue: str,
        number: str,
        patient_id: str = "",
        requested_in: str = "",
        waiting_since: float = 0.0,
        priority: int | None = None,
        attempt: int = 1,
        not_before: float = 0.0,
    ) -> str:
        """A call-back waits in ``queue`` beside the callers, since ``waiting_since`` (Unix seconds; 0: now), from
        ``not_before`` on; gives the call's id, empty before that. Whoever takes it has ``number`` dialled.

        Raises CallRefused ``bad_number``."""
        digits = self._diallable(number)
        now, wall = self._clock.monotonic(), self._clock.wall()
        routing = self._routing()
        wanted = routing.priorities.callback if priority is None else priority
        if not_before > wall:
            due = now + int((not_before - wall) * SECOND)
            self._wait_until_due(
                PendingCallback(
                    queue, number, patient_id, requested_in, waiting_since or wall, wanted, attempt, due, requested_in
                )
            )
            return ""
        waited = wall - waiting_since if waiting_since else 0.0
        live = self._live(
            Direction.OUTBOUND,
            "",
            number,
            dialled=digits,
            queue=routing.queue(queue).name,
            patient_id=patient_id,
            requested_in=requested_in,
            attempt=attempt,
            priority=wanted,
        )
        self._waiting.add(live.call.id)
        position = self._outlook.waiting(live.call.queue) + 1
        live.wait_to_call_back(now - int(max(0.0, waited) * SECOND), position)
        return live.call.id

    def requested(self, call: Call, queue: str, since: float) -> None:
        """The caller of ``call`` keeps their place and hangs up."""
        try:
            self.place(queue, call.number, call.patient_id, call.id, since, call.priority)
        except CallRefused as error:
            log.error("call %s: no call-back can be placed: %s", call.id, error)

    def again(self, call: Call, seconds: float) -> None:
        """``call`` reached nobody; the next try keeps its place."""
        now = self._clock.monotonic()
        since = self._clock.wall() - (now - call.queued_at) / SECOND
        self._wait_until_due(
            PendingCallback(
                call.queue,
                call.number,
                call.patient_id,
                call.requested_in or "",
                since,
                call.priority,
                call.attempt + 1,
                now + int(seconds * SECOND),
                call.id,
            )
        )

    def cancel(self, call: str) -> None:
        """The call-back that waits as ``call``, or for its next try after it, is not made after all. Raises CallRefused
        ``no_such_call``, ``wrong_state`` (somebody has taken it)."""
        if self._pending.take(call) is not None:
            self._set_timer()
            return
        live = self._calls.get(call)
        if live is None or live.call.requested_in is None:
            raise CallRefused("no_such_call", "This call-back does not wait any more.")
        if not _waits(live.call):
            raise wrong_state(Reason.CALLBACK_TAKEN)
        self._drop(live)

    def ended(self, call: str) -> None:
        self._waiting.discard(call)

    def pending(self) -> list[dict[str, Any]]:
        """As a snapshot has them: ``due_in`` seconds."""
        now = self._clock.monotonic()
        return [
            {
                "requested_in": one.requested_in,
                "queue": one.queue,
                "attempt": one.attempt,
                "due_in": (one.due - now) / SECOND,
            }
            for one in self._pending
        ]

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    # ---- somebody is here by themselves

    def observe(self, event: Event) -> None:
        """Heeds the event stream: who waits in a queue by themselves, or was spoken to, is not called back."""
        if (self._waiting or self._pending) and isinstance(event, CallQueued | CallAnswered):
            asyncio.get_running_loop().call_soon(self._is_here, event.call)

    def _is_here(self, call: str) -> None:
        live = self._calls.get(call)
        if live is None or live.call.requested_in is not None or not _number(live.call.number):
            return
        # one that an agent dials is of use once somebody answers
        if live.call.direction is Direction.OUTBOUND and not live.call.answered_at:
            return
        same = _number(live.call.number)
        for other in [self._calls[one] for one in self._waiting if one in self._calls]:
            wish = other.call
            if _number(wish.number) == same and _waits(wish):
                self._take_place(live, wish.queued_at, wish.priority)
                self._cancelled(wish.requested_in or "", call)
                self._drop(other)
        for pending in self._pending:
            if _number(pending.number) == same:
                self._pending.take(pending.wish)
                waited = self._clock.wall() - pending.waiting_since
                self._take_place(live, self._clock.monotonic() - int(waited * SECOND), pending.priority)
                self._cancelled(pending.requested_in, call)
        self._set_timer()

    def _take_place(self, live: LiveCall, since: int, priority: int) -> None:
        """Who calls in meanwhile has not waited for nothing."""
        if _waits(live.call):
            live.call.queued_at = min(live.call.queued_at, since)
            live.run(live.call.prioritise(priority, "callback"))

    def _cancelled(self, requested_in: str, by_call: str) -> None:
        if requested_in:
            self._publish(CallbackCancelled(call=requested_in, by=CALLER, by_call=by_call))

    def _drop(self, live: LiveCall) -> None:
        live.run(live.call.end(Party.SYSTEM, 487, "cancelled", live.now()))

    # ---- the next try

    def _wait_until_due(self, pending: PendingCallback) -> None:
        self._pending.put(pending)
        self._set_timer()

    def _set_timer(self) -> None:
        self.close()
        self._timer = None
        deadline = self._pending.deadline()
        if deadline is not None:
            delay = max(0.0, (deadline - self._clock.monotonic()) / SECOND)
            self._timer = asyncio.get_running_loop().call_later(delay + 0.0005, self._due)

    def _due(self) -> None:
        for one in self._pending.due(self._clock.monotonic()):
            self.place(
                one.queue, one.number, one.patient_id, one.requested_in, one.waiting_since, one.priority, one.attempt
            )
        self._set_timer()


def _waits(call: Call) -> bool:
    return call.phase in (Phase.QUEUED, Phase.RINGING)


def _number(number: str) -> str:
    """What two spellings of one number of this country have in common; empty where none came with the call."""
    digits = "".join(character for character in number.partition("@")[0] if character.isdigit())
    for prefix in ("0086", "86"):
        if digits.startswith(prefix) and len(digits) >= len(prefix) + 10:
            return digits.removeprefix(prefix)
    return digits if len(digits) >= 3 else ""
