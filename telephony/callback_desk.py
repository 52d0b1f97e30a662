"""Call-backs of one phone (D116): placed in their queues beside the callers, tried again, cancelled when nobody is left
to be called, and placed again when who came by themselves was not spoken to."""

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
from telephony.events import (
    CallAnswered,
    CallbackCancelled,
    CallbackRequested,
    CallQueued,
    Direction,
    Event,
    Party,
    VoicemailLeft,
)
from telephony.routing.attended import Outlook
from telephony.routing.settings import RoutingSettings

log = logging.getLogger(__name__)

#: who cancels the call-back of somebody who called in or was reached otherwise
CALLER = "caller"


class CallbackDesk:
    """``live(direction, line, number, **details)`` makes a call; ``diallable`` raises CallRefused ``bad_number``;
    ``subscriber`` gives what all spellings of a number have in common, empty for none."""

    def __init__(
        self,
        clock: Clock,
        calls: Mapping[str, LiveCall],
        live: Callable[..., LiveCall],
        diallable: Callable[[str], str],
        routing: Callable[[], RoutingSettings],
        outlook: Outlook,
        publish: Callable[[Event], object],
        subscriber: Callable[[str], str],
    ) -> None:
        self._clock = clock
        self._calls = calls
        self._live = live
        self._diallable = diallable
        self._routing = routing
        self._outlook = outlook
        self._publish = publish
        self._subscriber = subscriber
        self._pending = PendingCallbacks()
        #: live calls that call back
        self._waiting: set[str] = set()
        #: what was cancelled for a live call, whose caller has not been spoken to yet
        self._forgone: dict[str, list[PendingCallback]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

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
        """The caller of ``call``, who waits ``since`` (Unix seconds), keeps their place and hangs up. Who had asked
        before is called back once."""
        self._forgone.pop(call.id, None)
        earlier = self._withdraw(call.number)
        since = min([since, *(one.waiting_since for one in earlier)])
        priority = max([call.priority, *(one.priority for one in earlier)])
        self._publish(
            CallbackRequested(call=call.id, queue=queue, number=call.number, waiting_since=since, priority=priority)
        )
        self._cancelled(earlier, call.id)
        self._place(PendingCallback(queue, call.number, call.patient_id, call.id, since, priority, attempt=1, due=0))

    def again(self, call: Call, seconds: float) -> None:
        """``call`` reached nobody; the next try keeps its place."""
        now = self._clock.monotonic()
        since = self._clock.wall() - (now - call.queued_at) / SECOND
        self._wait_until_due(_as_it_waits(call, since, call.attempt + 1, now + int(seconds * SECOND)))

    def cancel(self, call: str) -> None:
        """The call-back that waits as ``call``, or for its next try after it, or that was asked for in it, is not made
        after all. Raises CallRefused ``no_such_call``, ``wrong_state`` (somebody has taken it)."""
        if self._pending.take(call) is not None:
            self._set_timer()
            return
        calling_back = (self._calls[one] for one in self._waiting if one in self._calls)
        live = next((one for one in calling_back if call in (one.call.id, one.call.requested_in)), None)
        if live is None:
            raise CallRefused("no_such_call", "This call-back does not wait any more.")
        if not _waits(live.call):
            raise wrong_state(Reason.CALLBACK_TAKEN)
        self._drop(live)

    def ended(self, call: Call) -> None:
        """A caller whom nobody has spoken to after all is called back as they had asked."""
        self._waiting.discard(call.id)
        forgone = self._forgone.pop(call.id, [])
        if call.answered_at or self._closed:
            return
        for one in forgone:
            log.info("call %s: who was to be called back was not spoken to, and is called back", call.id)
            self._place(one)

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
        """Nothing is placed any more."""
        self._closed = True
        self._stop_timer()

    # ---- somebody is here by themselves

    def observe(self, event: Event) -> None:
        """Heeds the event stream: who waits in a queue by themselves, or was spoken to, is not called back."""
        if (self._waiting or self._pending) and isinstance(event, CallQueued | CallAnswered):
            asyncio.get_running_loop().call_soon(self._is_here, event.call)
        elif self._forgone and isinstance(event, VoicemailLeft):
            # the message is seen to instead
            self._forgone.pop(event.call, None)

    def _is_here(self, call: str) -> None:
        live = self._calls.get(call)
        if live is None or live.call.requested_in is not None:
            return
        # one that an agent dials is of use once somebody answers
        if live.call.direction is Direction.OUTBOUND and not live.call.answered_at:
            return
        found = self._withdraw(live.call.number)
        if not found:
            return
        self._forgone.setdefault(call, []).extend(found)
        self._take_place(live, found)
        self._cancelled(found, call)

    def _withdraw(self, number: str) -> list[PendingCallback]:
        """Take out what waits for this subscriber and nobody has taken yet, as it waited."""
        same = self._subscriber(number)
        if not same:
            return []
        found: list[PendingCallback] = []
        now, wall = self._clock.monotonic(), self._clock.wall()
        for other in [self._calls[one] for one in self._waiting if one in self._calls]:
            wish = other.call
            if self._subscriber(wish.number) == same and _waits(wish):
                since = wall - (now - wish.queued_at) / SECOND
                found.append(_as_it_waits(wish, since, wish.attempt, now))
                self._drop(other)
        for pending in self._pending:
            if self._subscriber(pending.number) == same:
                self._pending.take(pending.wish)
                found.append(pending)
        self._set_timer()
        return found

    def _take_place(self, live: LiveCall, found: list[PendingCallback]) -> None:
        """Who calls in meanwhile has not waited for nothing."""
        if _waits(live.call):
            waited = self._clock.wall() - min(one.waiting_since for one in found)
            live.call.queued_at = min(live.call.queued_at, self._clock.monotonic() - int(waited * SECOND))
            live.run(live.call.prioritise(max(one.priority for one in found), "callback"))

    def _cancelled(self, found: list[PendingCallback], by_call: str) -> None:
        for one in found:
            if one.requested_in:
                self._publish(CallbackCancelled(call=one.requested_in, by=CALLER, by_call=by_call))

    def _drop(self, live: LiveCall) -> None:
        live.run(live.call.end(Party.SYSTEM, 487, "cancelled", live.now()))

    # ---- the next try

    def _wait_until_due(self, pending: PendingCallback) -> None:
        self._pending.put(pending)
        self._set_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self._stop_timer()
        deadline = self._pending.deadline()
        if deadline is not None and not self._closed:
            delay = max(0.0, (deadline - self._clock.monotonic()) / SECOND)
            self._timer = asyncio.get_running_loop().call_later(delay + 0.0005, self._due)

    def _due(self) -> None:
        for one in self._pending.due(self._clock.monotonic()):
            self._place(one)
        self._set_timer()

    def _place(self, one: PendingCallback) -> None:
        try:
            self.place(
                one.queue, one.number, one.patient_id, one.requested_in, one.waiting_since, one.priority, one.attempt
            )
        except CallRefused as error:
            log.error("call %s: no call-back can be placed: %s", one.wish, error)


def _waits(call: Call) -> bool:
    return call.phase in (Phase.QUEUED, Phase.RINGING)


def _as_it_waits(call: Call, since: float, attempt: int, due: int) -> PendingCallback:
    """The wish that ``call`` calls back for, which waits ``since`` (Unix seconds)."""
    return PendingCallback(
        call.queue,
        call.number,
        call.patient_id,
        call.requested_in or "",
        since,
        call.priority,
        attempt,
        due,
        call.id,
    )
