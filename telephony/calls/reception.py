"""A caller who has no agent (yet): the attendant says what happens, this carries it out on the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from telephony.calls import message, transfer
from telephony.calls.call import Call, CallRefused
from telephony.calls.surroundings import Surroundings
from telephony.calls.way import Way
from telephony.clock import SECOND
from telephony.events import CallEvent, Target, TargetKind
from telephony.routing.attendant import Attendant

if TYPE_CHECKING:
    from telephony.calls.live_call import LiveCall

#: the key that ends a message
END_OF_MESSAGE = "#"


class Reception:
    """Implements ``telephony.routing.attended.Attended``, and tells the attendant what happens."""

    def __init__(self, live: LiveCall, around: Surroundings) -> None:
        self._live = live
        self._around = around
        self._attendant = Attendant(self, around.routing, around.outlook, around.clock)
        self._plays = False

    # ---- what happens

    def begin(self) -> None:
        self._attendant.begin(self._live.now())

    def wait_to_call_back(self) -> None:
        self._attendant.wait_to_call_back(self._live.now())

    def queued(self) -> None:
        """Waiting for an agent again, by somebody else's hand than the attendant's."""
        self._attendant.queued(self._live.now())

    def answered(self) -> None:
        if not self._attendant.over:
            self._attendant.answered()

    def ended(self) -> None:
        self._attendant.ended()

    def forgotten(self) -> None:
        """Nobody asks for the call any more; what holds it is let go (as in ``ReportingDialog.forgotten``)."""
        del self._attendant, self._live

    def forward_failed(self, status: int) -> None:
        self._attendant.forward_failed(status, self._live.now())

    def digit(self, digit: str) -> None:
        now = self._live.now()
        taken = self.call.message
        if taken is not None and digit == END_OF_MESSAGE:
            self._live.run(message.ends(self.call, now))
            self._attendant.message_taken((now - taken.since) / SECOND, now)
        else:
            self._attendant.digit(digit, now)

    def routing_changed(self) -> None:
        self._attendant.routing_changed(self._live.now())

    def deadline(self) -> int | None:
        return self._attendant.deadline()

    def due(self) -> None:
        self._attendant.due(self._live.now())

    @property
    def menu(self) -> str:
        return self._attendant.menu

    # ---- what the attendant wants (Attended)

    @property
    def call(self) -> Call:
        return self._live.call

    @property
    def picked_up(self) -> bool:
        return self.call.picked_up

    def pick_up(self) -> None:
        self._live.run(self.call.pick_up(self._live.codec))

    def play(self, prompts: Sequence[str], on_end: Callable[[], None] | None = None, loop: bool = False) -> None:
        def ended() -> None:
            if on_end is not None:
                on_end()
            self._live.set_timer()

        self._plays = self._live.audio.play(0, prompts, loop=loop, on_end=ended)
        if not self._plays:
            asyncio.get_running_loop().call_soon(ended)

    def stop_playing(self) -> None:
        if self._plays:
            self._plays = False
            self._live.audio.stop_playing(0)

    def enqueue(self, queue: str, priority: int, reason: str) -> None:
        position = self._around.outlook.waiting(queue) + 1
        self._live.run(self.call.enqueue(queue, self._live.now(), priority, reason, position))

    def leave_queue(self) -> None:
        self._live.run(self.call.leave_queue(self._live.now()))

    def forward(self, number: str, line: str) -> None:
        target = Target(kind=TargetKind.NUMBER, number=number)
        try:
            way = Way(number=self._around.diallable(number), line=self._around.line(line)[0].name)
            effects = transfer.forward(self.call, target, way, self._live.now())
        except CallRefused:
            asyncio.get_running_loop().call_soon(self._cannot_forward)
            return
        self._live.run(effects)

    def _cannot_forward(self) -> None:
        self.forward_failed(503)
        self._live.set_timer()

    def take_message(self, queue: str, starts: Callable[[], None]) -> None:
        self._live.run(message.begins(self.call, queue, self._live.now()))
        starts()

    def request_callback(self, queue: str) -> None:
        call = self.call
        waited = (self._live.now() - call.queued_at) / SECOND if call.queued_at else 0.0
        self._around.place_callback(call, queue, self._around.clock.wall() - waited)

    def end(self, reason: str) -> None:
        self._live.system_ends(480, reason)

    def publish(self, event: CallEvent) -> None:
        self._around.publish(event)
