"""One row of the call log with what hangs on it: offers, parties, transfers. Plain records; ``call_projection`` moves
them on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: roles whose holders spoke with the caller, or for them (``telephony.events.Role``)
HANDLING = frozenset({"agent", "consulted", "member"})
#: roles whose holders everybody in the call hears
TALKING = frozenset({"caller", "agent", "member", "barger"})
#: what came of a call that is to be called back; who left a message or asked for a call-back waits elsewhere
MISSED = frozenset({"abandoned", "busy", "rejected", "no_answer", "unavailable", "failed"})
#: roles of supervisors
MONITORING = frozenset({"listener", "whisperer", "barger"})


@dataclass(frozen=True, slots=True)
class Offer:
    """One ringing at one agent. ``outcome`` is empty while it rings, else as in ``OfferOutcome``."""

    offer: int
    agent: str
    offered_at: float
    ended_at: float | None = None
    outcome: str = ""
    rings: int = 0


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in the call, by the number that is also the track of the recording (docs/call-control.md).

    ``roles`` are all that the party had, the first first, ``role`` the last. ``joined_at`` is None for one who never
    came; ``since`` is set while in the call; ``seconds`` is the time in it, all stays together.
    """

    party: int
    role: str
    roles: tuple[str, ...] = ()
    agent: str = ""
    number: str = ""
    e164: str = ""
    masked: str = ""
    name: str = ""
    entry: str = ""
    invited_by: str = ""
    invited_at: float | None = None
    joined_at: float | None = None
    since: float | None = None
    left_at: float | None = None
    left_by: str = ""
    seconds: float = 0.0
    sip_status: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Somebody passed the call on. ``outcome`` is ``ok`` or ``failed``; ``kind`` as in ``TransferKind``;
    ``target_kind``, ``agent``, ``queue``, ``number``, ``name``, ``entry`` say where to."""

    transfer: int
    kind: str
    by: str
    at: float
    target_kind: str
    agent: str = ""
    queue: str = ""
    number: str = ""
    e164: str = ""
    masked: str = ""
    name: str = ""
    entry: str = ""
    outcome: str = "ok"
    party: int | None = None
    sip_status: int | None = None
    reason: str = ""
    returned_to: str = ""


@dataclass(frozen=True)
class Call:
    """One row of ``calls``. Times are Unix seconds, durations seconds.

    ``queue_path``: maps of ``queue, entered_at, left_at, why, to, waited_seconds``; ``menu_path``: of ``menu, at,
    digit, label, outcome, tries``; ``marks``: of ``mark, by, detail, at``. ``menu_branches`` are the labels chosen,
    each between slashes. ``announced``: why announcements were played. ``callback_of``: the call in which this
    call-back was asked for. ``held_since`` is set while the caller hears our music.
    """

    id: str
    direction: str = "inbound"
    line: str = ""
    queue: str = ""
    number: str = ""
    e164: str = ""
    number_kind: str = "unknown"
    masked: str = ""
    display_name: str = ""
    dialled: str = ""
    state: str = "ringing"
    started_at: float = 0.0
    answered_at: float | None = None
    ended_at: float | None = None
    caller_rings: int = 0
    agent_rings: int = 0
    within_three_rings: bool | None = None
    rule_version: int | None = None
    hung_up_by: str = ""
    sip_status: int | None = None
    end_reason: str = ""
    sip_call_id: str = ""
    agent: str = ""
    patient_id: str = ""
    outcome: str = ""
    talk_seconds: float = 0.0
    wait_seconds: float | None = None
    disposition: str = ""
    disposition_note: str = ""
    disposition_by: str = ""
    disposition_at: float | None = None
    last_node: str = ""
    last_sequence: int = -1
    held_since: float | None = None
    holds: int = 0
    held_seconds: float = 0.0
    consults: int = 0
    most_talking: int = 0
    transferred: bool = False
    private: bool = False
    wrong_transfer: bool = False
    marks: tuple[dict[str, Any], ...] = ()
    priority: int = 0
    priority_reason: str = ""
    queue_path: tuple[dict[str, Any], ...] = ()
    menu_path: tuple[dict[str, Any], ...] = ()
    menu_branches: str = ""
    picked_up_at: float | None = None
    announced: tuple[str, ...] = ()
    voicemail_starts: float | None = None
    voicemail_seconds: float | None = None
    callback_requested_at: float | None = None
    callback_of: str = ""
    offers: tuple[Offer, ...] = field(default=())
    parties: tuple[Party, ...] = field(default=())
    transfers: tuple[Transfer, ...] = field(default=())

    def handled_by(self, username: str) -> bool:
        """Did this agent take the call, was asked for advice in it, or was in its conference?"""
        if self.agent == username and self.answered_at is not None:
            return True
        return any(
            one.agent == username and one.joined_at is not None and HANDLING.intersection(one.roles)
            for one in self.parties
        )


def changed(row: Call, **fields: Any) -> Call:
    """As ``dataclasses.replace``, which goes through some fifty fields one by one: a fifth of what storing a call's
    events took."""
    after = object.__new__(Call)
    after.__dict__.update(row.__dict__)
    after.__dict__.update(fields)
    return after
