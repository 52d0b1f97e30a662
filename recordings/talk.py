"""What the call log says of a call's audio: when it was held, and who had somebody to speak to, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recordings.capture_format import LAST_LEG

#: from and to, Unix seconds
Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Party:
    """Who is on a track: the role they came in with (``telephony.events.Role``) and the agent's user name, if any."""

    role: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class TalkWindow:
    """Unix seconds. ``heard`` tells for each party when somebody was to hear them (``call.audio``); ``None`` where the
    log does not say, and everybody counts as heard from beginning to end."""

    answered_at: float | None = None
    ended_at: float | None = None
    holds: tuple[Stretch, ...] = ()
    heard: Mapping[int, Sequence[Stretch]] | None = None
    parties: Mapping[int, Party] = field(default_factory=dict)

    @property
    def speakers(self) -> set[int]:
        """Parties whom somebody was to hear."""
        return set(self.heard or ())


def talk_window(answered_at: float | None, ended_at: float | None, events: Sequence[Mapping[str, Any]]) -> TalkWindow:
    """Read a call's events, in the order of their sequence numbers.

    Times are on the clock that the recording began with: a wall clock that is set in mid-call moves nothing.
    """
    steady = _steady(events)
    holds: list[Stretch] = []
    held_since: float | None = None
    heard: dict[int, list[Stretch]] = {}
    heard_since: dict[int, float] = {}
    parties: dict[int, Party] = {}
    routed = False
    at = 0.0
    for event in events:
        kind, at = event["type"], steady(event)
        if kind == "call.answered":
            answered_at = at
        elif kind == "call.ended":
            ended_at = at
        if kind == "call.held":
            held_since = at if held_since is None else held_since
        elif kind in ("call.resumed", "call.ended") and held_since is not None:
            holds.append((held_since, at))
            held_since = None
        if kind == "party.joined":
            parties.setdefault(event["party"], Party(str(event["role"]), str(event.get("agent", ""))))
        elif kind in ("call.audio", "call.ended"):
            routed = routed or kind == "call.audio"
            speaking = _speaking(event.get("hears", {}))
            for party in [one for one in heard_since if one not in speaking]:
                heard.setdefault(party, []).append((heard_since.pop(party), at))
            for party in speaking:
                heard_since.setdefault(party, at)
    for party, since in heard_since.items():
        heard.setdefault(party, []).append((since, max(at, ended_at or at)))
    return TalkWindow(answered_at, ended_at, tuple(holds), heard if routed else None, parties)


def _steady(events: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], float]:
    """An event's time on the wall clock as it stood when the recording began, told by the monotonic one if possible."""
    anchor = next((event for event in events if event["type"] == "recording.started"), None)

    def at(event: Mapping[str, Any]) -> float:
        if anchor is None or not event.get("monotonic") or not anchor.get("monotonic"):
            return float(event["at"])
        if event.get("node") != anchor.get("node"):
            return float(event["at"])
        return float(anchor["at"]) + float(event["monotonic"] - anchor["monotonic"]) / 1e9

    return at


def _speaking(hears: Mapping[str, Iterable[int]]) -> set[int]:
    return {party for heard in hears.values() for party in heard if 0 <= party <= LAST_LEG}
