"""What the attendant drives, and what it asks about queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from telephony.events import CallEvent


class AttendedCall(Protocol):
    """What is read of the call. ``queued_at``: monotonic ns since when it waits, 0 when it has not waited yet."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> str: ...
    @property
    def dialled(self) -> str: ...
    @property
    def line(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def queued_at(self) -> int: ...
    @property
    def requested_in(self) -> str | None:
        """Not None: nobody is on the line, the call is to call somebody back."""

    def wants_agent(self) -> bool:
        """It rings at nobody, or at somebody for too long."""


class Attended(Protocol):
    """One inbound call in the attendant's hands. All calls return at once."""

    @property
    def call(self) -> AttendedCall: ...

    @property
    def picked_up(self) -> bool:
        """The caller hears us, not the network's ring-back tone."""

    def pick_up(self) -> None:
        """200 to the caller, once; later nothing happens."""

    def play(self, prompts: Sequence[str], on_end: Callable[[], None] | None = None, loop: bool = False) -> None:
        """Play prompts by name (``ringback`` and ``beep`` too) instead of what played before, whose ``on_end`` is
        dropped. One that there is no sound for is logged and passed over; ``on_end`` is called when the last one has
        played, and at once when there is nothing to play."""

    def stop_playing(self) -> None: ...

    def enqueue(self, queue: str, priority: int, reason: str) -> None:
        """Wait in ``queue``, also instead of another one; the waiting time is kept. ``reason`` of the priority:
        ``emergency``, or empty for the queue's own."""

    def leave_queue(self) -> None:
        """Wait no longer; an agent at whom it rings is let go."""

    def forward(self, number: str, line: str) -> None:
        """Dial and bridge; failure comes back by ``Attendant.forward_failed``."""

    def take_message(self, queue: str, starts: Callable[[], None]) -> None:
        """Record the caller until they hang up or press #, then ``Attendant.message_taken``."""

    def request_callback(self, queue: str) -> None:
        """Place a call-back with this call's place; this call goes on to a goodbye."""

    def end(self, reason: str) -> None: ...

    def publish(self, event: CallEvent) -> None: ...


class Outlook(Protocol):
    """Queues as a waiting caller may be told of them."""

    def waiting(self, queue: str) -> int:
        """How many calls wait in it."""

    def position(self, call: str) -> int:
        """The call's place in its queue, 1-based; 0 when it does not wait."""

    def signed_in(self, queue: str) -> int:
        """How many agents of it are signed in, whatever they do."""

    def expected_wait(self, queue: str, position: int) -> float | None:
        """Seconds; None when there is nothing to judge by."""
