"""Which waiting call goes to which free agent."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from fake_clock import FakeClock
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony import events
from telephony.floor.floor import Floor
from telephony.routing.memory import RoutingMemory
from telephony.routing.router import matches, place
from telephony.routing.settings import RoutingSettings, Strategy, parse_routing


@dataclass
class WaitingCall:
    """As much of a call as routing reads."""

    id: str
    queue: str = "default"
    number: str = "13800000000"
    priority: int = 0
    queued_at: int = 0
    preferred_agent: str = ""
    ringing: list[str] = field(default_factory=list)
    overdue: bool = False
    refused: set[str] = field(default_factory=set)

    def wants_agent(self) -> bool:
        return not self.ringing or self.overdue

    def may_offer_to(self, agent: str, now: int) -> bool:
        return agent not in self.ringing and agent not in self.refused

    def rings(self) -> int:
        return len(self.ringing)


class Desk:
    """A floor, queues and what was offered; every pair is acted on as the phone does."""

    def __init__(self, *queues: dict[str, Any]) -> None:
        self.clock = FakeClock()
        self.routing = parse_routing({"queues": list(queues) or [{"name": "default"}]})
        self.memory = RoutingMemory(lambda: self.routing)
        self.floor = Floor(self.clock, self.memory.observe, lambda: None)
        self.calls: list[WaitingCall] = []

    def ready(self, user: str, *queues: str, **skills: int) -> None:
        self.floor.sign_in(user, user, queues or ("default",), skills)
        self.floor.headset_connected(user)
        self.floor.ready(user)
        self.clock.now += 1

    def waits(self, name: str, **more: Any) -> WaitingCall:
        call = WaitingCall(name, queued_at=self.clock.monotonic(), **more)
        self.calls.append(call)
        self.clock.now += 1
        return call

    def match(self, calls: Iterable[WaitingCall] | None = None) -> list[tuple[str, str]]:
        pairs = []
        chosen = list(self.calls if calls is None else calls)
        for call, agent in matches(chosen, self.floor, self.routing, self.memory, self.clock.monotonic()):
            assert self.floor.agents[agent].may_take_call()
            beside = self.routing.queue(call.queue).strategy is Strategy.RING_ALL
            if not beside:
                for other in call.ringing:
                    self.floor.stops_ringing(other, "")
                call.ringing, call.overdue = [], False
            call.ringing.append(agent)
            self.floor.rings(agent, call.id)
            self.publish(events.CallOffered(call=call.id, agent=agent, offer=1, number="", line="", queue=call.queue))
            pairs.append((call.id, agent))
        return pairs

    def publish(self, event: events.Event) -> None:
        self.memory.observe(event)

    def answer(self, call: WaitingCall, agent: str, seconds: float = 60) -> None:
        """The agent answers, talks and has no wrap-up."""
        self.publish(
            events.CallStarted(
                call=call.id, direction=events.Direction.INBOUND, line="trunk", number=call.number, queue=call.queue
            )
        )
        self.publish(
            events.CallAnswered(
                call=call.id, agent=agent, codec="PCMA", caller_rings=1, agent_rings=1, within_three_rings=True,
                wait_seconds=1, monotonic=self.clock.monotonic(), at=self.clock.wall(),
            )
        )  # fmt: skip
        self.floor.talks(agent, call.id)
        self.clock.now += seconds
        self.floor.wraps_up(agent)
        self.floor.wrapped_up(agent, call.id)
        if call in self.calls:
            self.calls.remove(call)


def test_who_waited_longest_goes_to_who_was_idle_longest() -> None:
    desk = Desk()
    desk.ready("agent1")
    desk.ready("agent2")
    for name in ("c1", "c2", "c3"):
        desk.waits(name)
    assert desk.match() == [("c1", "agent1"), ("c2", "agent2")]


def test_a_greater_priority_goes_first() -> None:
    desk = Desk()
    desk.ready("agent1")
    desk.waits("first")
    desk.waits("vip", priority=50)
    desk.waits("emergency", priority=100)
    assert desk.match() == [("emergency", "agent1")]


def test_a_callback_waits_beside_the_callers_with_the_place_it_kept() -> None:
    desk = Desk()
    desk.ready("agent1", "default", "callbacks")
    desk.waits("caller")
    desk.waits("callback", queue="default").queued_at = 1
    assert desk.match() == [("callback", "agent1")]


def test_agents_serve_all_their_queues_and_no_other() -> None:
    desk = Desk({"name": "a"}, {"name": "b"}, {"name": "c"})
    desk.ready("both", "a", "b")
    desk.waits("c1", queue="c")
    desk.waits("b1", queue="b")
    desk.waits("a1", queue="a")
    assert desk.match() == [("b1", "both")]
    desk.ready("other", "c", "a")
    assert desk.match() == [("c1", "other")]


def test_a_call_of_a_queue_that_is_gone_is_served_as_one_of_the_first_queue() -> None:
    desk = Desk({"name": "a"}, {"name": "b"})
    desk.ready("agent1", "a")
    desk.waits("c1", queue="gone")
    assert desk.match() == [("c1", "agent1")]


def test_round_robin_goes_on_from_whom_it_rang_at_last() -> None:
    desk = Desk({"name": "default", "strategy": "round_robin"})
    for user in ("agent1", "agent2", "agent3"):
        desk.ready(user)
    rung = []
    for n in range(6):
        call = desk.waits(f"c{n}")
        ((_, agent),) = desk.match()
        rung.append(agent)
        desk.answer(call, agent)
    assert rung == ["agent1", "agent2", "agent3"] * 2


def test_fewest_calls_goes_to_who_answered_least_today() -> None:
    desk = Desk({"name": "default", "strategy": "fewest_calls"})
    for user in ("agent1", "agent2"):
        desk.ready(user)
    for n in range(2):
        desk.answer(WaitingCall(f"past{n}"), "agent1")
    desk.answer(WaitingCall("past"), "agent2")
    desk.waits("c1")
    assert desk.match() == [("c1", "agent2")]


def test_calls_of_yesterday_do_not_count_any_more() -> None:
    desk = Desk({"name": "default", "strategy": "fewest_calls"})
    desk.ready("agent1")
    desk.answer(WaitingCall("past"), "agent1")
    assert desk.memory.calls_today("agent1") == 1
    desk.clock.now += 86_400
    desk.answer(WaitingCall("later"), "agent1")
    assert desk.memory.calls_today("agent1") == 1


def test_the_highest_level_of_the_skill_goes_first_and_who_lacks_it_last() -> None:
    desk = Desk({"name": "default", "strategy": "skills", "skill": "cantonese"})
    desk.ready("none")
    desk.ready("low", cantonese=3)
    desk.ready("high", cantonese=8)
    desk.ready("also_high", cantonese=8, mandarin=9)
    for n in range(4):
        desk.waits(f"c{n}")
    assert [agent for _, agent in desk.match()] == ["high", "also_high", "low", "none"]


def test_the_agent_who_knows_the_caller_is_asked_first_where_the_queue_says_so() -> None:
    desk = Desk({"name": "default", "last_agent_first": True}, {"name": "other"})
    desk.ready("agent1", "default", "other")
    desk.ready("agent2", "default", "other")
    desk.answer(WaitingCall("past", number="075512345678"), "agent2")
    desk.floor.not_ready("agent1", "meal")
    desk.floor.ready("agent1")
    desk.floor.not_ready("agent2", "meal")
    desk.clock.now += 1
    desk.floor.ready("agent2")
    known, unknown = WaitingCall("c1", number="075512345678"), WaitingCall("c2", number="02112345678")
    assert desk.match([WaitingCall("c3", queue="other", number="075512345678")]) == [("c3", "agent1")]
    desk.floor.stops_ringing("agent1", "")
    assert desk.match([unknown, known]) == [("c1", "agent2"), ("c2", "agent1")]


def test_the_agent_who_knows_the_caller_is_not_asked_for_a_queue_that_is_not_theirs() -> None:
    desk = Desk({"name": "default", "last_agent_first": True}, {"name": "other"})
    desk.ready("agent1", "default")
    desk.ready("agent2", "other")
    desk.answer(WaitingCall("past", queue="other", number="075512345678"), "agent2")
    desk.waits("c1", number="075512345678")
    desk.waits("c2", number="075512345678")
    assert desk.match() == [("c1", "agent1")]


def test_who_is_taken_away_between_two_pairs_gets_no_call() -> None:
    desk = Desk()
    desk.ready("agent1")
    desk.ready("agent2")
    calls = [desk.waits("c1"), desk.waits("c2")]
    pairs = matches(calls, desk.floor, desk.routing, desk.memory, desk.clock.monotonic())
    assert next(pairs) == (calls[0], "agent1")
    desk.floor.headset_lost("agent2", "closed")
    assert list(pairs) == []


def test_a_preferred_agent_is_asked_before_all_others() -> None:
    desk = Desk()
    desk.ready("agent1")
    desk.ready("agent2", "elsewhere")
    desk.waits("c1", preferred_agent="agent2")
    desk.waits("c2", preferred_agent="agent2")
    assert desk.match() == [("c1", "agent2"), ("c2", "agent1")]


def test_a_call_that_rang_too_long_goes_to_another_agent_and_not_back() -> None:
    desk = Desk()
    desk.ready("agent1")
    call = desk.waits("c1")
    assert desk.match() == [("c1", "agent1")]
    call.overdue = True
    assert desk.match() == []
    desk.ready("agent2")
    assert desk.match() == [("c1", "agent2")]


def test_who_refused_is_not_asked_again() -> None:
    desk = Desk()
    desk.ready("agent1")
    desk.waits("c1", refused={"agent1"})
    desk.waits("c2")
    assert desk.match() == [("c2", "agent1")]


def test_ring_all_rings_at_everybody_who_is_left_over() -> None:
    desk = Desk({"name": "default", "strategy": "ring_all"}, {"name": "other"})
    for user in ("agent1", "agent2", "agent3", "agent4"):
        desk.ready(user, "default", "other")
    desk.waits("all1")
    desk.waits("all2")
    desk.waits("one", queue="other")
    assert desk.match() == [("all1", "agent1"), ("all2", "agent2"), ("one", "agent3"), ("all1", "agent4")]
    desk.ready("agent5")
    assert desk.match() == [("all1", "agent5")]
    assert desk.match() == []


def test_an_agent_at_a_telephone_is_asked_without_a_headset() -> None:
    desk = Desk()
    desk.floor.sign_in("home", "home", ("default",))
    desk.floor.reach("home", desk.floor.agents["home"].device.PHONE, "13900000000")
    desk.floor.ready("home")
    desk.waits("c1")
    assert desk.match() == [("c1", "home")]


# ---- properties

_NAMES = ("a", "b", "c")
_QUEUES = st.tuples(*(
    st.fixed_dictionaries({
        "name": st.just(name),
        "strategy": st.sampled_from([str(strategy) for strategy in Strategy]),
        "skill": st.just("s"),
        "last_agent_first": st.booleans(),
    })
    for name in _NAMES
))  # fmt: skip
_AGENTS = st.lists(
    st.tuples(st.sets(st.sampled_from(_NAMES), min_size=1), st.integers(0, 9), st.booleans()), max_size=8
)
_CALLS = st.lists(
    st.tuples(
        st.sampled_from(_NAMES), st.integers(0, 3), st.integers(0, 5), st.sets(st.integers(0, 7)),
        st.integers(0, 9), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip


def _house(queues: Any, agents: Any, calls: Any) -> Desk:
    desk = Desk(*queues)
    for n, (member_of, level, ready) in enumerate(agents):
        desk.ready(f"agent{n}", *sorted(member_of), s=level)
        if not ready:
            desk.floor.not_ready(f"agent{n}", "meal")
    for n, (queue, priority, waited, refused, preferred, rings) in enumerate(calls):
        call = WaitingCall(
            f"c{n}", queue, f"1380000{n % 3}", priority, waited, f"agent{preferred}",
            refused={f"agent{number}" for number in refused},
        )  # fmt: skip
        free = [agent for agent in desk.floor if agent.may_take_call()]
        if rings and free:
            desk.floor.rings(free[0].user, call.id)
            call.ringing = [free[0].user]
        desk.calls.append(call)
    return desk


def _suits(desk: Desk, call: WaitingCall, user: str) -> bool:
    agent = desk.floor.agents[user]
    return (call.queue in agent.queues or user == call.preferred_agent) and call.may_offer_to(
        user, desk.clock.monotonic()
    )


@settings(deadline=None)
@given(_QUEUES, _AGENTS, _CALLS)
def test_nobody_gets_two_calls_and_nobody_waits_while_a_suitable_agent_is_free(
    queues: Any, agents: Any, calls: Any
) -> None:
    desk = _house(queues, agents, calls)
    free = [agent.user for agent in desk.floor if agent.may_take_call()]
    wanting = [call for call in desk.calls if call.wants_agent()]
    before = {call.id: list(call.ringing) for call in desk.calls}
    pairs = desk.match()
    taken = [agent for _, agent in pairs]
    assert len(set(taken)) == len(taken)
    assert set(taken) <= set(free)
    by_id = {call.id: call for call in desk.calls}
    for name, agent in pairs:
        call = by_id[name]
        assert agent not in before[name]
        assert agent not in call.refused
        assert call.queue in desk.floor.agents[agent].queues or agent == call.preferred_agent
    first = {}
    for name, agent in pairs:
        first.setdefault(name, agent)
    for call in wanting:
        if call.id not in first:
            assert not any(_suits(desk, call, agent.user) for agent in desk.floor if agent.may_take_call())
            # whoever got an agent that would have suited is to be served before
            for other in wanting:
                if other.id in first and _suits(desk, call, first[other.id]):
                    assert place(other) < place(call)
    # nothing is left to do
    assert desk.match() == []


@settings(deadline=None)
@given(_QUEUES, _AGENTS, _CALLS, st.randoms())
def test_the_order_in_which_calls_are_looked_at_changes_nothing(
    queues: Any, agents: Any, calls: Any, random: Random
) -> None:
    one, other = _house(queues, agents, calls), _house(queues, agents, calls)
    random.shuffle(other.calls)
    assert one.match() == other.match()


@settings(deadline=None)
@given(_QUEUES, st.integers(1, 4), st.lists(st.integers(0, 2), min_size=1, max_size=10))
def test_among_equals_nobody_starves(queues: Any, agents: int, arrivals: list[int]) -> None:
    desk = Desk(*queues)
    for n in range(agents):
        desk.ready(f"agent{n}", *_NAMES)
    served: list[str] = []
    waiting = [desk.waits("first", queue="a")]
    for n, queue in enumerate(arrivals):
        waiting.append(desk.waits(f"c{n}", queue=_NAMES[queue]))
    order = [call.id for call in waiting]
    for _ in range(len(order)):
        desk.match()
        ringing = [call for call in desk.calls if call.ringing]
        if not ringing:
            break
        call = min(ringing, key=place)
        served.append(call.id)
        for other in call.ringing[1:]:
            desk.floor.stops_ringing(other, "")
        desk.answer(call, call.ringing[0])
    assert served == order


@pytest.mark.parametrize("strategy", list(Strategy))
def test_two_hundred_callers_and_agents_are_matched_in_a_moment(strategy: Strategy) -> None:
    desk = Desk({"name": "default", "strategy": str(strategy), "skill": "s", "last_agent_first": True})
    for n in range(200):
        desk.ready(f"agent{n}", s=n % 9 + 1)
        desk.floor.not_ready(f"agent{n}", "meal")
    for n in range(200):
        desk.waits(f"c{n}", number=f"138{n:08}")
    best = 1.0
    for n in range(20):
        desk.floor.ready(f"agent{n}")
        started = time.perf_counter()
        found = list(matches(desk.calls, desk.floor, desk.routing, desk.memory, desk.clock.monotonic()))
        best = min(best, time.perf_counter() - started)
        assert [call.id for call, _ in found] == ["c0"]
        desk.floor.not_ready(f"agent{n}", "meal")
    # 1 ms is the aim, on an idle machine; a busy one gets some room
    assert best < 0.004


def test_routing_settings_are_looked_up_at_each_match() -> None:
    desk = Desk({"name": "default"})
    desk.ready("agent1", "default")
    desk.ready("agent2", "default", s=5)
    desk.waits("c1")
    changed: RoutingSettings = parse_routing({"queues": [{"name": "default", "strategy": "skills", "skill": "s"}]})
    desk.routing = changed
    assert desk.match() == [("c1", "agent2")]
