"""What the web process remembers of calls under way: whose they are, and their pop."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from console.events.pop import Pop, PopLookup

#: ended calls that are remembered, for consoles that resume
_ENDED_KEPT = 500


@dataclass(slots=True)
class LiveCall:
    """``agents`` see the call now: the one it rings at, who talks, who dialled."""

    call: str
    direction: str
    number: str
    patient_id: str = ""
    agents: set[str] = field(default_factory=set)
    answered: bool = False
    pop: asyncio.Future[Pop] | None = None


def move(agents: set[str], event: dict[str, Any]) -> frozenset[str]:
    """The agents that an event of a call concerns; ``agents``, whose call it is, follows it."""
    agent = event.get("agent", "")
    kind = event["type"]
    if agent and kind in ("call.started", "call.offered", "call.answered"):
        agents.clear()
        agents.add(agent)
    concerned = frozenset(agents | {agent}) if agent else frozenset(agents)
    if kind == "call.offer_ended" and event.get("outcome") not in ("answered", "caller_gone"):
        # when the caller gave up, the agent it rang at still hears how the call ended
        agents.discard(agent)
    return concerned


class LiveCalls:
    def __init__(self, lookup: PopLookup) -> None:
        self._lookup = lookup
        self.live: dict[str, LiveCall] = {}
        self._ended: OrderedDict[str, LiveCall] = OrderedDict()

    def find(self, call: str) -> LiveCall | None:
        return self.live.get(call) or self._ended.get(call)

    def begin(self, event: dict[str, Any]) -> None:
        """A call was heard of for the first time: begin to look its number up."""
        call = event["call"]
        if call in self.live or call in self._ended:
            return
        seen = LiveCall(
            call, str(event.get("direction", "")), str(event.get("number", "")), str(event.get("patient_id", ""))
        )
        if agent := event.get("agent"):
            seen.agents.add(agent)
        seen.pop = self._lookup.look_up(seen.number, seen.patient_id)
        self.live[call] = seen

    def agents_of(self, event: dict[str, Any]) -> frozenset[str]:
        """The agents that a call's event concerns; moves the call on by it."""
        call = event["call"]
        seen = self.find(call)
        if seen is None:
            # its beginning was never seen (an old event out of the journal)
            return frozenset(agent for agent in [event.get("agent")] if agent)
        concerned = move(seen.agents, event)
        kind = event["type"]
        if kind == "call.answered":
            seen.answered = True
        elif kind == "call.ended":
            self._end(seen)
        return concerned

    def forget_all_but(self, calls: set[str]) -> None:
        """The phone has only these calls now; the others ended, and what is still told of them finds its agents."""
        for call in set(self.live) - calls:
            self._end(self.live[call])

    def _end(self, seen: LiveCall) -> None:
        self.live.pop(seen.call, None)
        self._ended[seen.call] = seen
        while len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)
