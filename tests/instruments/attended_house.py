"""The attendant's surroundings without a telephone: remembers what it had done to one caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fake_clock import FakeClock

from telephony import events
from telephony.clock import SECOND
from telephony.routing.attendant import Attendant
from telephony.routing.settings import RoutingSettings, parse_routing

#: Monday 23 November 2026, 10:00 in Shanghai
MONDAY_MORNING = 1_795_399_200.0
HOUR = 3600.0


@dataclass
class WaitingCall:
    """As much of a call as the attendant reads."""

    id: str = "c1"
    number: str = "13800000000"
    dialled: str = "114"
    line: str = "trunk"
    queue: str = "default"
    priority: int = 0
    queued_at: int = 0
    rings_at_agent: bool = False
    requested_in: str | None = None

    def wants_agent(self) -> bool:
        return not self.rings_at_agent


class AttendedHouse:
    """Stands for the live call and for the queues; remembers what the attendant had it do."""

    def __init__(self, document: dict[str, Any], number: str = "13800000000") -> None:
        self.document = {"queues": [{"name": "default"}, {"name": "vip", "priority": 50}], **document}
        self.clock = FakeClock(100.0, MONDAY_MORNING - 100.0)
        self.call = WaitingCall(number=number)
        self.settings: RoutingSettings = parse_routing(self.document)
        self.picked_up = False
        self.playing: list[str] = []
        self.looping = False
        self.silent = False
        self.on_end: Callable[[], None] | None = None
        self.done: list[str] = []
        self.published: list[events.CallEvent] = []
        self.in_queue = ""
        self.over = ""
        self.message_starts: Callable[[], None] | None = None
        self.waiting_calls: dict[str, int] = {}
        self.signed_in_agents: dict[str, int] = {"default": 2, "vip": 2}
        self.place = 3
        self.wait: float | None = None
        self.attendant = Attendant(self, lambda: self.settings, self, self.clock)

    # what the attendant asks for

    def pick_up(self) -> None:
        self.picked_up = True

    def play(self, prompts: Sequence[str], on_end: Callable[[], None] | None = None, loop: bool = False) -> None:
        assert self.picked_up
        self.playing, self.on_end, self.looping = list(prompts), on_end, loop
        if self.silent and not loop:
            self.said()

    def stop_playing(self) -> None:
        self.playing, self.on_end = [], None

    def enqueue(self, queue: str, priority: int, reason: str) -> None:
        self.call.queue = self.in_queue = queue
        self.call.priority = priority
        self.call.queued_at = self.call.queued_at or self.clock.monotonic()
        self.done.append(f"enqueue {queue} {priority} {reason}".strip())

    def leave_queue(self) -> None:
        self.in_queue = ""

    def forward(self, number: str, line: str) -> None:
        self.done.append(f"forward {number} {line}".strip())

    def take_message(self, queue: str, starts: Callable[[], None]) -> None:
        self.done.append(f"take_message {queue}")
        self.message_starts = starts

    def request_callback(self, queue: str) -> None:
        self.done.append(f"request_callback {queue}")

    def end(self, reason: str) -> None:
        self.over = reason
        self.attendant.ended()

    def publish(self, event: events.CallEvent) -> None:
        self.published.append(event)

    def waiting(self, queue: str) -> int:
        return self.waiting_calls.get(queue, 0)

    def position(self, call: str) -> int:
        return self.place

    def signed_in(self, queue: str) -> int:
        return self.signed_in_agents.get(queue, 0)

    def expected_wait(self, queue: str, position: int) -> float | None:
        return self.wait

    # what the test does

    def begin(self) -> AttendedHouse:
        self.attendant.begin(self.clock.monotonic())
        return self

    def said(self) -> None:
        """What plays has played."""
        on_end, self.on_end, self.playing = self.on_end, None, []
        if on_end:
            on_end()

    def press(self, digits: str) -> None:
        for digit in digits:
            self.attendant.digit(digit, self.clock.monotonic())

    def passes(self, seconds: float) -> None:
        """Time goes by; the attendant is called at each of its deadlines, as the phone's timer does."""
        until = self.clock.monotonic() + int(seconds * SECOND)
        for _ in range(1000):
            deadline = self.attendant.deadline()
            if deadline is None or deadline > until:
                break
            self.clock.now = max(self.clock.now, deadline / SECOND)
            self.attendant.due(self.clock.monotonic() + 1)
            after = self.attendant.deadline()
            assert after is None or after > deadline
        else:
            raise AssertionError("the attendant never comes to rest")
        self.clock.now = until / SECOND

    def change(self, **parts: Any) -> None:
        self.document = {**self.document, **parts}
        self.settings = parse_routing(self.document)
        self.attendant.routing_changed(self.clock.monotonic())

    def told(self, kind: type[events.CallEvent]) -> list[Any]:
        return [event for event in self.published if isinstance(event, kind)]

    @property
    def answers(self) -> list[tuple[str, str]]:
        return [(event.outcome, event.label or event.digit) for event in self.told(events.MenuAnswered)]

    @property
    def announced(self) -> list[tuple[str, str]]:
        return [(event.why, event.prompt) for event in self.told(events.AnnouncementPlayed)]

    @property
    def dequeued(self) -> list[tuple[str, str, str]]:
        return [(event.queue, event.why, event.to) for event in self.told(events.CallDequeued)]


def queue(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "queue", "queue": name, **more}


MESSAGE = {"kind": "message", "prompt": "closed"}
MENU: dict[str, Any] = {
    "name": "main",
    "greeting": "menu-main",
    "choices": [
        {"digit": "1", "label": {"zh": "业务咨询"}, "to": queue("default")},
        {"digit": "2", "label": {"zh": "投诉建议"}, "to": queue("vip")},
        {"digit": "3", "to": {"kind": "number", "number": "120", "line": "trunk"}},
        {"digit": "4", "to": {"kind": "callback", "queue": "vip"}},
        {"digit": "5", "to": {"kind": "voicemail", "queue": "vip"}},
        {"digit": "9", "to": {"kind": "menu", "menu": "main"}},
        {"digit": "#", "to": {"kind": "hang_up"}},
    ],
    "emergency": "0",
    "emergency_to": queue("default"),
    "invalid": "menu-invalid",
    "gave_up": queue("vip"),
}


def entry(to: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"line": "trunk", "to": to, **more}]


def in_menu(**more: Any) -> AttendedHouse:
    document = {"menus": [MENU], "entries": entry({"kind": "menu", "menu": "main"}), **more}
    return AttendedHouse(document).begin()


def in_queue(**settings: Any) -> AttendedHouse:
    """In the queue ``default`` with such settings, not picked up."""
    return AttendedHouse({"queues": [{"name": "default", **settings}, {"name": "vip"}]}).begin()
