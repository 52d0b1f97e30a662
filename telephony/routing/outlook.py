"""How things stand in a queue, for the callers who wait in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from telephony.floor.floor import Floor
from telephony.routing.memory import RoutingMemory
from telephony.routing.router import Waiting, place


class QueueOutlook:
    """``calls`` gives all live calls, waiting or not."""

    def __init__(self, calls: Callable[[], Iterable[Waiting]], floor: Floor, memory: RoutingMemory) -> None:
        self._calls = calls
        self._floor = floor
        self._memory = memory

    def waiting(self, queue: str) -> int:
        """Calls that nobody has answered yet, those that ring included."""
        return sum(1 for call in self._calls() if call.queue == queue and _waits(call))

    def position(self, call: str) -> int:
        """The call's place in its queue, 1-based; 0 when it does not wait."""
        waiting = [other for other in self._calls() if _waits(other)]
        mine = next((other for other in waiting if other.id == call), None)
        if mine is None:
            return 0
        return 1 + sum(1 for other in waiting if other.queue == mine.queue and place(other) < place(mine))

    def signed_in(self, queue: str) -> int:
        return sum(1 for agent in self._floor if agent.signed_in and queue in agent.queues)

    def expected_wait(self, queue: str, position: int) -> float | None:
        """Seconds until the agents on duty have handled those ahead, going by recent calls; None without any."""
        handling = self._memory.handling_seconds(queue)
        agents = sum(1 for agent in self._floor if agent.on_duty and queue in agent.queues)
        return None if handling is None or not agents else position * handling / agents


def _waits(call: Waiting) -> bool:
    return call.wants_agent() or call.rings() > 0
