"""The closed sets of words in events: who, which way, how, with what outcome."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Party(StrEnum):
    """Who did something. ``CALLER`` is the outside party of the call, whichever side dialled."""

    CALLER = "caller"
    AGENT = "agent"
    NETWORK = "network"
    SYSTEM = "system"


class Role(StrEnum):
    """How somebody takes part in a call (docs/call-control.md)."""

    #: the outside party that the call began with
    CALLER = "caller"
    #: handles the call
    AGENT = "agent"
    #: asked by an agent apart from the caller, who is held (D22)
    CONSULTED = "consulted"
    #: takes part in a conference, or was transferred to
    MEMBER = "member"
    #: a supervisor who hears and is not heard
    LISTENER = "listener"
    #: a supervisor whom only the agent hears
    WHISPERER = "whisperer"
    #: a supervisor whom everybody hears
    BARGER = "barger"


class TransferKind(StrEnum):
    #: the agent leaves at once
    BLIND = "blind"
    #: the agent has talked to the other party before (D21)
    CONSULT = "consult"
    #: handed to the peer with REFER (RFC 3515); the call has left this house
    REFER = "refer"
    #: a supervisor took the call over
    TAKE_OVER = "take_over"
    #: by a menu or an overflow rule
    ROUTED = "routed"


class OfferOutcome(StrEnum):
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    HEADSET_LOST = "headset_lost"
    CALLER_GONE = "caller_gone"
    #: it rang at several, and another answered
    ELSEWHERE = "elsewhere"


class AgentStatus(StrEnum):
    OFFLINE = "offline"
    NOT_READY = "not_ready"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
