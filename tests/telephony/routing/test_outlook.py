"""What is remembered of calls past, and what waiting callers are told by it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from fake_clock import FakeClock

from telephony import events
from telephony.events import AgentStatus, Direction
from telephony.floor.floor import Floor
from telephony.routing import memory as routing_memory
from telephony.routing import spoken
from telephony.routing.checks import shipped_sounds
from telephony.routing.memory import RoutingMemory
from telephony.routing.outlook import QueueOutlook
from telephony.routing.settings import parse_routing
from telephony.routing.spoken import expected_wait, number, position


class WaitingCall:
    """Waits, rings, or neither."""

    number = preferred_agent = ""

    def __init__(
        self, name: str, queue: str, priority: int, queued_at: int, waits: bool = True, rings: int = 0
    ) -> None:
        self.id, self.queue, self.priority, self.queued_at = name, queue, priority, queued_at
        self._waits, self._rings = waits, rings

    def wants_agent(self) -> bool:
        return self._waits

    def may_offer_to(self, agent: str, now: int) -> bool:
        return self._waits

    def rings(self) -> int:
        return self._rings


class Past:
    """A day of calls."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        routing = parse_routing({"queues": [{"name": "a"}, {"name": "b"}]})
        self.memory = RoutingMemory(lambda: routing)
        self.floor = Floor(self.clock, self._publish, lambda: None)
        self.live: list[WaitingCall] = []
        self.outlook = QueueOutlook(self._calls, self.floor, self.memory)
        self._n = 0

    def _calls(self) -> Iterable[WaitingCall]:
        return self.live

    def _publish(self, event: events.Event) -> None:
        """Stamped, as the event stream does it."""
        stamped = msgspec.structs.replace(event, at=self.clock.wall(), monotonic=self.clock.monotonic())
        self.memory.observe(stamped)

    def sign_in(self, user: str, *queues: str) -> None:
        self.floor.sign_in(user, user, queues)
        self.floor.headset_connected(user)

    def handles(
        self, agent: str, number: str = "13800000000", queue: str = "a", talk: float = 50, wrap: float = 10
    ) -> None:
        self._n += 1
        call = f"c{self._n}"
        self._publish(
            events.CallStarted(call=call, direction=Direction.INBOUND, line="trunk", number=number, queue="elsewhere")
        )
        self._publish(events.CallQueued(call=call, queue="a", position=1))
        self.floor.rings(agent, call)
        answered: dict[str, Any] = {"caller_rings": 1, "agent_rings": 1, "within_three_rings": True, "wait_seconds": 1}
        self._publish(events.CallAnswered(call=call, agent=agent, codec="PCMA", **answered))
        self.floor.talks(agent, call)
        self.clock.now += talk
        self._publish(events.CallEnded(call=call, by=events.Party.CALLER, sip_status=200, reason=""))
        self.floor.wraps_up(agent)
        self.clock.now += wrap
        self.floor.wrapped_up(agent, call)


def test_the_wait_is_what_recent_calls_took_shared_by_the_agents_on_duty() -> None:
    past = Past()
    for user in ("agent1", "agent2", "agent3"):
        past.sign_in(user, "a")
    past.floor.ready("agent1")
    past.floor.ready("agent2")
    assert past.outlook.expected_wait("a", 3) is None
    past.handles("agent1", talk=50, wrap=10)
    past.handles("agent2", talk=100, wrap=20)
    assert past.memory.handling_seconds("a") == pytest.approx(90)
    assert past.outlook.expected_wait("a", 4) == pytest.approx(4 * 90 / 2)
    assert past.outlook.expected_wait("b", 4) is None
    past.floor.not_ready("agent1", "meal")
    past.floor.not_ready("agent2", "meal")
    assert past.outlook.expected_wait("a", 1) is None


def test_old_calls_count_no_more() -> None:
    past = Past()
    past.sign_in("agent1", "a")
    past.floor.ready("agent1")
    past.handles("agent1", talk=9000)
    for _ in range(30):
        past.handles("agent1", talk=50, wrap=10)
    assert past.memory.handling_seconds("a") == pytest.approx(60)


def test_positions_go_by_priority_and_then_by_time_in_their_own_queue() -> None:
    past = Past()
    past.live = [
        WaitingCall("late", "a", 0, 30),
        WaitingCall("vip", "a", 50, 40),
        WaitingCall("early", "a", 0, 10, waits=False, rings=1),
        WaitingCall("other", "b", 90, 5),
        WaitingCall("talks", "a", 90, 1, waits=False),
    ]
    assert [past.outlook.position(call.id) for call in past.live] == [3, 1, 2, 1, 0]
    assert past.outlook.position("nobody") == 0
    assert (past.outlook.waiting("a"), past.outlook.waiting("b"), past.outlook.waiting("c")) == (3, 1, 0)


def test_who_is_signed_in_counts_whatever_they_do() -> None:
    past = Past()
    past.sign_in("agent1", "a", "b")
    past.sign_in("agent2", "b")
    past.floor.sign_out("agent2")
    assert (past.outlook.signed_in("a"), past.outlook.signed_in("b")) == (1, 1)


def test_who_spoke_with_a_number_is_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing_memory, "NUMBERS", 3)
    past = Past()
    for user in ("agent1", "agent2"):
        past.sign_in(user, "a")
        past.floor.ready(user)
    for n in (1, 2, 3, 1, 4):
        past.handles("agent2" if n == 1 else "agent1", number=f"1380000{n}")
    known = [past.memory.last_agent(f"1380000{n}") for n in (1, 2, 3, 4)]
    assert known == ["agent2", "", "agent1", "agent1"]
    assert past.memory.last_agent("") == ""


def test_nothing_is_kept_of_calls_that_are_over_or_never_began() -> None:
    past = Past()
    past.sign_in("agent1", "a")
    past.floor.ready("agent1")
    for _ in range(20):
        past.handles("agent1")
    answered: dict[str, Any] = {"caller_rings": 1, "agent_rings": 1, "within_three_rings": True, "wait_seconds": 1}
    past.memory.observe(events.CallAnswered(call="unknown", agent="ghost", codec="PCMA", **answered))
    past.memory.observe(events.AgentState(agent="ghost", status=AgentStatus.READY))
    assert past.memory.calls_today("ghost") == 0
    assert past.memory.calls_today("agent1") == 20
    assert not past.memory._calls
    assert not past.memory._busy


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"), (7, "7"), (10, "10"), (15, "10 5"), (20, "2 10"), (23, "2 10 3"), (99, "9 10 9"),
        (100, "1 100"), (103, "1 100 0 3"), (110, "1 100 1 10"), (118, "1 100 1 10 8"), (150, "1 100 5 10"),
        (199, "1 100 9 10 9"), (500, "1 100 9 10 9"), (-3, "0"),
    ],
)  # fmt: skip
def test_numbers_are_said_as_chinese_numerals(value: int, said: str) -> None:
    assert number(value) == tuple(f"num-{name}" for name in said.split())


def test_places_and_waits_are_said_in_prompts_that_ship() -> None:
    said = {name for n in range(1, 200) for name in (*position(n), *expected_wait(n * 60))}
    assert said <= shipped_sounds()
    assert expected_wait(60) == ("wait-soon",)
    assert expected_wait(61) == ("wait", "num-2", "wait-minutes")
    assert expected_wait(600) == ("wait", "num-10", "wait-minutes")


def test_everything_else_that_callers_are_told_ships_too() -> None:
    names = {value for name, value in vars(spoken).items() if name.isupper() and isinstance(value, str)}
    assert names - spoken.MADE <= shipped_sounds()
    assert names >= spoken.MADE
