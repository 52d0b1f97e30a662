"""Fans events out to the open consoles, and keeps the last ones for those that come back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import structlog

from console.events.console import REPLACED, SIGNED_OUT, Console
from console.events.live_calls import LiveCalls
from console.events.visibility import Delivery, concerned_agents

log = structlog.get_logger("console.events")

#: events kept in memory for consoles that resume; older ones come from the database
RECENT = 5000
#: of a call; what they say is old when somebody comes in later
_FLEETING = frozenset({"call.caller_ring", "call.agent_ring", "call.digit", "media.quality"})
#: facts of one call that are kept for who comes in later
MOST_TOLD = 500


def carries_pop(event: dict[str, Any]) -> bool:
    """Does an agent learn by this event who is on the line? One who is asked or transferred to does, too."""
    kind = event["type"]
    if kind == "party.invited":
        return bool((event.get("target") or {}).get("kind") == "agent")
    return kind in ("call.offered", "call.started")


def rings(event: dict[str, Any]) -> bool:
    """Does somebody's console begin to ring by it?"""
    return event["type"] == "call.offered" or (event["type"] == "party.invited" and carries_pop(event))


class EventHub:
    """One console for each user: a newer one replaces the older."""

    def __init__(self, calls: LiveCalls, area_code: str) -> None:
        self.calls = calls
        self.cursor: dict[str, int] = {}
        self.recent: deque[Delivery] = deque(maxlen=RECENT)
        self.delivered = 0
        #: told of every event in order, before the consoles are
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        self._area_code = area_code
        self._consoles: dict[str, Console] = {}
        #: of users who see all calls
        self._overseeing: dict[str, Console] = {}

    @property
    def consoles(self) -> Iterable[Console]:
        return self._consoles.values()

    def console_of(self, username: str) -> Console | None:
        return self._consoles.get(username)

    def join(self, console: Console) -> None:
        """A console said hello. The user's older one is told and let go."""
        older = self._consoles.get(console.user.username)
        if older is not None:
            log.info("console replaced", user=console.user.username)
            older.close(REPLACED, '{"type":"replaced"}')
        self._consoles[console.user.username] = console
        if console.user.oversees:
            self._overseeing[console.user.username] = console
        else:
            self._overseeing.pop(console.user.username, None)

    def leave(self, console: Console) -> bool:
        """The console's socket is gone; False when another one has taken its place already."""
        if self._consoles.get(console.user.username) is not console:
            return False
        del self._consoles[console.user.username]
        self._overseeing.pop(console.user.username, None)
        return True

    def sign_out(self, token: str) -> None:
        """Let the console of an ended session go."""
        for console in list(self._consoles.values()):
            if console.token == token:
                console.close(SIGNED_OUT)

    def sign_out_user(self, username: str) -> None:
        if console := self._consoles.get(username):
            console.close(SIGNED_OUT)

    def publish(self, event: dict[str, Any]) -> None:
        """Hand one event to everybody it is for. Events of a node come in the order of their sequence; one that was
        seen before is passed over."""
        node, sequence = event.get("node", ""), event.get("sequence", 0)
        if sequence <= self.cursor.get(node, -1):
            return
        self.cursor[node] = sequence
        delivery = self.delivery_of(event)
        self.recent.append(delivery)
        if delivery.newcomers:
            self._tell_so_far(delivery)
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed", type=event.get("type"))
        for console in self._addressed(delivery):
            if console.deliver(delivery):
                self.delivered += 1

    def _addressed(self, delivery: Delivery) -> list[Console]:
        """The consoles that this may be for; each knows for sure."""
        if delivery.for_all:
            return list(self._consoles.values())
        found = dict(self._overseeing)
        for agent in delivery.agents:
            if console := self._consoles.get(agent):
                found[agent] = console
        return list(found.values())

    def tell_all(self, frame: dict[str, Any]) -> None:
        """Something of this process's own, outside the event stream."""
        text = msgspec.json.encode(frame).decode()
        for console in list(self._consoles.values()):
            if console.held is None and not console.close_code:
                console.put(text)

    def _tell_so_far(self, delivery: Delivery) -> None:
        """Somebody is brought into a call that others have talked in: its story first, then what concerns them."""
        seen = self.calls.find(delivery.event["call"])
        for username in delivery.newcomers:
            console = self._consoles.get(username)
            if seen is None or console is None or console.held is not None or console.user.oversees:
                continue
            for past in seen.told:
                if past is not delivery:
                    console.put(past.text_again())

    def delivery_of(self, event: dict[str, Any]) -> Delivery:
        if "call" not in event or event["type"] == "agent.state":
            return Delivery(event, concerned_agents(event), None, self._area_code)
        seen = self.calls.find(event["call"])
        before = frozenset(seen.agents) if seen is not None and seen.answered else None
        agents = self.calls.agents_of(event)
        if event["type"] == "party.joined":
            event = self.named(event)
        pop = None
        if carries_pop(event) and seen is not None and seen.pop is not None and seen.pop.done():
            pop = seen.pop.result()
        newcomers = seen.agents - before if seen is not None and before is not None else frozenset[str]()
        delivery = Delivery(event, agents, pop, self._area_code, frozenset(newcomers))
        if seen is not None and event["type"] not in _FLEETING and len(seen.told) < MOST_TOLD:
            seen.told.append(delivery)
        return delivery

    def named(self, party: dict[str, Any]) -> dict[str, Any]:
        """A party with the name of its agent, who has a console here: the phone knows some by their user name only."""
        console = self._consoles.get(party.get("agent", ""))
        return {**party, "name": console.user.display_name} if console and not party.get("name") else party

    def missed(self, after: dict[str, int]) -> list[Delivery] | None:
        """What came after the cursor ``after``, from memory; None when memory does not reach back so far."""
        nodes = [node for node in after if node in self.cursor]
        if all(after[node] >= self.cursor[node] for node in nodes):
            return []
        for node in nodes:
            oldest = next((one.event["sequence"] for one in self.recent if one.event.get("node") == node), None)
            if after[node] < self.cursor[node] and (oldest is None or oldest > after[node] + 1):
                return None
        return [
            one
            for one in self.recent
            if one.event.get("node") in after and one.event["sequence"] > after[one.event["node"]]
        ]
