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
class Owners:
    """Whose a call is now: agents at whom it rings, and those who are party to it (docs/call-control.md).

    ``ever`` is everybody it has been with, for what they may still say of it.
    """

    ringing: set[str] = field(default_factory=set)
    parties: dict[int, str] = field(default_factory=dict)
    #: who answered or dialled, for a phone that tells of no parties
    agent: str = ""
    ever: set[str] = field(default_factory=set)

    def begin(self, call: dict[str, Any]) -> None:
        """By the call's first event, or by what a snapshot has of it."""
        self.agent = call.get("agent", "")
        if call.get("phase") == "ringing" and self.agent:
            self.ringing, self.agent = {self.agent}, ""
        for party in call.get("parties", ()):
            if party.get("agent"):
                self.parties[party["party"]] = party["agent"]
        self.ever |= self.agents

    @property
    def agents(self) -> set[str]:
        return self.ringing | set(self.parties.values()) | ({self.agent} if self.agent else set())

    def move(self, event: dict[str, Any]) -> frozenset[str]:
        """The agents that an event of the call concerns; whose call it is follows it."""
        kind = event["type"]
        agent = event.get("agent", "")
        before = self.agents
        named = {agent} if agent else set()
        if kind in ("call.transferred", "call.transfer_failed"):
            # who sent the call on is told what came of it
            named.add(event.get("by", ""))
        if kind == "call.started":
            self.agent = agent
        elif kind == "call.offered":
            self.ringing.add(agent)
        elif kind == "call.answered":
            self.ringing.clear()
            self.agent = agent
        elif kind == "party.invited":
            target = event.get("target") or {}
            if target.get("kind") == "agent":
                self.parties[event["party"]] = target["agent"]
        elif kind == "party.joined" and agent:
            self.parties[event["party"]] = agent
            self.ringing.discard(agent)
        concerned = frozenset((before | named | self.agents) - {""})
        self.ever |= self.agents
        if kind == "call.offer_ended" and event.get("outcome") not in ("answered", "caller_gone"):
            # when the caller gave up, the agent it rang at still hears how the call ended
            self.ringing.discard(agent)
        elif kind == "party.left":
            gone = self.parties.pop(event["party"], "")
            if gone and gone not in self.parties.values():
                self.ringing.discard(gone)
                if self.agent == gone:
                    self.agent = ""
        return concerned


@dataclass(slots=True)
class LiveCall:
    call: str
    direction: str
    number: str
    patient_id: str = ""
    owners: Owners = field(default_factory=Owners)
    #: by an agent, or by a menu: it has a story
    answered: bool = False
    #: what was told of it so far, for an agent who is brought in later
    told: list[Any] = field(default_factory=list)
    pop: asyncio.Future[Pop] | None = None

    @property
    def agents(self) -> set[str]:
        """Who sees the call now: those it rings at and those in it."""
        return self.owners.agents


class LiveCalls:
    def __init__(self, lookup: PopLookup) -> None:
        self._lookup = lookup
        self.live: dict[str, LiveCall] = {}
        self._ended: OrderedDict[str, LiveCall] = OrderedDict()

    def find(self, call: str) -> LiveCall | None:
        return self.live.get(call) or self._ended.get(call)

    def expect(self, call: str, number: str, patient_id: str) -> None:
        """A call begins at the phone and is to be heard of when that is written down: look its number up meanwhile."""
        if self.find(call) is None:
            self._lookup.expect(call, number, patient_id)

    def begin(self, event: dict[str, Any]) -> None:
        """A call was heard of for the first time: begin to look its number up."""
        call = event["call"]
        if call in self.live or call in self._ended:
            return
        seen = LiveCall(
            call, str(event.get("direction", "")), str(event.get("number", "")), str(event.get("patient_id", ""))
        )
        seen.owners.begin(event)
        seen.pop = self._lookup.look_up(call, seen.number, seen.patient_id)
        self.live[call] = seen

    def agents_of(self, event: dict[str, Any]) -> frozenset[str]:
        """The agents that a call's event concerns; moves the call on by it."""
        call = event["call"]
        seen = self.find(call)
        if seen is None:
            # its beginning was never seen (an old event out of the journal)
            return frozenset(agent for agent in [event.get("agent")] if agent)
        concerned = seen.owners.move(event)
        kind = event["type"]
        if kind in ("call.answered", "call.picked_up"):
            seen.answered = True
        elif kind == "call.ended":
            self._end(seen)
        return concerned

    def took_part(self, call: str, agent: str) -> bool:
        """Is, or was, the call with this agent, as far as is remembered here?"""
        seen = self.find(call)
        return seen is not None and agent in seen.owners.ever

    def forget_all_but(self, calls: set[str]) -> None:
        """The phone has only these calls now; the others ended, and what is still told of them finds its agents."""
        for call in set(self.live) - calls:
            self._end(self.live[call])

    def _end(self, seen: LiveCall) -> None:
        self.live.pop(seen.call, None)
        self._ended[seen.call] = seen
        while len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)
