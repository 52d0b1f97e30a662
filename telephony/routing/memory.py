"""What routing remembers of calls past: read off the event stream, bounded, gone with the process."""

from __future__ import annotations

import datetime
import zoneinfo
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NamedTuple

from telephony import events
from telephony.clock import SECOND
from telephony.events import AgentStatus
from telephony.routing.settings import RoutingSettings

#: numbers whose last agent is known; the one not heard of for longest goes first
NUMBERS = 10_000
#: handling times kept for each queue
_RECENT = 30
_BUSY = (AgentStatus.RINGING, AgentStatus.TALKING, AgentStatus.WRAP_UP)


class _Known(NamedTuple):
    number: str
    queue: str


class RoutingMemory:
    """Give ``observe`` each event as published (with its times)."""

    def __init__(self, routing: Callable[[], RoutingSettings]) -> None:
        self._routing = routing
        self._calls: dict[str, _Known] = {}
        self._last_agents: OrderedDict[str, str] = OrderedDict()
        #: counts offers; by queue and agent, the last one's count
        self._offers = 0
        self._offered: dict[tuple[str, str], int] = {}
        self._answered: dict[str, int] = {}
        self._day_ends = 0.0
        #: since when (monotonic ns) an agent is busy with a call of which queue
        self._busy: dict[str, tuple[str, int]] = {}
        self._handled: dict[str, deque[float]] = {}

    def observe(self, event: events.Event) -> None:
        if event.at >= self._day_ends:
            self._new_day(event.at)
        match event:
            case events.CallStarted(call=call, number=number, queue=queue):
                self._calls[call] = _Known(number, queue)
            case events.CallQueued(call=call, queue=queue) if call in self._calls:
                self._calls[call] = self._calls[call]._replace(queue=queue)
            case events.CallOffered(queue=queue, agent=agent):
                self._offers += 1
                self._offered[queue, agent] = self._offers
            case events.CallAnswered(call=call, agent=agent):
                self._answers(call, agent, event.monotonic)
            case events.CallEnded(call=call):
                self._calls.pop(call, None)
            case events.AgentState(agent=agent, status=status) if status not in _BUSY and agent in self._busy:
                queue, since = self._busy.pop(agent)
                self._handled.setdefault(queue, deque(maxlen=_RECENT)).append((event.monotonic - since) / SECOND)

    def last_agent(self, number: str) -> str:
        """Who spoke with this number last, or nobody."""
        return self._last_agents.get(number, "")

    def last_offered(self, queue: str, agent: str) -> int:
        """Greater: later; 0: never."""
        return self._offered.get((queue, agent), 0)

    def calls_today(self, agent: str) -> int:
        """Calls answered since midnight in the routing document's timezone."""
        return self._answered.get(agent, 0)

    def handling_seconds(self, queue: str) -> float | None:
        """How long an agent is busy with a call of this queue, wrap-up included, on the average of the recent ones."""
        recent = self._handled.get(queue)
        return sum(recent) / len(recent) if recent else None

    def _answers(self, call: str, agent: str, now: int) -> None:
        known = self._calls.get(call)
        if known is None:
            return
        self._answered[agent] = self._answered.get(agent, 0) + 1
        if known.queue:
            self._busy[agent] = (known.queue, now)
        if known.number:
            self._last_agents[known.number] = agent
            self._last_agents.move_to_end(known.number)
            if len(self._last_agents) > NUMBERS:
                self._last_agents.popitem(last=False)

    def _new_day(self, at: float) -> None:
        zone = zoneinfo.ZoneInfo(self._routing().timezone)
        tomorrow = datetime.datetime.fromtimestamp(at, zone).date() + datetime.timedelta(days=1)
        self._day_ends = datetime.datetime.combine(tomorrow, datetime.time(), zone).timestamp()
        self._answered.clear()
