"""What one event says to whom: agents hear of their own calls and state, those who oversee hear of all. Numbers are
masked for everybody: the whole one is told to those who ask for it with a reason, and written down."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from console.events.pop import Pop
from console.identity.user import User
from storage.phone_numbers import normalise

_encode = msgspec.json.Encoder().encode
#: events of the house that everybody may know
_FOR_ALL = frozenset({"line.state", "node.started"})

#: how ``telephony.routing.steps.in_words`` says that a call was forwarded to a number
_FORWARDED = "number:"

#: seven digits and more, however they are set apart
_NUMBER_IN_NAME = re.compile(r"\+?\d(?:[\s().-]*\d){6,}")


class Delivery:
    """One event on its way to the consoles; encoded once. ``newcomers`` hear of this call for the first time, though
    others have talked in it."""

    __slots__ = ("_area_code", "_text", "agents", "event", "newcomers", "pop")

    def __init__(
        self,
        event: dict[str, Any],
        agents: frozenset[str],
        pop: Pop | None,
        area_code: str,
        newcomers: frozenset[str] = frozenset(),
    ) -> None:
        self.newcomers = newcomers
        self.event = event
        self.agents = agents
        self.pop = pop
        self._area_code = area_code
        self._text: str | None = None

    @property
    def for_all(self) -> bool:
        return self.event["type"] in _FOR_ALL

    def text_for(self, user: User, resent: bool = False) -> str | None:
        """The frame for this user, None when it is not for them."""
        if not user.oversees and user.username not in self.agents and not self.for_all:
            return None
        if resent:
            return self._encoded(resent=True)
        if self._text is None:
            self._text = self._encoded()
        return self._text

    def text_again(self) -> str:
        """The frame, marked as one that is told once more."""
        return self._encoded(resent=True)

    def _encoded(self, resent: bool = False) -> str:
        event = masked_numbers(self.event, self._area_code)
        if self.pop is not None:
            event = {**event, "pop": self.pop.with_masked_number()}
        if resent:
            event = {**event, "resent": True}
        return _encode(event).decode()


def masked_numbers(record: dict[str, Any], area_code: str) -> dict[str, Any]:
    """A call's event or map with outside numbers masked: the caller's, those of its parties and of a transfer's target,
    ``dialled`` too where we dialled it, and the number that a call was forwarded to."""
    changed: dict[str, Any] = {}
    number = record.get("number")
    if number:
        outside = normalise(number, home_area_code=area_code)
        changed["number"] = outside.masked
        dialled = record.get("dialled", "")
        # an offer of a call that we dialled does not say its direction
        same = dialled == number or (outside.e164 and normalise(dialled, home_area_code=area_code).e164 == outside.e164)
        if dialled and (same or record.get("direction") == "outbound"):
            changed["dialled"] = outside.masked
        for name in ("display_name", "name"):
            if record.get(name):
                changed[name] = masked_name(str(record[name]), changed["number"])
    if record.get("target"):
        changed["target"] = masked_numbers(record["target"], area_code)
    if str(record.get("to", "")).startswith(_FORWARDED):
        changed["to"] = masked_way(record["to"], area_code)
    if record.get("parties"):
        changed["parties"] = [masked_numbers(party, area_code) for party in record["parties"]]
    return {**record, **changed} if changed else record


def masked_way(to: str, area_code: str = "") -> str:
    """Where a call went from its queue (``call.dequeued``), a number of somebody outside masked."""
    if not to.startswith(_FORWARDED):
        return to
    return _FORWARDED + normalise(to.removeprefix(_FORWARDED), home_area_code=area_code).masked


def masked_name(name: str, masked: str) -> str:
    """A display name (RFC 3261 §20.20) that is the number again, or holds it, must not undo the mask."""
    if name.strip("+ ").isdigit():
        return masked
    return _NUMBER_IN_NAME.sub(masked, name)


def concerned_agents(event: dict[str, Any]) -> frozenset[str]:
    """The agents of an event that belongs to no call."""
    agent = event.get("agent")
    return frozenset((agent,)) if agent else frozenset()
