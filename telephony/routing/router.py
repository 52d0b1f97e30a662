"""Which waiting call goes to which free agent: by priority, then by who waited longer, by its queue's strategy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Protocol, TypeVar

from telephony.floor.agent import Agent
from telephony.floor.floor import Floor
from telephony.routing.memory import RoutingMemory
from telephony.routing.settings import Queue, RoutingSettings, Strategy


class Waiting(Protocol):
    """What is read of a call. ``queued_at``: monotonic ns since when it waits; kept from queue to queue."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def queued_at(self) -> int: ...
    @property
    def preferred_agent(self) -> str: ...
    def wants_agent(self) -> bool:
        """It waits, and rings at nobody or at those for too long."""

    def may_offer_to(self, agent: str, now: int) -> bool:
        """Not where it rings already, nor where it was refused just now."""

    def rings(self) -> int:
        """At how many agents it rings, while it waits."""


Call = TypeVar("Call", bound=Waiting)


def place(call: Waiting) -> tuple[int, int, str]:
    """Sorts calls into the order in which they are served."""
    return -call.priority, call.queued_at, call.id


def matches(
    calls: Iterable[Call], floor: Floor, routing: RoutingSettings, memory: RoutingMemory, now: int
) -> Iterator[tuple[Call, str]]:
    """Pairs of a call that wants an agent and an agent who is free; each agent at most once.

    Every call gets one agent as long as suitable ones are free; those left over ring too for the calls of queues
    that ring at all. The caller acts on a pair before asking for the next.
    """
    free = _Free(floor, routing, memory)
    if not free:
        return
    everyone = [call for call in calls if call.wants_agent() or call.rings()]
    everyone.sort(key=place)
    for call in everyone:
        if call.wants_agent():
            agent = free.first(call, now)
            if agent is not None:
                yield call, agent.user
                if not free:
                    return
    for call in everyone:
        queue = routing.queue(call.queue)
        if queue.strategy is Strategy.RING_ALL and call.rings():
            for agent in free.others(queue):
                if free.suits(agent, call, now):
                    free.take(agent)
                    yield call, agent.user


def next_free(queue: str, but: Set[str], floor: Floor, routing: RoutingSettings, memory: RoutingMemory) -> str:
    """Who would get the next call of ``queue``, but for those named; empty: nobody is free."""
    free = _Free(floor, routing, memory)
    return next((agent.user for agent in free.others(routing.queue(queue)) if agent.user not in but), "")


class _Free:
    """The agents who may take a call now. Each queue's order is made once; who is taken falls out of all of them."""

    def __init__(self, floor: Floor, routing: RoutingSettings, memory: RoutingMemory) -> None:
        self._routing = routing
        self._memory = memory
        self._agents = {agent.user: agent for agent in floor if agent.may_take_call()}
        self._orders: dict[str, list[Agent]] = {}

    def __bool__(self) -> bool:
        return bool(self._agents)

    def first(self, call: Waiting, now: int) -> Agent | None:
        """Take the agent whom this call goes to."""
        queue = self._routing.queue(call.queue)
        for agent in self._candidates(call, queue):
            if self.suits(agent, call, now):
                self.take(agent)
                return agent
        return None

    def suits(self, agent: Agent, call: Waiting, now: int) -> bool:
        """Still free after what the pairs before led to, and not where the call may not go."""
        return agent.may_take_call() and call.may_offer_to(agent.user, now)

    def take(self, agent: Agent) -> None:
        del self._agents[agent.user]

    def others(self, queue: Queue) -> list[Agent]:
        """Who is left of a queue's agents, in its order."""
        order = self._orders.get(queue.name)
        if order is None:
            order = [agent for agent in self._agents.values() if queue.name in agent.queues]
            order.sort(key=lambda agent: self._rank(agent, queue))
        else:
            order = [agent for agent in order if agent.user in self._agents]
        self._orders[queue.name] = order
        return order

    def _candidates(self, call: Waiting, queue: Queue) -> Iterator[Agent]:
        preferred = self._agents.get(call.preferred_agent)
        if preferred is not None:
            yield preferred
        if queue.last_agent_first and call.number:
            last = self._agents.get(self._memory.last_agent(call.number))
            if last is not None and queue.name in last.queues:
                yield last
        yield from self.others(queue)

    def _rank(self, agent: Agent, queue: Queue) -> tuple[int, int, str]:
        match queue.strategy:
            case Strategy.ROUND_ROBIN:
                first = self._memory.last_offered(queue.name, agent.user)
            case Strategy.FEWEST_CALLS:
                first = self._memory.calls_today(agent.user)
            case Strategy.SKILLS:
                first = -agent.skills.get(queue.skill, 0)
            case _:
                first = 0
        return first, agent.idle_since, agent.user
