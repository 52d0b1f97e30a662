"""What one event says to whom: agents hear of their own calls and state, those who oversee hear of all, masked."""

from __future__ import annotations

from typing import Any

import msgspec

from console.events.pop import Pop
from console.identity.user import User
from storage.phone_numbers import normalise

_encode = msgspec.json.Encoder().encode
#: events of the house that everybody may know
_FOR_ALL = frozenset({"line.state", "node.started"})


class Delivery:
    """One event on its way to the consoles; encoded once for agents and once for those who oversee."""

    __slots__ = ("_area_code", "_masked", "_whole", "agents", "event", "pop")

    def __init__(self, event: dict[str, Any], agents: frozenset[str], pop: Pop | None, area_code: str) -> None:
        self.event = event
        self.agents = agents
        self.pop = pop
        self._area_code = area_code
        self._whole: str | None = None
        self._masked: str | None = None

    def text_for(self, user: User, resent: bool = False) -> str | None:
        """The frame for this user, None when it is not for them."""
        if user.oversees:
            if resent:
                return self._encoded(masked=True, resent=True)
            if self._masked is None:
                self._masked = self._encoded(masked=True)
            return self._masked
        if user.username not in self.agents and self.event["type"] not in _FOR_ALL:
            return None
        if resent:
            return self._encoded(masked=False, resent=True)
        if self._whole is None:
            self._whole = self._encoded(masked=False)
        return self._whole

    def _encoded(self, masked: bool, resent: bool = False) -> str:
        event = self.event
        pop = self.pop
        if masked:
            event = masked_numbers(event, self._area_code)
            pop = pop.with_masked_number() if pop else None
        if pop is not None:
            event = {**event, "pop": pop}
        if resent:
            event = {**event, "resent": True}
        return _encode(event).decode()


def masked_numbers(record: dict[str, Any], area_code: str) -> dict[str, Any]:
    """A call's event or map with the outside party's number masked; ``dialled`` too where we dialled."""
    changed: dict[str, Any] = {}
    number = record.get("number")
    if number:
        changed["number"] = normalise(number, home_area_code=area_code).masked
        if record.get("dialled") and record.get("direction") == "outbound":
            changed["dialled"] = changed["number"]
        if str(record.get("display_name", "")).strip("+ ").isdigit():
            changed["display_name"] = changed["number"]
    return {**record, **changed} if changed else record


def concerned_agents(event: dict[str, Any]) -> frozenset[str]:
    """The agents of an event that belongs to no call."""
    agent = event.get("agent")
    return frozenset((agent,)) if agent else frozenset()
