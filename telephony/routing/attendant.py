"""The attendant: takes one inbound call from its entry through announcements, menus and queues to an agent's answer.

Pure rules: facts and times (monotonic ns) go in, ``Attended`` carries out. Each step reads the routing document anew,
so that a change counts from the next step on; what is gone by then falls back to the first queue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from telephony import events
from telephony.clock import SECOND, Clock
from telephony.routing import spoken
from telephony.routing.activity import Activity, InQueue
from telephony.routing.announcer import Announcer
from telephony.routing.attended import Attended, Outlook
from telephony.routing.callback_offer import CallbackOffer
from telephony.routing.callback_wait import CallbackWait
from telephony.routing.menu_turn import MenuTurn
from telephony.routing.message_taking import MessageTaking
from telephony.routing.opening_hours import OpeningHours
from telephony.routing.queue_wait import QueueWait
from telephony.routing.recording_notice import RecordingNotice
from telephony.routing.settings import Menu, Queue, RoutingSettings
from telephony.routing.steps import (
    HangUp,
    Step,
    ToCallback,
    ToMenu,
    ToMessage,
    ToNumber,
    ToQueue,
    ToVoicemail,
    in_words,
)

log = logging.getLogger(__name__)

#: steps without the caller's doing; a document has no loops, but it may change under a call
MOST_STEPS = 20


class Attendant:
    """Call ``begin`` once, then tell it what happens, and call ``due(now)`` at ``deadline()``."""

    def __init__(
        self, attended: Attended, routing: Callable[[], RoutingSettings], outlook: Outlook, clock: Clock
    ) -> None:
        self.attended = attended
        self.outlook = outlook
        self._routing = routing
        self._clock = clock
        self._announcer = Announcer(attended, clock)
        self._activity = Activity()
        self._emergency = False
        self._over = False
        self._steps = 0

    @property
    def routing(self) -> RoutingSettings:
        return self._routing()

    @property
    def menu(self) -> str:
        """The menu that the caller is in, or empty."""
        return self._activity.name if isinstance(self._activity, MenuTurn) else ""

    @property
    def speaking(self) -> bool:
        return self._announcer.speaking

    @property
    def over(self) -> bool:
        """Somebody answered, or the call ended."""
        return self._over

    # ---- what happens

    def begin(self, now: int) -> None:
        """The INVITE is here."""
        call = self.attended.call
        entry = self.routing.entry(call.line, call.dialled)
        if entry is None:
            self.go(ToQueue(queue=call.queue), "entry", now)
        elif not self.is_open(entry.hours) and entry.closed is not None:
            self.go(entry.closed, "closed", now)
        elif entry.announce_recording:
            self._activity = RecordingNotice(self, entry.to)
            self.say([spoken.RECORDING], "recording", partial(self.go, entry.to, "entry"))
        else:
            self.go(entry.to, "entry", now)

    def digit(self, digit: str, now: int) -> None:
        if not self._over:
            self._activity.digit(digit, now)

    def wait_to_call_back(self, now: int) -> None:
        """A call-back was placed in its queue: nobody is there to be spoken to."""
        self._do(self._stay(self.attended.call.queue, now))

    def queued(self, now: int) -> None:
        """The call came into its queue by somebody else's hand: a transfer to a queue, or one that came back."""
        self._over = False
        self._steps = 0
        queue = self.attended.call.queue
        if not (isinstance(self._activity, InQueue) and self._activity.queue == queue):
            self._do(self._stay(queue, now))

    def answered(self) -> None:
        """An agent has the call: nothing is said any more."""
        self._stop()
        self.attended.stop_playing()

    def ended(self) -> None:
        self._stop()

    def forward_failed(self, status: int, now: int) -> None:
        """Nobody there under the number: back to where an agent may answer."""
        if not self._over and isinstance(self._activity, _Forwarding):
            log.info("call %s: its forwarding failed with %d", self.attended.call.id, status)
            self.wait(self.routing.queue(self._activity.back), self.routing.priorities.returned, now)

    def message_taken(self, seconds: float, now: int) -> None:
        """The caller pressed #."""
        if not self._over and isinstance(self._activity, MessageTaking):
            log.info("call %s: a message of %.1f s was left", self.attended.call.id, seconds)
            self._activity = Activity()
            self.say([spoken.VOICEMAIL_THANKS], "voicemail", lambda _: self.attended.end("message left"))

    def routing_changed(self, now: int) -> None:
        """A caller whose queue is gone goes to the first one."""
        if not self._over:
            self._leave_gone_queue(now)

    def deadline(self) -> int | None:
        if self._over:
            return None
        times = [time for time in (self._announcer.deadline(), self._activity.deadline()) if time is not None]
        return min(times, default=None)

    def due(self, now: int) -> None:
        if self._over:
            return
        self._announcer.due(now)
        deadline = self._activity.deadline()
        if not self._over and deadline is not None and now >= deadline:
            self._activity.due(now)

    # ---- steps

    def go(self, step: Step, why: str, now: int, *, chosen: bool = False) -> None:
        """Take a step. ``why``: ``entry``, ``closed``, ``overflow`` …; ``chosen``: by a key of the caller's."""
        if self._over:
            return
        self._steps = 0 if chosen else self._steps + 1
        if self._steps > MOST_STEPS:
            log.error("call %s went round in circles: it waits in the first queue", self.attended.call.id)
            self.wait(self.routing.queues[0], 0, now)
            return
        match step:
            case ToQueue(queue=name, priority=priority):
                self._enter(self.routing.queue(name), priority, now)
            case ToMenu(menu=name):
                self._open_menu(name, now)
            case ToNumber(number=number, line=line):
                back = self._leave_queue(why, step, now) or self.attended.call.queue
                self._forward(number, line, back)
            case ToMessage(prompt=prompt):
                self._leave_queue(why, step, now)
                self._activity = Activity()
                self.say([prompt], why, lambda _: self.attended.end("announcement"))
            case ToVoicemail(queue=queue, prompt=prompt):
                self._leave_queue("voicemail", step, now)
                self._voicemail(queue, prompt)
            case ToCallback(queue=queue):
                self._callback(queue, chosen, now)
            case HangUp():
                self._leave_queue(why, step, now)
                self._activity = Activity()
                self.attended.end("hung up by routing")

    def emergency(self, menu: Menu, now: int) -> None:
        """The emergency key: ahead of everybody who waits (D23)."""
        assert menu.emergency_to is not None
        self._emergency = True
        self.publish(
            events.MenuAnswered(
                call=self.attended.call.id, menu=menu.name, outcome="chosen", digit=menu.emergency, label="emergency"
            )
        )
        self.hush()
        self.go(menu.emergency_to, "menu", now, chosen=True)

    def is_open(self, hours: str) -> bool:
        found = self.routing.opening_hours(hours) if hours else None
        return found is None or OpeningHours(found, self.routing.timezone).is_open(self._clock.wall())

    def turned_away(self, queue: Queue) -> tuple[Step, str] | None:
        """Where a new caller of this queue goes instead, and why; None: they may wait in it."""
        if queue.closed is not None and not self.is_open(queue.hours):
            return queue.closed, "closed"
        if queue.nobody_signed_in is not None and not self.outlook.signed_in(queue.name):
            return queue.nobody_signed_in, "nobody_signed_in"
        if queue.full is not None and queue.max_waiting and not self._emergency:
            waiting = self.outlook.waiting(queue.name)
            if waiting >= queue.max_waiting:
                return queue.full, "full"
        return None

    def wait(self, queue: Queue, priority: int, now: int) -> None:
        """Wait in ``queue``, at least with ``priority`` and never with less than the call has."""
        if isinstance(self._activity, InQueue):
            self._dequeued("overflow", f"queue:{queue.name}", now)
        priority = max(priority, self.attended.call.priority)
        if self._emergency:
            priority = max(priority, self.routing.priorities.emergency)
        self.hush()
        self.attended.enqueue(queue.name, priority, "emergency" if self._emergency else "")
        if not self._over:
            self._do(self._stay(queue.name, now))

    def call_back(self, queue: str, now: int) -> None:
        """The caller wants to be called back: the place is kept, this call ends."""
        name = self.routing.queue(queue).name
        self.attended.request_callback(name)
        self._leave_queue("callback", ToCallback(queue=name), now)
        self._activity = Activity()
        self.say([spoken.CALLBACK_ACCEPTED], "callback", lambda _: self.attended.end("to be called back"))

    def can_be_called_back(self) -> bool:
        """A number came with the call."""
        return sum(character.isdigit() for character in self.attended.call.number) >= 3

    # ---- the voice

    def say(self, prompts: Sequence[str], why: str, then: Callable[[int], None]) -> None:
        """Play to the caller, picking up first; ``then(now)`` when it has played."""
        self.attended.pick_up()
        if not self._over:
            self._announcer.say(prompts, why, then)

    def hush(self) -> None:
        """Stop what is being said; nothing follows from it."""
        self._announcer.hush()

    def publish(self, event: events.CallEvent) -> None:
        self.attended.publish(event)

    # ---- parts of steps

    def _do(self, activity: InQueue | MenuTurn | CallbackOffer) -> None:
        self._activity = activity
        activity.begin()

    def _stay(self, queue: str, now: int) -> InQueue:
        """In a queue, as a caller, or as somebody who is to be called back and is not there."""
        if self.attended.call.requested_in is not None and not self.attended.picked_up:
            return CallbackWait(self, queue, now)
        return QueueWait(self, queue, now)

    def _enter(self, queue: Queue, priority: int | None, now: int) -> None:
        away = self.turned_away(queue)
        if away is not None:
            self.go(*away, now)
        else:
            self.wait(queue, queue.priority if priority is None else priority, now)

    def _open_menu(self, name: str, now: int) -> None:
        menu = self.routing.menu(name)
        if menu is None:
            log.warning("call %s: there is no menu %s any more", self.attended.call.id, name)
            self._enter(self.routing.queues[0], None, now)
            return
        self._leave_queue("overflow", ToMenu(menu=name), now)
        self.attended.pick_up()
        if not self._over:
            self._do(MenuTurn(self, menu))

    def _forward(self, number: str, line: str, back: str) -> None:
        self._activity = _Forwarding(back)
        if self.attended.picked_up:
            self.attended.play([spoken.RINGBACK], loop=True)
        self.attended.forward(number, line)

    def _voicemail(self, queue: str, prompt: str) -> None:
        name = self.routing.queue(queue).name
        activity = self._activity = MessageTaking(self.attended)

        def record(now: int) -> None:
            activity.starts(now)
            self.attended.take_message(name, lambda: activity.starts(self._clock.monotonic()))

        self.say([prompt or spoken.VOICEMAIL, spoken.BEEP], "voicemail", record)

    def _callback(self, queue: str, chosen: bool, now: int) -> None:
        if not self.can_be_called_back():
            self.go(ToVoicemail(queue=queue), "voicemail", now)
        elif chosen:
            self.call_back(queue, now)
        else:
            self._leave_queue("overflow", ToCallback(queue=queue), now)
            self._do(CallbackOffer(self, queue))

    def _leave_queue(self, why: str, step: Step, now: int) -> str:
        """Gives the name of the queue that was left, or nothing."""
        if not isinstance(self._activity, InQueue):
            return ""
        queue = self._activity.queue
        self._activity = Activity()
        self.hush()
        self._dequeued(why, in_words(step), now, queue)
        self.attended.leave_queue()
        return queue

    def _dequeued(self, why: str, to: str, now: int, queue: str = "") -> None:
        call = self.attended.call
        waited = (now - call.queued_at) / SECOND if call.queued_at else 0.0
        self.publish(
            events.CallDequeued(call=call.id, queue=queue or call.queue, why=why, waited_seconds=waited, to=to)
        )

    def _leave_gone_queue(self, now: int) -> None:
        if isinstance(self._activity, InQueue):
            queue = self.routing.queue(self._activity.queue)
            if queue.name != self._activity.queue:
                log.warning("call %s: its queue %s is gone", self.attended.call.id, self._activity.queue)
                self.wait(queue, 0, now)

    def _stop(self) -> None:
        self._over = True
        self._announcer.forget()
        self._activity = Activity()


class _Forwarding(Activity):
    def __init__(self, back: str) -> None:
        self.back = back
