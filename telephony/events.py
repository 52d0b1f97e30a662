"""The vocabulary of the call event stream.

Every fact about a call, an agent, a headset or a line is one of these small frozen records. They are appended
to the node's journal, fanned out to whoever listens at the seam, and stored exactly once under
``(node, sequence)``. Call log, wallboard, rule measurements and audits are all readings of this stream.

Shapes: ``call`` is a UUIDv7 in canonical text form; ``at`` is wall time in Unix seconds (UTC); ``monotonic`` is
nanoseconds on the node's monotonic clock (comparable only within one boot of one node); ``agent`` is a user name.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Party(StrEnum):
    """Who did something. ``CALLER`` is the outside party of the call, whichever side dialled."""

    CALLER = "caller"
    AGENT = "agent"
    NETWORK = "network"
    SYSTEM = "system"


class OfferOutcome(StrEnum):
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    HEADSET_LOST = "headset_lost"
    CALLER_GONE = "caller_gone"


class AgentStatus(StrEnum):
    OFFLINE = "offline"
    NOT_READY = "not_ready"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every event carries. ``sequence`` grows by one per event of a node and never repeats."""

    node: str = ""
    sequence: int = 0
    at: float = 0.0
    monotonic: int = 0


class CallEvent(Event, frozen=True, kw_only=True):
    call: str


class NodeStarted(Event, frozen=True, kw_only=True, tag="node.started"):
    boot: str
    version: str


class CallStarted(CallEvent, frozen=True, kw_only=True, tag="call.started"):
    """The first sight of a call: an INVITE in, or a dial out. ``number`` is the outside party as signalled."""

    direction: Direction
    line: str
    number: str
    dialled: str = ""
    display_name: str = ""
    queue: str = ""
    agent: str = ""
    sip_call_id: str = ""
    patient_id: str = ""


class CallProgress(CallEvent, frozen=True, kw_only=True, tag="call.progress"):
    """Outbound: a provisional answer (180, 183 …) came back."""

    sip_status: int
    early_media: bool = False


class CallerRing(CallEvent, frozen=True, kw_only=True, tag="call.caller_ring"):
    """The caller hears ring number ``ring`` (1-based; 1 s on, 4 s off from our 180 on) (D3)."""

    ring: int


class CallQueued(CallEvent, frozen=True, kw_only=True, tag="call.queued"):
    queue: str
    position: int


class CallOffered(CallEvent, frozen=True, kw_only=True, tag="call.offered"):
    """The call rings at ``agent``; ``offer`` counts offers of this call from 1."""

    agent: str
    offer: int
    number: str
    line: str
    queue: str = ""
    dialled: str = ""
    caller_rings: int = 0


class AgentRing(CallEvent, frozen=True, kw_only=True, tag="call.agent_ring"):
    """Ring number ``ring`` (1-based) at this agent's desk, counted from the offer to that agent."""

    agent: str
    ring: int


class OfferEnded(CallEvent, frozen=True, kw_only=True, tag="call.offer_ended"):
    agent: str
    offer: int
    outcome: OfferOutcome
    rings: int


class CallAnswered(CallEvent, frozen=True, kw_only=True, tag="call.answered"):
    """Both parties are joined. Rings are whole rings begun before the answer; the rule's version is kept (D128)."""

    agent: str
    codec: str
    caller_rings: int
    agent_rings: int
    within_three_rings: bool | None
    wait_seconds: float
    rule: str = "three_rings"
    rule_version: int = 1


class CallHeld(CallEvent, frozen=True, kw_only=True, tag="call.held"):
    by: Party


class CallResumed(CallEvent, frozen=True, kw_only=True, tag="call.resumed"):
    by: Party


class CallMuted(CallEvent, frozen=True, kw_only=True, tag="call.muted"):
    agent: str
    muted: bool


class CallDigit(CallEvent, frozen=True, kw_only=True, tag="call.digit"):
    """One DTMF digit (RFC 4733 or SIP INFO), 0-9 * # A-D."""

    digit: str
    by: Party


class CallEnded(CallEvent, frozen=True, kw_only=True, tag="call.ended"):
    """The call is over. ``sip_status`` is the final SIP status of the INVITE (200 once it was answered)."""

    by: Party
    sip_status: int
    reason: str
    caller_rings: int = 0
    agent_rings: int = 0
    agent: str = ""
    talk_seconds: float = 0.0


class RecordingStarted(CallEvent, frozen=True, kw_only=True, tag="recording.started"):
    path: str


class RecordingFailed(CallEvent, frozen=True, kw_only=True, tag="recording.failed"):
    """Audio of a live call could not be kept; the call goes on. ``lost_seconds`` is what is missing so far."""

    reason: str
    lost_seconds: float = 0.0


class RecordingClosed(CallEvent, frozen=True, kw_only=True, tag="recording.closed"):
    """``packets`` is 0 (not counted) when a phone process closes what one that died before it left behind."""

    path: str
    bytes: int
    packets: int


class MediaQuality(CallEvent, frozen=True, kw_only=True, tag="media.quality"):
    """What one leg's receiver saw (RFC 3550 §6.4.1 meanings). ``leg`` is ``line`` or ``headset``."""

    leg: str
    received: int
    lost: int
    late: int = 0
    jitter_ms: float = 0.0
    ignored: int = 0


class AgentState(Event, frozen=True, kw_only=True, tag="agent.state"):
    agent: str
    status: AgentStatus
    reason: str = ""
    call: str = ""


class HeadsetState(Event, frozen=True, kw_only=True, tag="agent.headset"):
    agent: str
    connected: bool
    reason: str = ""


class LineState(Event, frozen=True, kw_only=True, tag="line.state"):
    """``status``: ``up`` (registered, or a trunk that listens), ``down``, ``registering``, ``failed``, ``stopped``."""

    line: str
    status: str
    detail: str = ""


class RequestRefused(Event, frozen=True, kw_only=True, tag="line.refused"):
    """An INVITE from somebody who is not a configured peer got 403; ``count`` such since the last report."""

    source: str
    count: int
    detail: str = ""


AnyEvent = (
    NodeStarted
    | CallStarted
    | CallProgress
    | CallerRing
    | CallQueued
    | CallOffered
    | AgentRing
    | OfferEnded
    | CallAnswered
    | CallHeld
    | CallResumed
    | CallMuted
    | CallDigit
    | CallEnded
    | RecordingStarted
    | RecordingFailed
    | RecordingClosed
    | MediaQuality
    | AgentState
    | HeadsetState
    | LineState
    | RequestRefused
)
