"""The limits that calls and agents are measured and moved by. Values are data: versioned, set over the seam (D128)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from telephony.clock import SECOND


class RuleError(ValueError):
    """A rule's value cannot be used; the message names the rule."""


@dataclass(frozen=True, slots=True)
class Rules:
    #: rings within which a call should be answered (D3)
    three_rings: int = 3
    three_rings_version: int = 1
    #: seconds from the start of one ring to the start of the next (China: 1 s on, 4 s off)
    ring_cadence: float = 5.0
    #: rings at one agent before the offer moves on to another free one
    agent_ring_limit: int = 3
    #: rings at one agent, nobody else being free, before the agent is taken out of the rotation
    agent_ring_last: int = 12
    #: seconds that a caller may wait for an answer before we end the call: one who is long gone must not pop up
    wait_limit: float = 1800.0
    #: rings of an outbound call before we give up
    dial_ring_limit: int = 12
    #: rings at a transfer's or consultation's target before it counts as unanswered
    transfer_ring_limit: int = 6
    #: how often a call-back is tried before it becomes a ticket; seconds after the first try, and after later ones
    callback_attempts: int = 3
    callback_retry_first: float = 300.0
    callback_retry_next: float = 900.0
    #: seconds without a packet from somebody who should be heard, before that is said
    one_way_after: float = 5.0
    #: seconds of hold before the console says so
    hold_hint: float = 60.0
    #: seconds of talk before the console says so (D7)
    duration_hint: float = 300.0
    #: seconds that a private call may last (D8)
    private_call_limit: float = 180.0
    #: seconds of wrap-up before the agent is ready again
    wrap_up_limit: float = 120.0
    #: seconds that an agent whose headset came back is put back where they were
    headset_grace: float = 15.0
    #: seconds that an answered caller is left without anybody when the agent's headset does not come back
    headset_lost_limit: float = 60.0

    @property
    def cadence_ns(self) -> int:
        return int(self.ring_cadence * SECOND)

    def updated(self, values: Mapping[str, Mapping[str, object]]) -> Rules:
        """Apply ``{name: {value, version}}``; unknown names belong to other rooms and are passed over.

        Raises RuleError for a value that is no positive number (wrap-up and grace may be 0).
        """
        changes: dict[str, float | int] = {}
        for name, given in values.items():
            if name not in _SETTABLE:
                continue
            value = given.get("value")
            if isinstance(value, str):
                try:
                    value = float(value)
                except ValueError:
                    value = None
            lowest = 0.0 if name in _MAY_BE_NONE else 1e-6
            if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value < 86_400:
                raise RuleError(f"rule {name}: {given.get('value')!r} is not a positive number")
            changes[name] = float(value) if _SETTABLE[name] is float else int(value)
            version = given.get("version")
            if name == "three_rings" and isinstance(version, int):
                changes["three_rings_version"] = version
        return replace(self, **changes)  # type: ignore[arg-type]


_SETTABLE: dict[str, type] = {
    "three_rings": int,
    "ring_cadence": float,
    "agent_ring_limit": int,
    "agent_ring_last": int,
    "dial_ring_limit": int,
    "transfer_ring_limit": int,
    "callback_attempts": int,
    "callback_retry_first": float,
    "callback_retry_next": float,
    "one_way_after": float,
    "hold_hint": float,
    "duration_hint": float,
    "private_call_limit": float,
    "wait_limit": float,
    "wrap_up_limit": float,
    "headset_grace": float,
    "headset_lost_limit": float,
}
_MAY_BE_NONE = frozenset({"wrap_up_limit", "headset_grace"})
